//! The class `Queue`: its fields and its interior state.

use ferrio::engine::sync;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::items::{Items, Kind};
use super::overrides::Overrides;
use crate::base::cell::AttachedCell;
use crate::waiting::sync::{Event, LoopBound, SyncWaiter};

/// A queue that passes items between tasks: first in, first out (CPython: `asyncio.Queue`).
///
/// Arguments: maxsize, the largest number of items in the queue; 0 or less means no limit.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Queue {
    pub(super) kind: Kind,
    pub(super) overrides: Overrides,
    /// Set while no item is unfinished: `join` waits for it.
    pub(super) finished: Py<Event>,
    /// The argument `maxsize`, as the program has passed it.
    pub(super) maxsize: AttachedCell<Option<Py<PyAny>>>,
    pub(super) state: LoopBound<State>,
}

/// The interior state of a queue.
pub(super) struct State {
    pub(super) queue: sync::Queue<SyncWaiter>,
    pub(super) items: Items,
}

impl State {
    pub(super) const fn new() -> Self {
        Self {
            queue: sync::Queue::new(None),
            items: Items::new(),
        }
    }
}

impl Queue {
    /// Makes a queue of a class, which `__init__` completes.
    pub(super) fn create(class: &Bound<'_, PyType>, kind: Kind) -> PyResult<Self> {
        Ok(Self {
            kind,
            overrides: Overrides::of(class)?,
            finished: Py::new(class.py(), Event::unset())?,
            maxsize: AttachedCell::new(None),
            state: LoopBound::new(State::new()),
        })
    }
}
