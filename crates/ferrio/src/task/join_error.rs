//! Why a task has no output.

use std::any::Any;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::Cancelled;

/// The error of one who awaits a task that has no output for him.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The task was cancelled.
    ///
    /// Inside another task, this ends that one as cancelled too if its output holds it, as in asyncio.
    #[error("the task was {0}")]
    Cancelled(#[from] Cancelled),
    /// The task has panicked.
    #[error("{0}")]
    Panicked(#[from] Panicked),
    /// There is no thread for the work: none can be started (`pthread_create(3)`), or the pool is shut down.
    #[error(transparent)]
    Thread(std::io::Error),
    /// A task awaits itself.
    #[error("Task cannot await on itself")]
    AwaitsItself,
    /// The task belongs to another event loop of this thread.
    #[error("Task got Future attached to a different loop")]
    OtherLoop,
}

impl JoinError {
    /// Whether the task was cancelled.
    pub const fn is_cancelled(&self) -> bool {
        matches!(self, JoinError::Cancelled(_))
    }

    /// Whether the task has panicked.
    pub const fn is_panic(&self) -> bool {
        matches!(self, JoinError::Panicked(_))
    }
}

/// A panic of a task: its payload, and which task it was.
pub struct Panicked {
    task: String,
    // Only in a mutex can a payload be shared between threads, as errors are.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
    message: Option<String>,
}

impl Panicked {
    pub(crate) fn new(task: &str, payload: Box<dyn Any + Send>) -> Panicked {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned());
        let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Panicked {
            task: task.to_owned(),
            payload: Mutex::new(Some(payload)),
            message,
        }
    }

    /// The name of the task.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// The message of the panic, if it is a string.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Goes on with the panic in this thread.
    pub fn resume(self) -> ! {
        let payload = self.payload.into_inner();
        let payload = payload.unwrap_or_else(PoisonError::into_inner);
        std::panic::resume_unwind(payload.unwrap_or_else(|| Box::new("a panic was resumed twice")))
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panicked")
            .field("task", &self.task)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} panicked", self.task)?;
        let message = self.message();
        message.map_or(Ok(()), |message| write!(f, ": {message}"))
    }
}

impl std::error::Error for Panicked {}
