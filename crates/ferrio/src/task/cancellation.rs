//! Cancellation: an error that the innermost awaitable returns.

use std::fmt;
use std::sync::Arc;

use super::state::{self, State};

/// The error of whatever a task awaits when the task is cancelled; asyncio's `CancelledError`.
///
/// A task is cancelled in the end if its output holds the `Cancelled` that it was given, in whatever error: that is what
/// `?` does. A task that drops it, or keeps a [`clone`](Clone::clone) only, has refused to be cancelled, and its output is
/// delivered like any other.
///
/// ```
/// use std::time::Duration;
///
/// ferrio::run(async {
///     let task = ferrio::spawn(ferrio::sleep(Duration::from_secs(3600)));
///     ferrio::yield_now().await?;
///     task.cancel("enough");
///     let error = task.await.unwrap_err();
///     assert_eq!(error.to_string(), "the task was cancelled: enough");
///     Ok::<(), ferrio::Cancelled>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(PartialEq, Eq)]
pub struct Cancelled {
    message: Option<Arc<str>>,
    /// Ties this value to the task that it was given to.
    token: Option<Arc<Token>>,
}

/// What all `Cancelled` that were given to a task hold; the task finds out by it whether its output holds one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token;

impl Cancelled {
    pub(super) const fn new(message: Option<Arc<str>>, token: Option<Arc<Token>>) -> Cancelled {
        Cancelled { message, token }
    }

    /// Makes the error without a cancellation behind it, as one who raises asyncio's `CancelledError`. Inside a task it
    /// ends the task as cancelled if the task's output holds it.
    pub fn with_message(message: impl Into<Arc<str>>) -> Cancelled {
        Cancelled::new(Some(message.into()), state::token())
    }

    /// The message that was given to `cancel`.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    pub(crate) fn shared_message(&self) -> Option<Arc<str>> {
        self.message.clone()
    }
}

/// A clone says the same, but does not make the task that holds it one that was cancelled.
impl Clone for Cancelled {
    fn clone(&self) -> Cancelled {
        Cancelled::new(self.message.clone(), None)
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            Some(message) => f.debug_tuple("Cancelled").field(&message).finish(),
            None => f.write_str("Cancelled"),
        }
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled")?;
        self.message()
            .map_or(Ok(()), |message| write!(f, ": {message}"))
    }
}

impl std::error::Error for Cancelled {}

/// Takes the current task's mark of cancellation, if it has one. A leaf calls this when it is polled again after it has
/// waited, before anything else, and when it would have to wait.
///
/// Outside of a task nothing is ever cancelled.
#[inline]
pub(crate) fn take() -> Option<Cancelled> {
    state::with_current(State::take_cancellation).flatten()
}
