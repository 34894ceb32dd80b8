//! Making tasks and waiting for them, as asyncio's functions do.
//!
//! | module | what it is |
//! |---|---|
//! | `spawning` | [`spawn`], [`all_tasks`] |
//! | `sleeping` | [`sleep`], [`sleep_until`], [`yield_now`] |
//! | `alarm` | a timer that wakes one who waits |
//! | `timeouts` | [`timeout`], [`timeout_at`], [`wait_for`], [`Timeout`] |
//! | `timed` | a future whose time is limited |
//! | `child` | a future that one waits for together with others, as a task |
//! | `watching` | many tasks that one waits for |
//! | `children` | the children that one gathers, and what becomes of their errors |
//! | `gathering` | [`gather`], [`gather_all`] |
//! | `gather_macro` | `gather!` |
//! | `waiting` | [`wait`] |
//! | `completing` | [`as_completed`] |
//! | `shielding` | [`shield`] |
//! | `groups` | [`TaskGroup`] |
//! | `group` | the state of a task group |
//! | `member` | a task of a group |
//! | `group_error` | [`GroupError`] |

mod alarm;
mod child;
mod children;
mod completing;
mod gather_macro;
mod gathering;
mod group;
mod group_error;
mod groups;
mod member;
mod shielding;
mod sleeping;
mod spawning;
mod timed;
mod timeouts;
mod waiting;
mod watching;

pub use completing::{AsCompleted, as_completed};
#[doc(hidden)]
pub use gather_macro::gather_tuple;
pub use gathering::{Gather, GatherAll, gather, gather_all};
pub use group_error::{GroupError, TaskError};
pub use groups::TaskGroup;
pub use shielding::{Shield, shield};
pub use sleeping::{Sleep, YieldNow, sleep, sleep_until, yield_now};
pub use spawning::{all_tasks, spawn, spawn_with};
pub use timed::{RescheduleError, Timed};
pub use timeouts::{Timeout, TimeoutError, timeout, timeout_at, wait_for};
pub use waiting::{AsTask, Fallible, ReturnWhen, Wait, wait};
