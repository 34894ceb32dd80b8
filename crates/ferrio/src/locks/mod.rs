//! Locks, events and the like for the tasks of one thread; asyncio's `locks.py`.
//!
//! The decisions are those of [`engine::sync`](crate::engine::sync); here they get wakers, futures and guards.
//!
//! | module | what it is |
//! |---|---|
//! | `waiting` | one who waits in a line: a status and a waker |
//! | `lock` | `Lock`, and the guard that releases it |
//! | `event` | `Event` |
//! | `condition` | `Condition`: a lock, and a line of those who wait for a notification |
//! | `permits` | what both semaphores share: the line, the future and the guard |
//! | `semaphore` | `Semaphore` and `BoundedSemaphore` |
//! | `barrier` | `Barrier` |
//!
//! All of these types are handles: a clone is the same lock. So are the futures and guards, which keep what they belong
//! to alive and borrow nothing (but for those of a condition, which borrow the guard), so that
//! `spawn(lock.acquire())` is as good as in asyncio.
//!
//! # Fairness and cancellation
//!
//! Who comes first is served first, and one who was woken is not overtaken by one who comes later. A wait ends early in
//! two ways: its task is cancelled, or its future is dropped. Both give up the place in line, and hand a wake-up that
//! came too late to the next. A cancelled task gives up its place in its next step, not in the call of `cancel`: until
//! then it may be woken, and then hands on what it was woken for.
//!
//! Nothing here is borrowed while a waker is called or dropped.

mod barrier;
mod condition;
mod event;
mod lock;
mod permits;
mod semaphore;
mod waiting;

pub use barrier::{Barrier, BarrierError, BarrierWait, BrokenBarrier};
pub use condition::{CannotNotify, Condition, ConditionError, ConditionWait};
pub use event::{Event, EventWait};
pub use lock::{Lock, LockAcquire, LockGuard};
pub use permits::{SemaphoreAcquire, SemaphoreGuard};
pub use semaphore::{BoundedSemaphore, Semaphore};
pub(crate) use waiting::{Waiting, wake};
