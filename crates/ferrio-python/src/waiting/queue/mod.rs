//! Queues (CPython: `asyncio/queues.py`): the engine's [`ferrio::sync::Queue`] with futures as waiters, and the items.
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`Queue`] |
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
mod class;
mod hooks;
mod items;
mod kinds;
mod methods;
mod moving;
mod waiting;

pub use self::class::Queue;
use self::class::State;
pub use self::items::Kind;
pub use self::kinds::{LifoQueue, PriorityQueue};
