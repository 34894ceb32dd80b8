//! The future of `get`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::locks::Waiting;

use super::class::BaseQueue;
use super::errors::{GetError, TryGetError};
use super::moving::Side;
use super::order::Order;

/// Waits for an item of a queue; made by [`BaseQueue::get`].
///
/// Dropping it gives up the place in line.
#[must_use = "nothing waits until it is awaited"]
pub struct QueueGet<T, O: Order<T>> {
    queue: BaseQueue<T, O>,
    waiter: Option<Waiting>,
}

impl<T, O: Order<T>> QueueGet<T, O> {
    pub(super) fn new(queue: &BaseQueue<T, O>) -> Self {
        QueueGet {
            queue: queue.clone(),
            waiter: None,
        }
    }

    fn give_up(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            self.queue.give_up(Side::Getters, &waiter);
        }
    }
}

impl<T, O: Order<T>> Future for QueueGet<T, O> {
    type Output = Result<T, GetError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(waiter) = &self.waiter {
            if let Err(cancelled) = ready!(waiter.poll(cx)) {
                self.give_up();
                return Poll::Ready(Err(cancelled.into()));
            }
            // Whoever woke it has taken it out of the line.
            self.waiter = None;
        }
        match self.queue.get_nowait() {
            Ok(item) => return Poll::Ready(Ok(item)),
            Err(TryGetError::ShutDown) => return Poll::Ready(Err(GetError::ShutDown)),
            Err(TryGetError::Empty) => {}
        }
        let waiter = Waiting::begin(cx)?;
        if self.queue.is_busy() {
            // The poll is part of a comparison of items, which come back.
            cx.waker().wake_by_ref();
        } else {
            self.queue.enqueue(Side::Getters, waiter.clone());
            self.waiter = Some(waiter);
        }
        Poll::Pending
    }
}

impl<T, O: Order<T>> Unpin for QueueGet<T, O> {}

impl<T, O: Order<T>> Drop for QueueGet<T, O> {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<T, O: Order<T>> fmt::Debug for QueueGet<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueGet")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
