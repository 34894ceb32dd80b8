//! The class `Queue`.

use super::hooks::Hooks;
use super::items::Items;
use super::items::Kind;
use crate::base::cell::AttachedCell;
use crate::waiting::sync::{Event, LoopBound, SyncWaiter};
use ferrio::sync;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// A queue of items between tasks: first in, first out (CPython: `asyncio.Queue`).
///
/// Arguments: maxsize, how many items it holds at most; 0 or less means that there is no limit.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Queue {
    pub(super) kind: Kind,
    pub(super) hooks: Hooks,
    /// Set while nothing is unfinished.
    pub(super) finished: Py<Event>,
    /// What the limit was given as.
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
    /// A queue of the class that begins when `__init__` is called.
    pub(super) fn create(class: &Bound<'_, PyType>, kind: Kind) -> PyResult<Self> {
        Ok(Self {
            kind,
            hooks: Hooks::of(class)?,
            finished: Py::new(class.py(), Event::unset())?,
            maxsize: AttachedCell::new(None),
            state: LoopBound::new(State::new()),
        })
    }
}
