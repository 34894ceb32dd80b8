//! What has gone wrong in a task group.

use std::error::Error;
use std::fmt;

use crate::task::{Cancelled, Panicked};

/// Why a task of a group, or its body, has failed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError<E> {
    /// Its output was an error.
    #[error("{0}")]
    Failed(#[source] E),
    /// It has panicked.
    #[error("{0}")]
    Panicked(#[source] Panicked),
}

/// Why a [`TaskGroup`](crate::TaskGroup) has no output.
#[derive(Debug)]
pub enum GroupError<E> {
    /// The one who ran the group was cancelled, and nothing has failed.
    Cancelled(Cancelled),
    /// Tasks or the body have failed: all errors, in the order in which they came, that of the body last.
    Failed(Vec<TaskError<E>>),
}

impl<E> GroupError<E> {
    /// Whether the one who ran the group was cancelled.
    pub const fn is_cancelled(&self) -> bool {
        matches!(self, GroupError::Cancelled(_))
    }

    /// Returns the errors; none if the group was cancelled.
    pub fn errors(&self) -> &[TaskError<E>] {
        match self {
            GroupError::Cancelled(_) => &[],
            GroupError::Failed(errors) => errors,
        }
    }

    /// Returns the errors; none if the group was cancelled.
    pub fn into_errors(self) -> Vec<TaskError<E>> {
        match self {
            GroupError::Cancelled(_) => Vec::new(),
            GroupError::Failed(errors) => errors,
        }
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = match self {
            GroupError::Cancelled(cancelled) => return write!(f, "the task group was {cancelled}"),
            GroupError::Failed(errors) => errors,
        };
        let plural = if errors.len() == 1 { "" } else { "s" };
        let count = errors.len();
        write!(
            f,
            "unhandled errors in a TaskGroup ({count} sub-exception{plural})"
        )?;
        for (place, error) in errors.iter().enumerate() {
            let separator = if place == 0 { ": " } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

/// The source is the first error.
impl<E: Error + 'static> Error for GroupError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            GroupError::Cancelled(cancelled) => Some(cancelled),
            GroupError::Failed(errors) => errors.first().map(|error| error as _),
        }
    }
}
