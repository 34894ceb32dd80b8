//! The state of a task group: its tasks, their errors, and how it ends.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use slab::Slab;

use crate::task::{Cancelled, TaskRef, Watch, current_task, take_cancellation};

use super::group_error::{GroupError, TaskError};

/// What the handles of a group and its tasks share.
pub(super) struct Group<E> {
    pub(super) tasks: RefCell<Slab<TaskRef>>,
    pub(super) errors: RefCell<Vec<TaskError<E>>>,
    pub(super) stage: Cell<Stage>,
    /// Whether a failure is to cancel the body.
    pub(super) cancels_body: Cell<bool>,
    /// Wakes the one who runs the group.
    pub(super) waker: Cell<Option<Waker>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The body runs.
    Body,
    /// The body is done, and tasks are waited for.
    Waiting,
    /// All tasks were cancelled; the body may still run.
    Aborting,
    Finished,
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
    pub(super) fn new() -> Group<E> {
        Group {
            tasks: RefCell::default(),
            errors: RefCell::default(),
            stage: Cell::new(Stage::Body),
            cancels_body: Cell::new(false),
            waker: Cell::new(None),
        }
    }

    pub(super) fn add(self: &Rc<Self>, task: &TaskRef)
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

    pub(super) fn abort(&self) {
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

    pub(super) fn body_is_done(&self) {
        if self.stage.get() == Stage::Body {
            self.stage.set(Stage::Waiting);
        }
    }

    pub(super) fn set_waker(&self, cx: &Context<'_>) {
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
    pub(super) async fn wait_for_tasks(&self) -> Option<Cancelled> {
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
    pub(super) fn end<V>(
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
pub(super) struct End<'a, E>(pub(super) &'a Group<E>);

impl<E> Drop for End<'_, E> {
    fn drop(&mut self) {
        self.0.stage.set(Stage::Finished);
        for task in self.0.members() {
            task.abort();
        }
    }
}
