//! Synchronization without I/O: who may go on, who has to wait, and who is to be
//! woken (asyncio's `locks.py` and `queues.py`).
//!
//! | file | concern |
//! |---|---|
//! | `waiters` | [`Waiters`]: a line of those who wait, in the order in which they came |
//! | `lock`, `event`, `condition`, `semaphore` | the primitives of these names |
//! | `barrier` | what a barrier adds to a condition |
//! | `queue` | who waits for items and for room, and what is unfinished; not the items |
//!
//! Nothing here wakes anybody or runs anything: the answers say who is to be woken,
//! and the caller does so. What a waiter is, is the caller's choice: for the Python
//! bindings a future, for a Rust program a waker. A waiter that has been woken or
//! cancelled stays in line until whoever it belongs to has noticed: only then do
//! they say so, by `woken`, `left` or `ended`. The rules are asyncio's to the letter,
//! those of the newest version.
//!
//! Waiters that are taken out of line are always handed back, never dropped in
//! here: where the caller's lock must not be held while they are, it need not be.

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
