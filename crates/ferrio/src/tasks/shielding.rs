//! Waiting for a future that is not to be cancelled with the one who waits.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::task::{Finished, JoinError};

use super::child::Child;

/// Waits for a future without cancelling it; made by [`shield`].
#[must_use = "nothing waits until it is awaited"]
pub struct Shield<T: 'static, E: 'static> {
    child: Child<T, E>,
    finished: Finished,
}

/// Runs a future as a task that goes on when the one who waits is cancelled; `asyncio.shield`.
///
/// The one who waits gets the error at once. If the task is cancelled itself, that is the error. A task is used as it is;
/// to wait for it again afterwards, keep it, and await [`TaskRef::finished`](crate::TaskRef::finished) instead.
///
/// ```
/// use std::time::Duration;
/// use ferrio::{Cancelled, shield, sleep, spawn, yield_now};
///
/// ferrio::run(async {
///     let (promise, future) = ferrio::promise();
///     let outer = spawn(shield(async move {
///         sleep(Duration::from_millis(5)).await?;
///         promise.set("saved").ok();
///         Ok::<(), Cancelled>(())
///     }));
///     yield_now().await?;
///     outer.cancel(None);
///     assert!(outer.await.unwrap_err().is_cancelled());
///     assert_eq!(future.await.unwrap(), "saved");
///     Ok::<(), Cancelled>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// If no loop runs on this thread.
#[track_caller]
pub fn shield<F, T, E>(future: F) -> Shield<T, E>
where
    F: Future<Output = Result<T, E>> + 'static,
    E: From<JoinError>,
{
    let child = Child::new(future);
    let finished = child.task().finished();
    Shield { child, finished }
}

impl<T, E: From<JoinError>> Future for Shield<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = self.child.task();
        if !task.is_done()
            && let Err(error) = task.check()
        {
            return Poll::Ready(Err(error.into()));
        }
        match Pin::new(&mut self.finished).poll(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(self.child.take()),
            Poll::Ready(Err(cancelled)) => Poll::Ready(Err(JoinError::Cancelled(cancelled).into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T, E> Unpin for Shield<T, E> {}
