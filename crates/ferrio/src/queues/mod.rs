//! Queues that pass items between the tasks of one thread; asyncio's `queues.py`.
//!
//! The decisions are those of [`engine::sync::Queue`](crate::engine::sync::Queue); here they get items, wakers and
//! futures.
//!
//! | module | what it is |
//! |---|---|
//! | `order` | `Order`: `Fifo`, `Lifo`, `Priority`; where the items are stored |
//! | `class` | `BaseQueue`, and the three queues |
//! | `moving` | putting an item in and taking one out without waiting |
//! | `ending` | `task_done`, `shutdown` |
//! | `getting`, `putting`, `joining` | the futures of `get`, `put` and `join` |
//! | `errors` | the errors |
//!
//! Queues are handles, as locks are: a clone is the same queue, and the futures borrow nothing.
//!
//! An item is put in by one call and taken out by another; a getter or putter that is woken only tries again. So nothing
//! is lost with one who gives up: he hands his wake-up to the next in line.

mod class;
mod ending;
mod errors;
mod getting;
mod joining;
mod moving;
mod order;
mod putting;

pub use class::{BaseQueue, LifoQueue, PriorityQueue, Queue};
pub use errors::{GetError, PutError, TryGetError, TryPutError};
pub use getting::QueueGet;
pub use joining::QueueJoin;
pub use order::{Fifo, Lifo, Order, Priority};
pub use putting::QueuePut;
