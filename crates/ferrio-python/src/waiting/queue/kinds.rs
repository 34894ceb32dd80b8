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

/// Defines the constructor of a subclass of [`Queue`], and its `__class__`, which is asyncio's class.
macro_rules! kind_of_queue {
    ($class:ident, $kind:expr, $asyncio_class:path) => {
        #[pymethods]
        impl $class {
            #[new]
            #[classmethod]
            #[pyo3(signature = (*_args, **_kwargs), text_signature = "(maxsize=0)")]
            fn new(
                cls: &Bound<'_, PyType>,
                _args: &Bound<'_, PyTuple>,
                _kwargs: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<PyClassInitializer<Self>> {
                let queue = Queue::create(cls, $kind)?;
                Ok(PyClassInitializer::from(queue).add_subclass(Self))
            }

            #[getter(__class__)]
            fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
                Ok(class_of::<Self>(slf, $asyncio_class(slf.py())?))
            }
        }
    };
}

kind_of_queue!(PriorityQueue, Kind::Priority, imports::priority_queue_class);
kind_of_queue!(LifoQueue, Kind::Lifo, imports::lifo_queue_class);
