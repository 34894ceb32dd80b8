//! WaitState for several futures (CPython: `asyncio/tasks.py`).
//!
//! | file | concern |
//! |---|---|
//! | `gather` | `gather`, and the future that it returns |
//! | `wait` | `wait` |
//! | `as_completed` | `as_completed`, and its iterator |
//! | `shield` | `shield` |
//! | `distinct` | what is given to one, each once |

pub mod as_completed;
mod distinct;
pub mod gather;
pub mod shield;
pub mod wait;

pub use self::as_completed::AsCompleted;
pub use self::gather::GatheringFuture;
pub use self::wait::WaitState;
