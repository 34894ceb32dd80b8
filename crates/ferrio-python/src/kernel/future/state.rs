//! The interior state of a future.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PySet;

use super::{Waiter, Waiters};

/// The outcome of a future.
#[derive(Default)]
pub enum Outcome {
    /// None yet.
    #[default]
    Pending,
    /// A cancellation.
    Cancelled,
    /// A result.
    Returned(Py<PyAny>),
    /// An exception.
    Raised(Py<PyAny>),
}

/// The fields that few futures use, kept apart so that they cost the others one word.
#[derive(Default)]
pub struct Rare {
    /// The stack where the future was created, in debug mode.
    pub source_traceback: Option<Py<PyAny>>,
    /// The argument of `cancel`.
    pub cancel_message: Option<Py<PyAny>>,
    /// The `CancelledError` that has ended the task: the next call of `result` raises it.
    pub cancelled_error: Option<Py<PyAny>>,
    /// The exception's traceback at the time when the exception was set.
    pub traceback: Option<Py<PyAny>>,
    /// The tasks and futures that `asyncio.future_add_to_awaited_by` has recorded.
    pub awaited_by: Option<Py<PySet>>,
}

/// The interior state of a future.
#[derive(Default)]
pub struct State {
    pub outcome: Outcome,
    /// The tasks and callbacks to schedule when there is an outcome.
    pub waiters: Waiters,
    /// `_asyncio_future_blocking`: set when `await` yields the future, cleared by the task that begins to wait for it.
    pub blocking: bool,
    /// Whether to report the exception if it is never retrieved.
    pub log_traceback: bool,
    rare: Option<Box<Rare>>,
}

impl State {
    /// Returns the rare fields, which are made at the first call.
    pub fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Returns the rare fields, if any of them was ever set.
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
