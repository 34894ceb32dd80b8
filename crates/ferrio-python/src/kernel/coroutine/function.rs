//! The functions whose calls make coroutines, as objects that say so to `inspect`.

use std::ffi::CString;

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::code::PyCodeInput;
use pyo3::types::{PyCode, PyCodeMethods, PyDict, PyString, PyTuple};

use super::Body;
use crate::base::cell::AttachedOnce;
use crate::base::imports;
use crate::cpython::{self, Callee, Forward};

/// A function whose calls make coroutines (CPython: `types.FunctionType` with `CO_COROUTINE`).
///
/// A call in the usual form makes the coroutine directly; any other call goes to the function that PyO3 has made.
/// Attributes are those of a stand-in: an `async def` with the same name and signature, made at the first access. So
/// `inspect.iscoroutinefunction`, and programs that look at the code's flags, see the same as with asyncio's functions.
#[pyclass(module = "ferrio", name = "function", frozen, weakref)]
pub struct CoroutineFunction {
    callee: Callee,
    at_once: Option<AtOnce>,
    parameters: Parameters,
    stand_in: AttachedOnce<Py<PyAny>>,
}

/// The parameters that a function shows to `inspect.signature`.
#[derive(Clone, Copy)]
pub enum Parameters {
    /// Those of the function that PyO3 has made.
    Own,
    /// Those of the method of the running Python's `asyncio.SelectorEventLoop`, which differ between versions.
    OfAsyncio,
}

/// The usual form of a call, for which the coroutine is made without PyO3's help.
#[derive(Clone, Copy)]
pub struct AtOnce {
    body: Body,
    /// The number of positional arguments, of which the first is the coroutine's target.
    count: usize,
    /// The index of the coroutine's argument among them.
    argument: Option<usize>,
}

impl AtOnce {
    pub const fn new(body: Body, count: usize, argument: Option<usize>) -> Self {
        Self {
            body,
            count,
            argument,
        }
    }
}

impl Forward for CoroutineFunction {
    fn callee(&self) -> &Callee {
        &self.callee
    }

    #[inline]
    fn call_at_once<'py>(
        &self,
        py: Python<'py>,
        args: &[Borrowed<'_, 'py, PyAny>],
    ) -> Option<PyResult<Bound<'py, PyAny>>> {
        let at_once = self.at_once.as_ref()?;
        if args.len() != at_once.count {
            return None;
        }
        let owned = |index: usize| Some((**args.get(index)?).clone().unbind());
        let argument = at_once.argument.and_then(owned);
        let call = at_once.body.call(owned(0)?, argument);
        Some(call.into_pyobject(py).map(Bound::into_any))
    }
}

impl CoroutineFunction {
    /// Makes one that takes the place of `function`.
    pub fn new(
        function: &Bound<'_, PyAny>,
        at_once: Option<AtOnce>,
        parameters: Parameters,
    ) -> Self {
        Self {
            callee: Callee::new::<Self>(function),
            at_once,
            parameters,
            stand_in: AttachedOnce::new(),
        }
    }

    /// Makes `__doc__` of the class a descriptor that returns the function's docstring. `pydoc` reads docstrings by
    /// `object.__getattribute__`, which would find that of the class.
    pub fn document(py: Python<'_>) -> PyResult<()> {
        let class = py.get_type::<Self>();
        let names = class.getattr(intern!(py, "__dict__"))?;
        let docstring = names.get_item(intern!(py, "_doc"))?;
        cpython::replace_in_class(&class, intern!(py, "__doc__"), &docstring)
    }

    fn stand_in<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(made) = self.stand_in.get(py) {
            return Ok(made.bind(py).clone());
        }
        let made = make_stand_in(self.callee.object().bind(py), self.parameters)?;
        // Making it has run Python code, so another thread may have been faster.
        let _ = self.stand_in.set(py, made.clone().unbind());
        Ok(self
            .stand_in
            .get(py)
            .map_or(made, |made| made.bind(py).clone()))
    }
}

/// Makes an `async def` with the function's name, signature and docstring.
fn make_stand_in<'py>(
    function: &Bound<'py, PyAny>,
    parameters: Parameters,
) -> PyResult<Bound<'py, PyAny>> {
    let py = function.py();
    let name = function.getattr(intern!(py, "__name__"))?;
    let signature = imports::signature(py)?.call1((function,))?;
    let source = CString::new(format!("async def {name}{signature}: ..."))?;
    let globals = PyDict::new(py);
    globals.set_item(intern!(py, "__name__"), intern!(py, "ferrio"))?;
    PyCode::compile(py, &source, c"<ferrio>", PyCodeInput::File)?.run(Some(&globals), None)?;
    let made = globals.as_any().get_item(&name)?;
    if let Parameters::OfAsyncio = parameters {
        let original = imports::selector_event_loop(py)?.getattr(name.cast::<PyString>()?)?;
        let signature = imports::signature(py)?.call1((original,))?;
        made.setattr(intern!(py, "__signature__"), signature)?;
    }
    for name in [intern!(py, "__qualname__"), intern!(py, "__doc__")] {
        made.setattr(name, function.getattr(name)?)?;
    }
    Ok(made)
}

#[pymethods]
impl CoroutineFunction {
    /// Calls the function in portable mode, in which it has no vectorcall slot.
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__(
        &self,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let py = args.py();
        if kwargs.is_none() {
            let args: Vec<_> = args.iter_borrowed().collect();
            if let Some(made) = self.call_at_once(py, &args) {
                return made.map(Bound::unbind);
            }
        }
        self.callee.object().call(py, args, kwargs)
    }

    fn __get__(
        slf: &Bound<'_, Self>,
        object: Option<&Bound<'_, PyAny>>,
        _class: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let bound = match object {
            Some(object) => cpython::bind(slf.as_any(), object)?,
            None => slf.clone().into_any(),
        };
        Ok(bound.unbind())
    }

    /// The docstring, for [`CoroutineFunction::document`].
    #[getter(_doc)]
    fn doc<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.stand_in(py)?.getattr(intern!(py, "__doc__"))
    }

    /// Leaves the attributes to the stand-in that every class gives its instances, but that a function has of its own.
    fn __getattribute__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if matches!(name.to_str()?, "__class__" | "__module__") {
            return slf.get().stand_in(py)?.getattr(name);
        }
        py.get_type::<PyAny>()
            .call_method1(intern!(py, "__getattribute__"), (slf, name))
    }

    /// Leaves the attributes to the stand-in that this class does not have.
    fn __getattr__<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.stand_in(py)?.getattr(name)
    }

    fn __setattr__(&self, name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.stand_in(name.py())?.setattr(name, value)
    }

    fn __delattr__(&self, name: &Bound<'_, PyString>) -> PyResult<()> {
        self.stand_in(name.py())?.delattr(name)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.getattr(intern!(slf.py(), "__qualname__"))?;
        Ok(format!("<function {name} at {:p}>", slf.as_ptr()))
    }

    /// Pickles by name, as functions are pickled.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.getattr(intern!(slf.py(), "__qualname__"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.callee.traverse(&visit)?;
        visit.call(self.stand_in.get(&visit))
    }
}
