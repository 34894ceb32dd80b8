//! A Rust future as something that a loop runs in steps: its state, its waker, its cancellation.
//!
//! This module knows no loop. A loop is a [`Host`]: it queues the [`Runnable`]s that a waker hands to it, and runs each
//! of them once. So one kind of task serves the loop for Rust programs, and any other loop that implements `Host`.
//!
//! | module | what it is |
//! |---|---|
//! | `host` | what a task asks of its loop; the host of this thread; how a task is made, with the crate `async-task` |
//! | `step` | one step of a task: what polls the future, catches panics and ends the task |
//! | `scoped` | a task whose future may borrow |
//! | `state` | what is known of a task besides its future and its output |
//! | `observers` | those who wait for a task |
//! | `cancellation` | [`Cancelled`], and how it reaches the innermost awaitable |
//! | `scope` | a part of a task that is cancelled by itself |
//! | `handle` | [`Task`] and [`TaskRef`]: what a program holds |
//! | `join_error` | [`JoinError`]: why a task has no output |
//! | `locals` | values of a task's own, which tasks made by it inherit |
//!
//! # Life of a task
//!
//! `host::spawn` makes the task and hands its first [`Runnable`] to the host. The host runs it: the step polls the
//! future with a waker. A leaf of the future (a timer, a lock, a socket) keeps a clone of the waker and returns. When
//! the waker is called, on any thread, the task is handed to the host again, once. When the future is ready, the step
//! drops it, stores the output, and wakes those who wait for the task.
//!
//! # Cancellation
//!
//! [`Task::cancel`] sets a mark and wakes the task. The first leaf that is polled afterwards and would have to wait, or
//! has waited, takes the mark and returns [`Cancelled`] as an error, which `?` carries up. As in asyncio, the task may
//! catch it, await other things, and go on. If a step leaves the mark untaken, what the task awaits is not ferrio's and
//! knows only Rust's own way to be cancelled, so the task's future is dropped.

mod cancellation;
mod handle;
pub mod host;
mod join_error;
mod locals;
mod observers;
mod scope;
mod scoped;
mod state;
mod step;

pub use async_task::Runnable;
pub use cancellation::Cancelled;
pub(crate) use cancellation::take as take_cancellation;
pub use handle::{Finished, Task, TaskRef};
pub use host::{AlreadyRunning, Builder, Host, RemoteHost};
pub use join_error::{JoinError, Panicked};
pub use locals::LocalKey;
pub(crate) use observers::Observers;
pub(crate) use scope::InScope;
pub(crate) use scoped::Scoped;
pub(crate) use state::Watch;
pub use state::current_task;
