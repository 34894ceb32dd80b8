//! `ferrio.Task`: a coroutine that the loop drives (CPython: `asyncio/tasks.py`).
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`Task`]: its state, and how one is made |
//! | `stepping` | one step: resume the coroutine, look at what it yields |
//! | `waiting` | what a coroutine may yield: a future, nothing, or a mistake |
//! | `cancelling` | requests to cancel, down a chain of tasks |
//! | `current` | which task runs, as `asyncio.current_task()` sees it |
//! | `registry` | all tasks, as `asyncio.all_tasks()` sees them |
//! | `foreign` | what a loop that is not ferrio's is given to call |
//! | `functions` | `create_task`, `ensure_future` |
//! | `lookups` | the running loop and the current task, found as asyncio's functions find them |
//! | `methods`, `attributes` | what Python calls and reads |
//!
//! A ready task is queued as itself: there is no handle, no bound method and no call of `call_soon`.

mod attributes;
mod cancelling;
mod class;
mod current;
mod foreign;
mod functions;
mod lookups;
mod methods;
mod registry;
mod stepping;
mod waiting;

pub use self::cancelling::cancel_any;
pub(crate) use self::class::unexpected;
use self::class::{Name, as_name};
pub use self::class::{Task, TaskParts, install_slots};
pub use self::foreign::{StepCallable, WakeupCallable, is_wakeup_of};
pub use self::functions::{create_task, ensure_future, ensure_future_on, spawn};
pub use self::lookups::{
    current_loop, current_task, current_task_function, loop_of_waiter, running_loop,
    running_loop_or_none, set_running_loop, watch_names,
};
pub use self::registry::{_native_tasks, include_in_all_tasks};
pub use self::stepping::AfterStep;
