//! Making tasks.

use std::rc::Rc;

use crate::runtime::{EventLoop, running};
use crate::task::{Builder, Task, TaskRef};

/// Returns the running loop.
#[track_caller]
fn event_loop() -> EventLoop {
    EventLoop::running().expect("no running event loop")
}

/// Makes a task of a future on the running loop; asyncio's `create_task`. The first step runs in the next iteration.
///
/// ```
/// ferrio::run(async {
///     let task = ferrio::spawn(async { 6 * 7 });
///     assert_eq!(task.await?, 42);
///     Ok::<(), ferrio::JoinError>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// If no loop runs on this thread.
#[track_caller]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + 'static,
{
    spawn_with(Builder::new(), future)
}

/// Makes a task that has, for example, a name; otherwise as [`spawn`].
///
/// ```
/// use ferrio::Builder;
///
/// ferrio::run(async {
///     let task = ferrio::spawn_with(Builder::new().name("reader"), async {});
///     assert_eq!(&*task.name(), "reader");
/// })?;
/// # Ok::<(), ferrio::RunError>(())
/// ```
#[track_caller]
pub fn spawn_with<F>(builder: Builder, future: F) -> Task<F::Output>
where
    F: Future + 'static,
{
    match running(Rc::clone) {
        Some(inner) => builder.spawn_on(&*inner, future),
        None => panic!("no running event loop"),
    }
}

/// Returns all tasks of the running loop that are not done, in no order.
///
/// # Panics
///
/// If no loop runs on this thread.
#[track_caller]
pub fn all_tasks() -> Vec<TaskRef> {
    event_loop().all_tasks()
}
