//! The future of `join`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::locks::EventWait;
use crate::task::Cancelled;

use super::class::BaseQueue;
use super::order::Order;

/// Waits until all items of a queue are done; made by [`BaseQueue::join`].
#[must_use = "nothing waits until it is awaited"]
pub struct QueueJoin<T, O: Order<T>> {
    queue: BaseQueue<T, O>,
    waiting: Option<EventWait>,
}

impl<T, O: Order<T>> QueueJoin<T, O> {
    pub(super) fn new(queue: &BaseQueue<T, O>) -> Self {
        QueueJoin {
            queue: queue.clone(),
            waiting: None,
        }
    }
}

impl<T, O: Order<T>> Future for QueueJoin<T, O> {
    type Output = Result<(), Cancelled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let me = &mut *self;
        if me.waiting.is_none() && me.queue.0.queue.borrow().unfinished == 0 {
            return Poll::Ready(Ok(()));
        }
        let finished = &me.queue.0.finished;
        let waiting = me.waiting.get_or_insert_with(|| finished.wait());
        Pin::new(waiting).poll(cx)
    }
}

impl<T, O: Order<T>> Unpin for QueueJoin<T, O> {}

impl<T, O: Order<T>> fmt::Debug for QueueJoin<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueJoin")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
