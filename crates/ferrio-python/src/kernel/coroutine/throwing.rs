//! Exceptions that are thrown into coroutines.

use pyo3::exceptions::{
    PyBaseException, PyGeneratorExit, PyRuntimeError, PyStopIteration, PyTypeError,
};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use crate::cpython::{self, Resumed};

/// Makes an exception of the arguments of `throw`: an instance, a class, or the deprecated three.
pub fn as_thrown(
    py: Python<'_>,
    typ: Bound<'_, PyAny>,
    val: Option<Bound<'_, PyAny>>,
    tb: Option<Bound<'_, PyAny>>,
) -> PyResult<PyErr> {
    #[cfg(Py_3_12)]
    if val.is_some() || tb.is_some() {
        let category = py.get_type::<pyo3::exceptions::PyDeprecationWarning>();
        let text = c"the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.";
        PyErr::warn(py, &category, text, 1)?;
    }
    let val = val.filter(|val| !val.is_none());
    let tb = match tb.filter(|tb| !tb.is_none()).map(Bound::cast_into) {
        Some(Ok(tb)) => Some(tb),
        Some(Err(_)) => {
            let text = "throw() third argument must be a traceback";
            return Err(PyTypeError::new_err(text));
        }
        None => None,
    };
    let is_class = typ
        .cast::<PyType>()
        .is_ok_and(|class| class.is_subclass_of::<PyBaseException>().unwrap_or(false));
    let exception = match val {
        None if is_class || typ.is_instance_of::<PyBaseException>() => typ,
        Some(val) if is_class && val.is_instance(&typ)? => val,
        Some(val) if is_class => match val.cast::<PyTuple>() {
            Ok(args) => typ.call1(args)?,
            Err(_) => typ.call1((val,))?,
        },
        Some(_) if typ.is_instance_of::<PyBaseException>() => {
            let text = "instance exception may not have a separate value";
            return Err(PyTypeError::new_err(text));
        }
        _ => {
            let text = format!(
                "exceptions must be classes or instances deriving from BaseException, not {}",
                typ.get_type().name()?
            );
            return Err(PyTypeError::new_err(text));
        }
    };
    let error = PyErr::from_value(exception);
    if tb.is_some() {
        error.set_traceback(py, tb);
    }
    Ok(error)
}

/// Makes a `GeneratorExit`. The exception object is made here: PyO3 would make it at the first look at the error, which
/// may release the GIL and does not work while the interpreter ends.
pub(super) fn generator_exit(py: Python<'_>) -> PyErr {
    let class = py.get_type::<PyGeneratorExit>();
    cpython::raise_new(Ok(class.as_any()), ())
}

/// Returns the error that leaves a coroutine which ends with `error`: a `RuntimeError` for a `StopIteration` (PEP 479).
pub(super) fn leaving(py: Python<'_>, error: PyErr) -> PyErr {
    let error = cpython::normalized(py, error);
    if !error.is_instance_of::<PyStopIteration>(py) {
        return error;
    }
    let raised = PyRuntimeError::new_err("coroutine raised StopIteration");
    let context = raised
        .value(py)
        .setattr(intern!(py, "__context__"), error.value(py));
    raised.set_cause(py, Some(error));
    context.err().unwrap_or(raised)
}

/// Throws into an iterator as `yield from` does: `GeneratorExit` closes the iterator, and without a method `throw` the
/// error goes to the caller.
pub(super) fn throw_into(iter: &Bound<'_, PyAny>, error: PyErr) -> Resumed {
    let py = iter.py();
    if error.is_instance_of::<PyGeneratorExit>(py) {
        if let Some(close) = iter.getattr_opt(intern!(py, "close"))? {
            close.call0()?;
        }
        return Err(error.into());
    }
    let Some(throw) = iter.getattr_opt(intern!(py, "throw"))? else {
        return Err(error.into());
    };
    cpython::from_method_result(py, throw.call1((error.value(py),)))
}
