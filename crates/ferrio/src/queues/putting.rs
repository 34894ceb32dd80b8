//! The future of `put`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::locks::Waiting;

use super::class::BaseQueue;
use super::errors::{PutError, TryPutError};
use super::moving::Side;
use super::order::Order;

/// Puts an item into a queue, when there is room; made by [`BaseQueue::put`].
///
/// Dropping it gives up the place in line, and drops the item.
#[must_use = "nothing is put in until it is awaited"]
pub struct QueuePut<T, O: Order<T>> {
    queue: BaseQueue<T, O>,
    item: Option<T>,
    waiter: Option<Waiting>,
}

impl<T, O: Order<T>> QueuePut<T, O> {
    pub(super) fn new(queue: &BaseQueue<T, O>, item: T) -> Self {
        QueuePut {
            queue: queue.clone(),
            item: Some(item),
            waiter: None,
        }
    }

    /// Gives up, and returns the item if it was not put in.
    ///
    /// ```
    /// use ferrio::{PutError, Queue};
    ///
    /// ferrio::run(async {
    ///     let queue = Queue::new(0);
    ///     queue.shutdown(false);
    ///     let mut put = queue.put("precious");
    ///     assert_eq!((&mut put).await, Err(PutError::ShutDown));
    ///     assert_eq!(put.into_item(), Some("precious"));
    /// })?;
    /// # Ok::<(), ferrio::RunError>(())
    /// ```
    pub fn into_item(mut self) -> Option<T> {
        self.item.take()
    }

    fn give_up(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            self.queue.give_up(Side::Putters, &waiter);
        }
    }
}

impl<T, O: Order<T>> Future for QueuePut<T, O> {
    type Output = Result<(), PutError>;

    /// # Panics
    ///
    /// If the item was put in before.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(waiter) = &self.waiter {
            if let Err(cancelled) = ready!(waiter.poll(cx)) {
                self.give_up();
                return Poll::Ready(Err(cancelled.into()));
            }
            // Whoever woke it has taken it out of the line.
            self.waiter = None;
        }
        let item = self.item.take().expect("an item is put in once");
        match self.queue.put_nowait(item) {
            Ok(()) => return Poll::Ready(Ok(())),
            Err(TryPutError::ShutDown(item)) => {
                self.item = Some(item);
                return Poll::Ready(Err(PutError::ShutDown));
            }
            Err(TryPutError::Full(item)) => self.item = Some(item),
        }
        let waiter = Waiting::begin(cx)?;
        self.queue.enqueue(Side::Putters, waiter.clone());
        self.waiter = Some(waiter);
        Poll::Pending
    }
}

/// The item is never pinned.
impl<T, O: Order<T>> Unpin for QueuePut<T, O> {}

impl<T, O: Order<T>> Drop for QueuePut<T, O> {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<T, O: Order<T>> fmt::Debug for QueuePut<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuePut")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
