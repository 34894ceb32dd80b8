//! Many futures in the order in which they are done.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::task::{JoinError, take_cancellation};

use super::child::Child;
use super::watching::Watching;

/// The outputs of many futures in the order in which they are done; made by [`as_completed`].
pub struct AsCompleted<T: 'static, E: From<JoinError> + 'static> {
    children: Vec<Child<T, E>>,
    watching: Watching,
    left: usize,
    has_waited: bool,
}

/// Runs futures as tasks, side by side, and gives what they give in the order in which they are done;
/// `asyncio.as_completed`.
///
/// The tasks begin in the next iteration. It is a [`Stream`]; [`next`](AsCompleted::next) does without that trait. That
/// one who waits is cancelled is an error of the next item; the tasks go on, and their outputs can still be awaited. For
/// a limit of time see [`timeout`](crate::timeout). Dropping it detaches the tasks.
///
/// ```
/// use std::time::Duration;
/// use ferrio::{Cancelled, as_completed, sleep};
///
/// ferrio::run(async {
///     let mut sleeps = as_completed([30, 10, 20].map(|milliseconds| async move {
///         sleep(Duration::from_millis(milliseconds)).await?;
///         Ok::<_, Cancelled>(milliseconds)
///     }));
///     let mut order = Vec::new();
///     while let Some(outcome) = sleeps.next().await {
///         order.push(outcome?);
///     }
///     assert_eq!(order, [10, 20, 30]);
///     Ok::<(), Cancelled>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// If no loop runs on this thread.
#[track_caller]
pub fn as_completed<I, T, E>(futures: I) -> AsCompleted<T, E>
where
    I: IntoIterator<Item: Future<Output = Result<T, E>> + 'static>,
    E: From<JoinError>,
{
    let mut children = Vec::new();
    for future in futures {
        children.push(Child::new(future));
    }
    AsCompleted {
        watching: Watching::new(children.iter().map(Child::task)),
        left: children.len(),
        children,
        has_waited: false,
    }
}

impl<T, E: From<JoinError>> AsCompleted<T, E> {
    /// Waits for the next output; `None` when there are no more.
    pub async fn next(&mut self) -> Option<Result<T, E>> {
        self.has_waited = false;
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, E>>> {
        if std::mem::take(&mut self.has_waited)
            && let Some(cancelled) = take_cancellation()
        {
            return Poll::Ready(Some(Err(JoinError::Cancelled(cancelled).into())));
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if let Some(number) = self.watching.next(cx.waker()) {
            self.left -= 1;
            return Poll::Ready(Some(self.children[number].take()));
        }
        if let Some(cancelled) = take_cancellation() {
            return Poll::Ready(Some(Err(JoinError::Cancelled(cancelled).into())));
        }
        self.has_waited = true;
        Poll::Pending
    }
}

impl<T, E: From<JoinError>> Stream for AsCompleted<T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // Each cancellation of the one who waits is an item more.
        (self.left, None)
    }
}

impl<T, E: From<JoinError>> Unpin for AsCompleted<T, E> {}
