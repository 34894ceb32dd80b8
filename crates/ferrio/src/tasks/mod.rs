//! Making tasks and waiting for them, as asyncio's functions do.
//!
//! | module | what it is |
//! |---|---|
//! | `spawning` | [`spawn`], [`all_tasks`] |
//! | `sleeping` | [`sleep`], [`sleep_until`], [`yield_now`] |
//! | `alarm` | a timer that wakes one who waits |
//! | `timeouts` | [`timeout`], [`timeout_at`], [`wait_for`], [`Timeout`] |

mod alarm;
mod sleeping;
mod spawning;
mod timeouts;

pub use sleeping::{Sleep, YieldNow, sleep, sleep_until, yield_now};
pub use spawning::{all_tasks, spawn, spawn_with};
pub use timeouts::{
    RescheduleError, Timed, Timeout, TimeoutError, timeout, timeout_at, wait_for,
};
