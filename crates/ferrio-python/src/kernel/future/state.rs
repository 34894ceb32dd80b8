//! The interior state of a future.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PySet;

use super::{Waiter, Waiters};

/// What has become of a future.
#[derive(Default)]
pub enum Outcome {
    /// Nothing yet.
    #[default]
    Pending,
    /// It was cancelled.
    Cancelled,
    /// It has a result.
    Returned(Py<PyAny>),
    /// It has an exception.
    Raised(Py<PyAny>),
}

/// What few futures have, kept apart so that it costs the others one word.
#[derive(Default)]
pub struct Rare {
    /// Where the future was created, in debug mode.
    pub source_traceback: Option<Py<PyAny>>,
    /// The argument of `cancel`.
    pub cancel_message: Option<Py<PyAny>>,
    /// The exception that cancelled the task, to be raised by the next who asks for the result.
    pub cancelled_error: Option<Py<PyAny>>,
    /// The exception's traceback at the time when it was set.
    pub traceback: Option<Py<PyAny>>,
    /// What `asyncio.future_add_to_awaited_by` has said.
    pub awaited_by: Option<Py<PySet>>,
}

/// The interior state of a future.
#[derive(Default)]
pub struct State {
    /// What has become of it.
    pub outcome: Outcome,
    /// Who is to be told.
    pub waiters: Waiters,
    /// Set by `await`, cleared by the task that has understood that it is to wait.
    pub blocking: bool,
    /// Whether to complain if nobody asks for the exception.
    pub log_traceback: bool,
    rare: Option<Box<Rare>>,
}

impl State {
    /// The rare part, made if it is not there.
    pub fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The rare part, if anything was ever put there.
    pub fn rare_if_any(&mut self) -> Option<&mut Rare> {
        self.rare.as_deref_mut()
    }

    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.outcome {
            Outcome::Returned(object) | Outcome::Raised(object) => visit.call(object)?,
            Outcome::Pending | Outcome::Cancelled => {}
        }
        self.waiters
            .iter()
            .try_for_each(|waiter: &Waiter| waiter.traverse(visit))?;
        let Some(rare) = &self.rare else {
            return Ok(());
        };
        visit.call(&rare.source_traceback)?;
        visit.call(&rare.cancel_message)?;
        visit.call(&rare.cancelled_error)?;
        visit.call(&rare.traceback)?;
        visit.call(&rare.awaited_by)
    }
}
