//! Making tasks and waiting for them, as asyncio's functions do.
//!
//! | module | what it is |
//! |---|---|
//! | `spawning` | [`spawn`], [`all_tasks`] |
//! | `sleeping` | [`sleep`], [`sleep_until`], [`yield_now`] |

mod sleeping;
mod spawning;

pub use sleeping::{Sleep, YieldNow, sleep, sleep_until, yield_now};
pub use spawning::{all_tasks, spawn, spawn_with};
