//! Synchronization (CPython: `asyncio/locks.py`, `asyncio/mixins.py`): the engine's [`ferrio::sync`] with futures as
//! waiters.
//!
//! | file | concern |
//! |---|---|
//! | `waiter` | [`SyncWaiter`]: a future of the loop that stands in line |
//! | `waiters_view` | [`WaitersView`], what `_waiters` and its like give: the waiters as a sequence that can be changed |
//! | `loop_bound` | [`LoopBound`]: an algorithm of the engine that belongs to the first loop on which somebody waits |
//! | `attributes` | the private attributes that all of them have |
//! | `copying` | what `copy` and `pickle` keep of them |
//! | `notified` | how a task waits on a condition |
//! | `lock`, `event`, `condition`, `semaphore`, `barrier` | the classes of these names |
//!
//! On ferrio's loop a waiter is a native future, made and woken without a call into Python; on any other it is what the
//! loop's `create_future` gives, and is asked how it is before the algorithm looks at it.

pub mod attributes;
pub mod barrier;
pub mod condition;
pub mod copying;
pub mod event;
pub mod lock;
pub mod loop_bound;
mod notified;
pub mod semaphore;
mod waiter;
pub mod waiters_view;

pub use self::barrier::Barrier;
pub use self::condition::Condition;
pub use self::event::Event;
pub use self::lock::Lock;
pub use self::loop_bound::LoopBound;
pub use self::semaphore::{BoundedSemaphore, Semaphore};
pub use self::waiter::SyncWaiter;
pub use self::waiters_view::WaitersView;
