//! Copying and pickling of locks, queues and the other objects of this module.
//!
//! asyncio's are ordinary objects, so that a program can copy an object that contains one (`copy.deepcopy`,
//! `dataclasses.asdict`).

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use crate::cpython;

/// The value of `__reduce__`: a function that makes the object, its arguments, and the state to set.
pub type Reduced<'py> = (Bound<'py, PyAny>, (Bound<'py, PyType>,), Bound<'py, PyAny>);

/// Implements `__reduce__` as `object` does, but with the native class instead of `__class__`.
pub fn reduce<'py>(object: &Bound<'py, PyAny>) -> PyResult<Reduced<'py>> {
    let py = object.py();
    let class = object.get_type();
    let make = class.getattr(intern!(py, "__new__"))?;
    let state = object.call_method0(intern!(py, "__getstate__"))?;
    Ok((make, (class,), state))
}

/// Returns the state to keep: the values of `fields` and the program's own attributes. Raises `TypeError` if tasks wait.
pub fn state<'py>(
    object: &Bound<'py, PyAny>,
    waiters: usize,
    fields: &[&str],
) -> PyResult<Bound<'py, PyDict>> {
    if waiters > 0 {
        let text = format!("cannot copy or pickle {} while tasks wait", object.repr()?);
        return Err(PyTypeError::new_err(text));
    }
    let state = cpython::own_dictionary(object)?.copy()?;
    for &field in fields {
        let value = object.getattr(field)?;
        if field != "_loop" || !value.is_none() {
            state.set_item(field, value)?;
        }
    }
    Ok(state)
}

/// Restores a state that was kept.
pub fn restore(object: &Bound<'_, PyAny>, state: &Bound<'_, PyDict>) -> PyResult<()> {
    for (name, value) in state {
        object.setattr(name.cast::<pyo3::types::PyString>()?, value)?;
    }
    Ok(())
}

/// Defines copying and pickling for a class, by the attributes to keep and the number of tasks that wait.
macro_rules! copyable {
    ($class:ident, [$($field:literal),*], |$slf:ident| $waiters:expr) => {
        #[pymethods]
        impl $class {
            fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<$crate::waiting::sync::copying::Reduced<'py>> {
                $crate::waiting::sync::copying::reduce(slf.as_any())
            }

            fn __getstate__<'py>($slf: &Bound<'py, Self>) -> PyResult<Bound<'py, pyo3::types::PyDict>> {
                $crate::waiting::sync::copying::state($slf.as_any(), $waiters, &["_loop", $($field),*])
            }

            fn __setstate__(slf: &Bound<'_, Self>, state: &Bound<'_, pyo3::types::PyDict>) -> PyResult<()> {
                $crate::waiting::sync::copying::restore(slf.as_any(), state)
            }
        }
    };
}
pub(crate) use copyable;
