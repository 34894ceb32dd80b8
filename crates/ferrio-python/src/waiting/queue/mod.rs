//! Queues (CPython: `asyncio/queues.py`): the algorithm of [`ferrio::engine::sync::Queue`] with futures as waiters, and the items.
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`Queue`] |
//! | `items` | where the items are stored, and in which order they leave |
//! | `overrides` | which methods a subclass overrides |
//! | `moving` | putting and getting an item without waiting |
//! | `waiting` | `put`, `get` and `join`, which may wait |
//! | `methods` | the public methods |
//! | `attributes` | the private attributes that well-known libraries use, the representation |
//! | `kinds` | `PriorityQueue`, `LifoQueue` |
//!
//! A queue whose class overrides nothing does each operation in one access to its interior state. Any other queue does it
//! method by method, as asyncio's code does.

mod attributes;
mod class;
mod items;
mod kinds;
mod methods;
mod moving;
mod overrides;
mod waiting;

pub use self::class::Queue;
use self::class::State;
pub use self::items::Kind;
pub use self::kinds::{LifoQueue, PriorityQueue};
