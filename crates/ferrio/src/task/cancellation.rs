//! Cancellation: an error that the innermost awaitable returns.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{JoinError, state};

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
pub struct Cancelled {
    message: Option<Arc<str>>,
    /// Ties this value to the task that it was given to.
    #[expect(dead_code, reason = "it is counted, not read")]
    token: Option<Arc<Token>>,
}

/// What all `Cancelled` that were given to a task, or inside a [scope](super::Scope) of it, hold; the task or scope finds
/// out by it whether its output holds one.
#[derive(Debug, Default)]
pub(super) struct Token {
    /// The token of the task or scope around this one. A `Cancelled` of a scope keeps it alive, and so counts there too.
    around: OnceLock<Arc<Token>>,
}

impl Token {
    pub(super) fn is_linked(&self) -> bool {
        self.around.get().is_some()
    }

    pub(super) fn link(&self, around: Arc<Token>) {
        let _ = self.around.set(around);
    }
}

impl Cancelled {
    pub(super) const fn new(message: Option<Arc<str>>, token: Option<Arc<Token>>) -> Cancelled {
        Cancelled { message, token }
    }

    /// Makes the error without a cancellation behind it, as one who raises asyncio's `CancelledError`. Inside a task it
    /// ends the task as cancelled if the task's output holds it.
    pub fn with_message(message: impl Into<Arc<str>>) -> Cancelled {
        Cancelled::given(Some(message.into()))
    }

    /// Makes the error of awaiting something that was cancelled; it counts like one of a cancellation of the task.
    pub(crate) fn given(message: Option<Arc<str>>) -> Cancelled {
        state::with_current(|state| state.remember(message.clone()));
        Cancelled::new(message, state::token())
    }

    /// Makes the error of the current task's last cancellation again, for one who was given it, and has dropped it.
    pub(crate) fn given_again() -> Cancelled {
        Cancelled::given(state::with_current(state::State::message).flatten())
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

impl PartialEq for Cancelled {
    fn eq(&self, other: &Cancelled) -> bool {
        self.message == other.message
    }
}

impl Eq for Cancelled {}

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

/// What becomes of the end of a task in code that knows no other error than being cancelled: a panic of the task goes on
/// here, as an exception would in asyncio.
///
/// # Panics
///
/// If the error is not that the task was cancelled.
impl From<JoinError> for Cancelled {
    fn from(error: JoinError) -> Cancelled {
        match error {
            JoinError::Cancelled(cancelled) => cancelled,
            JoinError::Panicked(panicked) => panicked.resume(),
            error => panic!("{error}"),
        }
    }
}

/// Takes the current task's mark of cancellation, if it has one. A leaf calls this when it is polled again after it has
/// waited, before anything else, and when it would have to wait.
///
/// Outside of a task nothing is ever cancelled.
#[inline]
pub(crate) fn take() -> Option<Cancelled> {
    state::with_current(state::State::take_cancellation).flatten()
}
