//! `ferrio.Task`: a coroutine that the loop drives (CPython: `asyncio/tasks.py`).
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`Task`]: its state, and how one is made |
//! | `stepping` | one step: resume the coroutine, look at what it yields |
//! | `waiting` | what a coroutine yields: a future to wait for, `None`, or something wrong |
//! | `cancelling` | requests to cancel: down a chain of tasks, counted and taken back |
//! | `current` | entering and leaving a task, for `asyncio.current_task()` |
//! | `registry` | all tasks, for `asyncio.all_tasks()` |
//! | `foreign` | the objects that a loop or a future which is not ferrio's calls |
//! | `functions` | `create_task`, `ensure_future` |
//! | `lookups` | the running loop and the current task, found as asyncio's functions find them |
//! | `methods`, `attributes` | asyncio's methods, its private attributes and `repr` |
//!
//! A ready task goes into the loop's queue itself, where asyncio has a handle with a bound method.

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

pub use self::cancelling::{cancel_any, cancelling, uncancel};
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
