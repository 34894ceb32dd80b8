//! Why a promise has no value, or takes none.

use crate::task::{Cancelled, JoinError};

/// Why a [`Future`](crate::future::Future) has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromiseError {
    /// The future was cancelled, or the one who awaits it was.
    ///
    /// Inside a task, this ends the task as cancelled if its output holds it.
    #[error("the future was {0}")]
    Cancelled(#[from] Cancelled),
    /// The promise was dropped before it was set.
    #[error("the promise was dropped")]
    Dropped,
}

/// As the conversion to [`Cancelled`].
///
/// # Panics
///
/// If the error is not that the task was cancelled.
impl From<JoinError> for PromiseError {
    fn from(error: JoinError) -> PromiseError {
        PromiseError::Cancelled(error.into())
    }
}

/// The error of setting what was set, or cancelled, before; asyncio's class of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid state")]
pub struct InvalidStateError;
