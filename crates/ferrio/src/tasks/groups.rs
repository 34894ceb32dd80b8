//! Groups of tasks: no task outlives its group, and a failure ends all.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use slab::Slab;

use crate::task::{
    Builder, Cancelled, InScope, Task, TaskRef, Watch, current_task, take_cancellation,
};

use super::group_error::{GroupError, TaskError};
use super::member::Member;
use super::spawn_with;

/// A group of tasks, to which its body and its tasks add others; asyncio's class of this name.
///
/// Clones are the same group. [`TaskGroup::run`] makes one.
pub struct TaskGroup<E: 'static>(Rc<Group<E>>);

/// What the handles of a group and its tasks share.
pub(super) struct Group<E> {
    tasks: RefCell<Slab<TaskRef>>,
    errors: RefCell<Vec<TaskError<E>>>,
    stage: Cell<Stage>,
    /// Whether a failure is to cancel the body.
    cancels_body: Cell<bool>,
    /// Wakes the one who runs the group.
    waker: Cell<Option<Waker>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The body runs.
    Body,
    /// The body is done, and tasks are waited for.
    Waiting,
    /// All tasks were cancelled; the body may still run.
    Aborting,
    Finished,
}

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
        let group = TaskGroup::new();
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

    fn new() -> TaskGroup<E> {
        TaskGroup(Rc::new(Group {
            tasks: RefCell::default(),
            errors: RefCell::default(),
            stage: Cell::new(Stage::Body),
            cancels_body: Cell::new(false),
            waker: Cell::new(None),
        }))
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

impl<E> Watch for Group<E> {
    fn task_done(&self, number: usize) {
        let task = self.tasks.borrow_mut().try_remove(number);
        drop(task);
        if self.is_empty() {
            self.wake();
        }
    }
}

impl<E> Group<E> {
    fn add(self: &Rc<Self>, task: &TaskRef)
    where
        E: 'static,
    {
        let number = self.tasks.borrow_mut().insert(task.clone());
        task.watch(Rc::clone(self) as Rc<dyn Watch>, number);
    }

    fn is_empty(&self) -> bool {
        self.tasks.borrow().is_empty()
    }

    /// Whether the tasks were told to end.
    pub(super) fn is_aborting(&self) -> bool {
        self.stage.get() == Stage::Aborting
    }

    /// Takes the error of a task, and cancels the rest. The loop calls this in the iteration after that of the failure,
    /// as in asyncio, so that tasks which fail in the same iteration all do.
    pub(super) fn fail(&self, error: TaskError<E>) {
        self.errors.borrow_mut().push(error);
        if self.is_aborting() {
            return;
        }
        let body_runs = self.stage.get() == Stage::Body;
        self.abort();
        if body_runs {
            self.cancels_body.set(true);
            self.wake();
        }
    }

    fn abort(&self) {
        if self.stage.replace(Stage::Aborting) != Stage::Aborting {
            for task in self.members() {
                task.cancel(None);
            }
        }
    }

    fn members(&self) -> Vec<TaskRef> {
        let tasks = self.tasks.borrow();
        tasks.iter().map(|(_, task)| task.clone()).collect()
    }

    fn body_is_done(&self) {
        if self.stage.get() == Stage::Body {
            self.stage.set(Stage::Waiting);
        }
    }

    fn set_waker(&self, cx: &Context<'_>) {
        let waker = self.waker.take();
        let same = waker.filter(|waker| waker.will_wake(cx.waker()));
        self.waker.set(same.or_else(|| Some(cx.waker().clone())));
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Waits until all tasks are done. Whenever the one who waits is cancelled, the tasks are; returns the last such
    /// cancellation.
    async fn wait_for_tasks(&self) -> Option<Cancelled> {
        let mut interrupted = None;
        let mut has_waited = false;
        poll_fn(|cx| {
            let told = std::mem::replace(&mut has_waited, true) || !self.is_empty();
            if let Some(cancelled) = told.then(take_cancellation).flatten() {
                interrupted = Some(cancelled);
                self.abort();
            }
            if self.is_empty() {
                return Poll::Ready(());
            }
            self.set_waker(cx);
            Poll::Pending
        })
        .await;
        interrupted
    }

    /// Says how it has ended.
    fn end<V>(
        &self,
        output: Option<Result<V, E>>,
        cancelled: Option<Cancelled>,
        cancelled_by_others: bool,
    ) -> Result<V, GroupError<E>> {
        let mut errors = self.errors.take();
        let output = match output {
            Some(Err(error)) => {
                errors.push(TaskError::Failed(error));
                None
            }
            Some(Ok(output)) => Some(output),
            None => None,
        };
        if !errors.is_empty() {
            // The errors are what is told now; the one who runs the group hears of the cancellation afterwards.
            if cancelled_by_others && let Some(task) = current_task() {
                task.renew_cancellation();
            }
            return Err(GroupError::Failed(errors));
        }
        match (cancelled, output) {
            (None, Some(output)) => Ok(output),
            (cancelled, _) => Err(GroupError::Cancelled(
                cancelled.unwrap_or_else(Cancelled::given_again),
            )),
        }
    }
}

/// Ends the tasks of a group whose future is dropped.
struct End<'a, E>(&'a Group<E>);

impl<E> Drop for End<'_, E> {
    fn drop(&mut self) {
        self.0.stage.set(Stage::Finished);
        for task in self.0.members() {
            task.abort();
        }
    }
}
