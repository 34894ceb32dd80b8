//! Waiting for several futures (CPython: `asyncio/tasks.py`).
//!
//! | file | concern |
//! |---|---|
//! | `gather` | `gather`, and the future that it returns |
//! | `wait` | `wait` |
//! | `shield` | `shield` |

pub mod gather;
pub mod shield;
pub mod wait;

pub use self::gather::GatheringFuture;
pub use self::wait::Waiting;
