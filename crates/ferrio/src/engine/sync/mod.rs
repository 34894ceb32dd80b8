//! Synchronization without I/O: the decisions of asyncio's `locks.py` and `queues.py`. Which caller may go on, which one
//! has to wait, and which waiter is to be woken?
//!
//! | file | concern |
//! |---|---|
//! | `waiters` | [`Waiters`]: a line of waiters, in the order in which they came |
//! | `lock`, `event`, `condition`, `semaphore` | the primitives of these names |
//! | `barrier` | what a barrier adds to a condition |
//! | `queue` | the waiters and counters of a queue, without its items |
//!
//! Nothing here wakes a waiter or runs anything: the methods return the waiter to wake, and the caller wakes it. The
//! caller also chooses the type of a waiter: for the Python bindings a future, for a Rust program a waker. A waiter that
//! was woken or cancelled stays in line until its owner runs again and calls `woken`, `left` or `ended`. The rules are
//! exactly those of the newest version of asyncio.
//!
//! Waiters that leave a line are always returned, never dropped here, so that the caller can drop them outside of its
//! own lock.

mod barrier;
mod condition;
mod event;
mod lock;
mod queue;
mod semaphore;
mod waiters;

pub use barrier::{Barrier, Broken, Entry, Phase};
pub use condition::Condition;
pub use event::Event;
pub use lock::{Lock, NotLocked};
pub use queue::{Queue, Refused, TooManyDone};
pub use semaphore::{ReleasedTooOften, Semaphore, UNLIMITED};
pub use waiters::{Cursor, Status, Waiter, Waiters};
