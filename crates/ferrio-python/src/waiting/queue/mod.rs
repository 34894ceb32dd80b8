//! Queues (CPython: `asyncio/queues.py`): the engine's [`ferrio::sync::Queue`] with futures as waiters, and the items.
//!
//! | file | concern |
//! |---|---|
//! | `items` | where the items are, and how each class of queue takes them in and out |
//! | `hooks` | what subclasses have put in place of a queue's methods |
//! | `moving` | putting an item in and taking one out, at once |
//! | `waiting` | `put`, `get` and `join`, which may wait |
//! | `methods` | what Python calls |
//! | `attributes` | the private attributes that well-known libraries read, the representation |
//! | `kinds` | `PriorityQueue`, `LifoQueue` |
//!
//! A queue whose class overrides nothing does everything in one access to its interior state. One that does goes the
//! way of asyncio's code, method by method.

mod attributes;
mod hooks;
mod items;
mod kinds;
mod methods;
mod moving;
mod waiting;

use ferrio::sync;
use pyo3::prelude::*;
use pyo3::types::PyType;

use self::hooks::Hooks;
use self::items::Items;
pub use self::items::Kind;
pub use self::kinds::{LifoQueue, PriorityQueue};
use crate::base::cell::AttachedCell;
use crate::waiting::sync::{Bound as LoopBound, Event, Waiter};

/// A queue of items between tasks: first in, first out (CPython: `asyncio.Queue`).
///
/// Arguments: maxsize, how many items it holds at most; 0 or less means that there is no limit.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Queue {
    kind: Kind,
    hooks: Hooks,
    /// Set while nothing is unfinished.
    finished: Py<Event>,
    /// What the limit was given as.
    maxsize: AttachedCell<Option<Py<PyAny>>>,
    state: LoopBound<State>,
}

/// The interior state of a queue.
struct State {
    queue: sync::Queue<Waiter>,
    items: Items,
}

impl State {
    const fn new() -> Self {
        Self {
            queue: sync::Queue::new(None),
            items: Items::new(),
        }
    }
}

impl Queue {
    /// A queue of the class that begins when `__init__` is called.
    fn create(class: &Bound<'_, PyType>, kind: Kind) -> PyResult<Self> {
        Ok(Self {
            kind,
            hooks: Hooks::of(class)?,
            finished: Py::new(class.py(), Event::unset())?,
            maxsize: AttachedCell::new(None),
            state: LoopBound::new(State::new()),
        })
    }
}

crate::cpython::in_turn!(Queue, LifoQueue, PriorityQueue);
