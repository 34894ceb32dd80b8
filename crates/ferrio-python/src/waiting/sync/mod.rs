//! Synchronization (CPython: `asyncio/locks.py`, `asyncio/mixins.py`): the algorithms of [`ferrio::engine::sync`] with futures as
//! waiters.
//!
//! | file | concern |
//! |---|---|
//! | `waiter` | [`SyncWaiter`]: a future as a waiter |
//! | `loop_bound` | [`LoopBound`]: an algorithm that belongs to the first loop on which a task waits |
//! | `acquiring` | acquiring, releasing and `async with`, for locks and semaphores |
//! | `returns` | the constant that a coroutine returns |
//! | `lock`, `event`, `condition`, `semaphore`, `barrier` | the classes of these names |
//! | `notified` | how a task waits on a condition |
//! | `attributes` | the private attributes that all classes share |
//! | `waiters_view` | [`WaitersView`]: `_waiters`, a sequence that Python code can change |
//! | `copying` | copying and pickling |
//!
//! On ferrio's loop a waiter is a native future, made and woken without a call of Python. On any other loop it is the
//! future that the loop's `create_future` returns. The algorithm cannot call Python, so the future's status is read
//! before the algorithm runs (`LoopBound::refresh`).

pub mod acquiring;
pub mod attributes;
pub mod barrier;
pub mod condition;
pub mod copying;
pub mod event;
pub mod lock;
pub mod loop_bound;
mod notified;
mod returns;
pub mod semaphore;
mod waiter;
pub mod waiters_view;

pub use self::barrier::Barrier;
pub use self::condition::Condition;
pub use self::event::Event;
pub use self::lock::Lock;
pub use self::loop_bound::LoopBound;
pub use self::returns::Returns;
pub use self::semaphore::{BoundedSemaphore, Semaphore};
pub use self::waiter::SyncWaiter;
pub use self::waiters_view::WaitersView;
