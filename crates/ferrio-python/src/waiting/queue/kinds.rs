//! `PriorityQueue` and `LifoQueue`.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::{Kind, Queue};
use crate::base::imports;
use crate::cpython::subclasses::class_of;

/// A queue whose smallest item leaves first, by `<` (CPython: `asyncio.PriorityQueue`).
///
/// Items are often tuples (priority, data). Arguments: maxsize, the largest number of items in the queue; 0 or less means
/// no limit.
#[pyclass(module = "ferrio", extends = Queue, subclass, frozen, weakref, dict)]
pub struct PriorityQueue;

/// A queue whose newest item leaves first (CPython: `asyncio.LifoQueue`).
///
/// Arguments: maxsize, the largest number of items in the queue; 0 or less means no limit.
#[pyclass(module = "ferrio", extends = Queue, subclass, frozen, weakref, dict)]
pub struct LifoQueue;

#[pymethods]
impl PriorityQueue {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(maxsize=0)")]
    fn new(
        cls: &Bound<'_, PyType>,
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let queue = Queue::create(cls, Kind::Priority)?;
        Ok(PyClassInitializer::from(queue).add_subclass(Self))
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(class_of::<Self>(
            slf,
            imports::priority_queue_class(slf.py())?,
        ))
    }
}

#[pymethods]
impl LifoQueue {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(maxsize=0)")]
    fn new(
        cls: &Bound<'_, PyType>,
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let queue = Queue::create(cls, Kind::Lifo)?;
        Ok(PyClassInitializer::from(queue).add_subclass(Self))
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(class_of::<Self>(slf, imports::lifo_queue_class(slf.py())?))
    }
}
