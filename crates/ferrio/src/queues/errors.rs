//! Why an item could not be put in or taken out.

use std::fmt;

use crate::task::Cancelled;

/// Why `put` has failed. The item is still in the future: see [`QueuePut::into_item`](super::QueuePut::into_item).
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// The queue was shut down; asyncio's `QueueShutDown`.
    #[error("the queue is shut down")]
    ShutDown,
    /// The task was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Why `get` has failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GetError {
    /// The queue was shut down and is empty; asyncio's `QueueShutDown`.
    #[error("the queue is shut down")]
    ShutDown,
    /// The task was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Why `put_nowait` has failed, with the item.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TryPutError<T> {
    /// There is no room; asyncio's `QueueFull`.
    #[error("the queue is full")]
    Full(T),
    /// The queue was shut down; asyncio's `QueueShutDown`.
    #[error("the queue is shut down")]
    ShutDown(T),
}

impl<T> TryPutError<T> {
    /// Returns the item.
    ///
    /// ```
    /// let queue = ferrio::Queue::new(1);
    /// queue.put_nowait("first")?;
    /// let error = queue.put_nowait("second").unwrap_err();
    /// assert_eq!(error.into_item(), "second");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_item(self) -> T {
        match self {
            TryPutError::Full(item) | TryPutError::ShutDown(item) => item,
        }
    }
}

/// Items need no `Debug`.
impl<T> fmt::Debug for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryPutError::Full(_) => "Full(..)",
            TryPutError::ShutDown(_) => "ShutDown(..)",
        })
    }
}

/// Why `get_nowait` has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TryGetError {
    /// There is no item; asyncio's `QueueEmpty`.
    #[error("the queue is empty")]
    Empty,
    /// The queue was shut down and is empty; asyncio's `QueueShutDown`.
    #[error("the queue is shut down")]
    ShutDown,
}
