//! Groups of tasks: no task outlives its group, and a failure ends all.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use crate::task::{Builder, Cancelled, InScope, Task};

use super::group::{End, Group, Stage};
use super::group_error::GroupError;
use super::member::Member;
use super::spawn_with;

/// A group of tasks, to which its body and its tasks add others; asyncio's class of this name.
///
/// Clones are the same group. [`TaskGroup::run`] makes one.
pub struct TaskGroup<E: 'static>(Rc<Group<E>>);

impl<E: 'static> TaskGroup<E> {
    /// Runs a body that adds tasks to a group, and waits until they are done; asyncio's `async with TaskGroup()`.
    ///
    /// The body may borrow. Its output is returned if nothing has failed. When a task of the group has failed, that is,
    /// its output is an error or it has panicked, the other tasks and the body are cancelled; when the body has failed,
    /// the tasks are. All errors are returned together. A task that was cancelled has not failed. When the one who runs
    /// the group is cancelled, so are its tasks.
    ///
    /// Tasks and bodies that await something that is not ferrio's, and take no notice of their cancellation, are dropped.
    /// Dropping the group's future aborts its tasks. A panic of the body goes on when the tasks are done.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ferrio::{Cancelled, TaskGroup, sleep};
    ///
    /// ferrio::run(async {
    ///     let sum = TaskGroup::run(async |group| {
    ///         let one = group.spawn(async { Ok(1) });
    ///         let two = group.spawn(async {
    ///             sleep(Duration::from_millis(1)).await?;
    ///             Ok(2)
    ///         });
    ///         Ok::<_, Cancelled>(one.await? + two.await?)
    ///     });
    ///     assert_eq!(sum.await.unwrap(), 3);
    ///
    ///     let failed = TaskGroup::run(async |group| {
    ///         group.spawn(async { Err::<(), _>("bad") });
    ///         group.spawn(async {
    ///             let _ = sleep(Duration::from_secs(3600)).await;
    ///             Ok(())
    ///         });
    ///         Ok(())
    ///     });
    ///     let error = failed.await.unwrap_err();
    ///     assert_eq!(error.to_string(), "unhandled errors in a TaskGroup (1 sub-exception): bad");
    /// })?;
    /// # Ok::<(), ferrio::RunError>(())
    /// ```
    pub async fn run<V, B>(body: B) -> Result<V, GroupError<E>>
    where
        B: AsyncFnOnce(TaskGroup<E>) -> Result<V, E>,
    {
        let group = TaskGroup(Rc::new(Group::new()));
        let _end = End(&group.0);
        let shared = &*group.0;
        let mut body = pin!(InScope::new(body(group.clone())));
        let polled = poll_fn(|cx| {
            shared.set_waker(cx);
            let cancels = || shared.cancels_body.get();
            let poll = || body.as_mut().poll_scope(cx, cancels);
            match catch_unwind(AssertUnwindSafe(poll)) {
                Ok(polled) => polled.map(Ok),
                Err(payload) => Poll::Ready(Err(payload)),
            }
        });
        let exit = match polled.await {
            Ok(exit) => exit,
            Err(payload) => {
                shared.abort();
                let _ = shared.wait_for_tasks().await;
                resume_unwind(payload)
            }
        };
        let own = shared.cancels_body.get() && !exit.cancelled_by_others;
        let mut cancelled = None;
        let output = match exit.output {
            Some(Err(error)) if exit.holds_cancelled => {
                drop(error);
                cancelled = (!own).then(Cancelled::given_again);
                None
            }
            output => output,
        };
        match &output {
            Some(Ok(_)) => shared.body_is_done(),
            Some(Err(_)) | None => shared.abort(),
        }
        let interrupted = shared.wait_for_tasks().await;
        let cancelled_by_others = exit.cancelled_by_others || interrupted.is_some();
        shared.end(output, interrupted.or(cancelled), cancelled_by_others)
    }

    /// Makes a task in the group; asyncio's `TaskGroup.create_task`.
    ///
    /// An error of its output goes to the group; one who awaits the task is told that it was cancelled. In a group that
    /// is shutting down or finished the future is dropped, and the task is one that was cancelled before it began.
    #[track_caller]
    pub fn spawn<T, F>(&self, future: F) -> Task<T>
    where
        T: 'static,
        F: Future<Output = Result<T, E>> + 'static,
    {
        self.spawn_with(Builder::new(), future)
    }

    /// Makes a task that has, for example, a name; otherwise as [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_with<T, F>(&self, builder: Builder, future: F) -> Task<T>
    where
        T: 'static,
        F: Future<Output = Result<T, E>> + 'static,
    {
        let refusal = match self.0.stage.get() {
            Stage::Body | Stage::Waiting => {
                let task = spawn_with(builder, Member::new(future, Rc::clone(&self.0)));
                self.0.add(&task.task_ref());
                return task;
            }
            Stage::Aborting => "TaskGroup is shutting down",
            Stage::Finished => "TaskGroup is finished",
        };
        drop(future);
        let task = spawn_with(builder, std::future::pending());
        task.cancel(refusal);
        task
    }
}

impl<E> Clone for TaskGroup<E> {
    fn clone(&self) -> TaskGroup<E> {
        TaskGroup(Rc::clone(&self.0))
    }
}

impl<E> std::fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stage = self.0.stage.get();
        f.debug_struct("TaskGroup")
            .field("tasks", &self.0.tasks.borrow().len())
            .field("errors", &self.0.errors.borrow().len())
            .field("cancelling", &(stage == Stage::Aborting))
            .finish()
    }
}
