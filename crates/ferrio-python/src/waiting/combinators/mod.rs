//! Waiting for several futures, or for one in another way (CPython: `asyncio/tasks.py`).
//!
//! Each combinator adds a done-callback of its own kind to the futures (`kernel/done_callback.rs`).
//!
//! | file | concern |
//! |---|---|
//! | `gather` | `gather`, and the future that it returns |
//! | `wait` | `wait` |
//! | `as_completed` | `as_completed`, and its iterator |
//! | `shield` | `shield` |
//! | `distinct` | the arguments without duplicates |

pub mod as_completed;
mod distinct;
pub mod gather;
pub mod shield;
pub mod wait;

pub use self::as_completed::AsCompleted;
pub use self::gather::GatheringFuture;
pub use self::wait::WaitState;
