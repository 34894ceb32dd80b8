//! Waiting for some of many tasks.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::engine::Time;
use crate::task::{Cancelled, Task, TaskRef, take_cancellation};

use super::alarm::Alarm;
use super::watching::Watching;

/// When [`wait`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnWhen {
    /// When a task is done; asyncio's `FIRST_COMPLETED`.
    FirstCompleted,
    /// When a task has panicked, or all are done; asyncio's `FIRST_EXCEPTION`. See [`Wait::or_error`].
    FirstException,
    /// When all are done; asyncio's `ALL_COMPLETED`.
    AllCompleted,
}

/// Something that stands for a task: what [`wait`] takes, and gives back.
pub trait AsTask {
    /// Returns the reference to the task.
    fn as_task(&self) -> TaskRef;
}

impl AsTask for TaskRef {
    fn as_task(&self) -> TaskRef {
        self.clone()
    }
}

impl<T: 'static> AsTask for Task<T> {
    fn as_task(&self) -> TaskRef {
        self.task_ref()
    }
}

impl<A: AsTask> AsTask for &A {
    fn as_task(&self) -> TaskRef {
        (**self).as_task()
    }
}

/// A task whose output is a [`Result`].
pub trait Fallible: AsTask {
    /// Whether the task is done and its output is an error that nobody has taken.
    fn is_err(&self) -> bool;
}

impl<T: 'static, E: 'static> Fallible for Task<Result<T, E>> {
    fn is_err(&self) -> bool {
        self.peek(|outcome| matches!(outcome, Ok(Err(_)))) == Some(true)
    }
}

impl<F: Fallible> Fallible for &F {
    fn is_err(&self) -> bool {
        (**self).is_err()
    }
}

/// Waits for some of many tasks; made by [`wait`].
///
/// Gives those that are done and those that are not, each in the order of the arguments.
#[must_use = "nothing waits until it is awaited"]
pub struct Wait<A> {
    tasks: Vec<A>,
    watching: Watching,
    left: usize,
    when: ReturnWhen,
    has_failed: fn(&A) -> bool,
    timeout: Option<Duration>,
    alarm: Option<Alarm>,
    has_waited: bool,
}

/// Waits until tasks are done; `asyncio.wait`.
///
/// The tasks can be given by value, by reference, or as [`TaskRef`]s, and are given back like that. They are left alone
/// if the one who waits is cancelled. Without tasks it returns at once.
///
/// ```
/// use std::time::Duration;
/// use ferrio::{ReturnWhen, sleep, spawn, wait};
///
/// ferrio::run(async {
///     let tasks = [3600, 0].map(|seconds| spawn(sleep(Duration::from_secs(seconds))));
///     let (done, pending) = wait(&tasks, ReturnWhen::FirstCompleted).await?;
///     assert_eq!(done[0].name(), tasks[1].name());
///     assert_eq!(pending[0].name(), tasks[0].name());
///     Ok::<(), ferrio::Cancelled>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait<I>(tasks: I, when: ReturnWhen) -> Wait<I::Item>
where
    I: IntoIterator<Item: AsTask>,
{
    let tasks: Vec<_> = tasks.into_iter().collect();
    Wait {
        watching: Watching::new(tasks.iter().map(AsTask::as_task)),
        left: tasks.len(),
        tasks,
        when,
        has_failed: |_| false,
        timeout: None,
        alarm: None,
        has_waited: false,
    }
}

impl<A: AsTask> Wait<A> {
    /// Waits at most for `delay`, which counts from the first poll. It is no error if the time is over.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ferrio::{ReturnWhen, sleep, spawn, wait};
    ///
    /// ferrio::run(async {
    ///     let tasks = [spawn(sleep(Duration::from_secs(3600)))];
    ///     let waiting = wait(tasks, ReturnWhen::AllCompleted);
    ///     let (done, pending) = waiting.timeout(Duration::from_millis(1)).await?;
    ///     assert_eq!((done.len(), pending.len()), (0, 1));
    ///     Ok::<(), ferrio::Cancelled>(())
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn timeout(mut self, delay: Duration) -> Wait<A> {
        self.timeout = Some(delay);
        self
    }

    fn is_over(&mut self, cx: &Context<'_>) -> bool {
        while self.left > 0 {
            let Some(number) = self.watching.next(cx.waker()) else {
                break;
            };
            self.left -= 1;
            let task = &self.tasks[number];
            match self.when {
                ReturnWhen::FirstCompleted => return true,
                ReturnWhen::FirstException
                    if task.as_task().has_panicked() || (self.has_failed)(task) =>
                {
                    return true;
                }
                ReturnWhen::FirstException | ReturnWhen::AllCompleted => {}
            }
        }
        let alarm = self.alarm.as_mut();
        self.left == 0 || alarm.is_some_and(|alarm| alarm.has_rung(cx.waker()))
    }
}

impl<A: Fallible> Wait<A> {
    /// Has [`ReturnWhen::FirstException`] count an output that is an error, too.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ferrio::{Cancelled, ReturnWhen, sleep, spawn, wait};
    ///
    /// ferrio::run(async {
    ///     let bad = spawn(async { Err("bad") });
    ///     let slow = spawn(async {
    ///         let _ = sleep(Duration::from_secs(3600)).await;
    ///         Ok(())
    ///     });
    ///     let waiting = wait([bad, slow], ReturnWhen::FirstException).or_error();
    ///     let (done, _) = waiting.await?;
    ///     assert_eq!(done.len(), 1);
    ///     Ok::<(), Cancelled>(())
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn or_error(mut self) -> Wait<A> {
        self.has_failed = A::is_err;
        self
    }
}

impl<A: AsTask> Future for Wait<A> {
    type Output = Result<(Vec<A>, Vec<A>), Cancelled>;

    /// # Panics
    ///
    /// If there is a timeout and no loop runs on this thread.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.has_waited
            && let Some(cancelled) = take_cancellation()
        {
            return Poll::Ready(Err(cancelled));
        }
        if self.is_over(cx) {
            let tasks = std::mem::take(&mut self.tasks).into_iter();
            return Poll::Ready(Ok(tasks.partition(|task| task.as_task().is_done())));
        }
        if let Some(cancelled) = take_cancellation() {
            return Poll::Ready(Err(cancelled));
        }
        self.has_waited = true;
        if let Some(delay) = self.timeout.take() {
            let end = Time::now().saturating_add(delay);
            self.alarm = Some(Alarm::set(end, cx.waker()));
        }
        Poll::Pending
    }
}

impl<A> Unpin for Wait<A> {}
