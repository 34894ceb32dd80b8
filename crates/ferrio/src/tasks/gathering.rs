//! Waiting for all of many futures.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::task::{Cancelled, JoinError, take_cancellation};

use super::children::{Children, Lenient, Strict};
use super::watching::Watching;

/// Waits for all children; what the functions and the macro of this module share.
pub struct All<C: Children> {
    /// `None` when it is over.
    children: Option<C>,
    watching: Watching,
    left: usize,
    has_waited: bool,
    /// What the one who waits was given; the children were cancelled then.
    cancelled: Option<Cancelled>,
}

impl<C: Children> All<C> {
    pub(super) fn new(mut children: C) -> All<C> {
        let left = children.len();
        let tasks = (0..left).map(|number| children.child(number).task());
        All {
            watching: Watching::new(tasks),
            children: Some(children),
            left,
            has_waited: false,
            cancelled: None,
        }
    }

    /// Passes a cancellation of the one who waits on to the children. Fails if there is none to be cancelled.
    fn pass_on(&mut self, cancelled: Cancelled) -> Result<(), C::Error> {
        if self.watching.cancel(cancelled.shared_message().as_ref()) {
            self.cancelled = Some(cancelled);
            return Ok(());
        }
        Err(JoinError::Cancelled(cancelled).into())
    }

    /// Returns whether all children are done, with the first error if there was one.
    fn check(&mut self, cx: &mut Context<'_>) -> Result<bool, C::Error> {
        let first = !std::mem::replace(&mut self.has_waited, true);
        if !first && let Some(cancelled) = take_cancellation() {
            self.pass_on(cancelled)?;
        }
        let children = self.children.as_mut();
        let children = children.expect("a future that is done is not polled");
        if first {
            for number in 0..self.left {
                let task = children.child(number).task();
                if !task.is_done() {
                    task.check()?;
                }
            }
        }
        while self.left > 0 {
            match self.watching.next(cx.waker()) {
                Some(number) => {
                    children.child(number).settle()?;
                    self.left -= 1;
                }
                None => break,
            }
        }
        if self.left > 0 {
            // It would have to wait.
            return match take_cancellation() {
                Some(cancelled) => self.pass_on(cancelled).map(|()| false),
                None => Ok(false),
            };
        }
        match self.cancelled.take() {
            Some(cancelled) => Err(JoinError::Cancelled(cancelled).into()),
            None => Ok(true),
        }
    }
}

impl<C: Children> Future for All<C> {
    type Output = Result<C::Outputs, C::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = self.check(cx);
        if matches!(outcome, Ok(false)) {
            return Poll::Pending;
        }
        let children = self.children.take().expect("it was not over");
        Poll::Ready(outcome.map(|_| children.outputs()))
    }
}

impl<C: Children> Unpin for All<C> {}

/// Waits for all futures; made by [`gather`].
#[must_use = "nothing waits until it is awaited"]
pub struct Gather<T: 'static, E: From<JoinError> + 'static>(All<Vec<Strict<T, E>>>);

/// Runs futures as tasks, side by side, and gives what they give in the order of the arguments; `asyncio.gather`.
///
/// The tasks begin in the next iteration. The first error is returned at once, while the other tasks go on; that a task
/// was cancelled or has panicked is an error too. One who is cancelled while he waits cancels all tasks that are not
/// done. Tasks can be gathered as well as other futures: they are used as they are.
///
/// Dropping it detaches the tasks. [`gather!`](crate::gather!) is for futures of different types, and [`gather_all`] for
/// all errors.
///
/// ```
/// use std::time::Duration;
/// use ferrio::{Cancelled, gather, sleep};
///
/// async fn square(number: u64) -> Result<u64, Cancelled> {
///     sleep(Duration::from_millis(10 - number)).await?;
///     Ok(number * number)
/// }
///
/// ferrio::run(async {
///     assert_eq!(gather((1..4).map(square)).await?, [1, 4, 9]);
///     Ok::<(), Cancelled>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// If no loop runs on this thread.
#[track_caller]
pub fn gather<I, T, E>(futures: I) -> Gather<T, E>
where
    I: IntoIterator<Item: Future<Output = Result<T, E>> + 'static>,
    E: From<JoinError>,
{
    let mut children = Vec::new();
    for future in futures {
        children.push(Strict::new(future));
    }
    Gather(All::new(children))
}

impl<T, E: From<JoinError>> Future for Gather<T, E> {
    type Output = Result<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

/// Waits for all futures; made by [`gather_all`].
#[must_use = "nothing waits until it is awaited"]
pub struct GatherAll<T: 'static, E: From<JoinError> + 'static>(All<Vec<Lenient<T, E>>>);

/// Runs futures as tasks, waits until all are done, and gives the outcome of each, errors too, in the order of the
/// arguments; `asyncio.gather` with `return_exceptions`.
///
/// Fails only if the one who waits is cancelled. He cancels all tasks then, and waits for their end.
///
/// ```
/// ferrio::run(async {
///     let good = ferrio::spawn(async { 1 });
///     let bad = ferrio::spawn(async { panic!("thirteen") });
///     let outcomes = ferrio::gather_all([good, bad]).await?;
///     assert_eq!(*outcomes[0].as_ref().unwrap(), 1);
///     assert!(outcomes[1].as_ref().unwrap_err().is_panic());
///     Ok::<(), ferrio::Cancelled>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// If no loop runs on this thread.
#[track_caller]
pub fn gather_all<I, T, E>(futures: I) -> GatherAll<T, E>
where
    I: IntoIterator<Item: Future<Output = Result<T, E>> + 'static>,
    E: From<JoinError>,
{
    let mut children = Vec::new();
    for future in futures {
        children.push(Lenient::new(future));
    }
    GatherAll(All::new(children))
}

impl<T, E: From<JoinError>> Future for GatherAll<T, E> {
    type Output = Result<Vec<Result<T, E>>, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}
