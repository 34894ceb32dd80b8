//! A future that one waits for together with others, as a task.

use std::any::Any;

use crate::task::{JoinError, Task, TaskRef};

use super::spawn;

/// A task that was made of a future, or that was a task already; asyncio's `ensure_future`.
pub(super) enum Child<T: 'static, E: 'static> {
    Made(Task<Result<T, E>>),
    Given(Task<T>),
}

impl<T, E: From<JoinError>> Child<T, E> {
    /// # Panics
    ///
    /// If no loop runs on this thread.
    #[track_caller]
    pub(super) fn new<F>(future: F) -> Child<T, E>
    where
        F: Future<Output = Result<T, E>> + 'static,
    {
        let mut future = Some(future);
        // A task is a future too, whose error is `JoinError`; another task need not wait for it.
        if let Some(given) = (&mut future as &mut dyn Any).downcast_mut::<Option<Task<T>>>()
            && let Some(task) = given.take()
        {
            return Child::Given(task);
        }
        Child::Made(spawn(future.expect("it is there if it was no task")))
    }

    pub(super) fn task(&self) -> TaskRef {
        match self {
            Child::Made(task) => task.task_ref(),
            Child::Given(task) => task.task_ref(),
        }
    }

    /// Takes the outcome of a child that is done.
    pub(super) fn take(&mut self) -> Result<T, E> {
        let outcome = match self {
            Child::Made(task) => match task.try_take() {
                Some(Ok(outcome)) => return outcome,
                Some(Err(error)) => Some(Err(error)),
                None => None,
            },
            Child::Given(task) => task.try_take(),
        };
        let outcome = outcome.expect("the outcome of a task is taken once");
        outcome.map_err(E::from)
    }
}
