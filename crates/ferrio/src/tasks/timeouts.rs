//! Limits of time: a future is cancelled when its time is over.

use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::timed::{Clock, Held, Phase, RescheduleError, Timed};

/// The time was over before a future was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timed out")]
pub struct TimeoutError;

impl From<TimeoutError> for io::Error {
    fn from(error: TimeoutError) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, error)
    }
}

/// A limit of time that can be changed and asked while it counts; asyncio's class of this name.
///
/// Clones are the same timeout. [`timeout`] is enough where the limit stays.
///
/// ```
/// use std::time::{Duration, Instant};
/// use ferrio::{Timeout, sleep};
///
/// ferrio::run(async {
///     let timeout = Timeout::after(Duration::from_secs(3600));
///     let handle = timeout.clone();
///     let outcome = timeout.limit(async move {
///         handle.reschedule(Some(Instant::now() + Duration::from_millis(1))).unwrap();
///         sleep(Duration::from_secs(3600)).await
///     });
///     assert_eq!(outcome.await, Err(ferrio::TimeoutError));
///     assert!(timeout.expired());
/// })?;
/// # Ok::<(), ferrio::RunError>(())
/// ```
#[derive(Clone)]
pub struct Timeout(Rc<Clock>);

impl Timeout {
    /// Makes a timeout that ends `delay` from now.
    pub fn after(delay: Duration) -> Timeout {
        Timeout::new(Instant::now().checked_add(delay))
    }

    /// Makes a timeout that ends at `when`; with `None` it does not end until it is rescheduled.
    pub fn new(when: Option<Instant>) -> Timeout {
        Timeout(Rc::new(Clock::new(when)))
    }

    /// Limits the time of a future; a timeout does so once. See [`timeout`].
    ///
    /// # Panics
    ///
    /// When it is polled, if the timeout was used before.
    pub fn limit<F: Future>(&self, future: F) -> Timed<F> {
        Timed::new(Held::Shared(Rc::clone(&self.0)), future)
    }

    /// Returns when the time is over; `None` if never.
    pub fn when(&self) -> Option<Instant> {
        self.0.when.get()
    }

    /// Sets another end, or none. One that has passed counts from the next iteration.
    ///
    /// Fails if the timeout does not count: its future was not polled yet, is done, or was told that the time is over.
    pub fn reschedule(&self, when: Option<Instant>) -> Result<(), RescheduleError> {
        let clock = &*self.0;
        if clock.phase.get() != Phase::Active {
            return Err(RescheduleError(clock.phase.get()));
        }
        clock.when.set(when);
        drop(clock.alarm.take());
        // It sets the timer when it has polled the future.
        let task = clock.task.take();
        if let Some(task) = &task {
            task.queue();
        }
        clock.task.set(task);
        Ok(())
    }

    /// Whether the time was over before the future was done.
    pub fn expired(&self) -> bool {
        matches!(self.0.phase.get(), Phase::Expiring | Phase::Expired)
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("phase", &self.0.phase.get())
            .field("when", &self.when())
            .finish()
    }
}

/// Limits the time of a future to `delay` from now; `asyncio.timeout`.
///
/// When the time is over, whatever the future awaits fails with [`Cancelled`](crate::Cancelled). The future may clean up
/// with awaits. If its output holds the `Cancelled`, that becomes [`TimeoutError`]; any other output is returned. A
/// cancellation from outside stays one, even if the time is over as well. A future that awaits something that is not
/// ferrio's, and takes no notice, is dropped.
///
/// ```
/// use std::time::Duration;
/// use ferrio::{TimeoutError, sleep, timeout};
///
/// ferrio::run(async {
///     let late = timeout(Duration::from_millis(1), sleep(Duration::from_secs(3600)));
///     assert_eq!(late.await, Err(TimeoutError));
///     let early = timeout(Duration::from_secs(3600), async { 7 });
///     assert_eq!(early.await, Ok(7));
/// })?;
/// # Ok::<(), ferrio::RunError>(())
/// ```
pub fn timeout<F: Future>(delay: Duration, future: F) -> Timed<F> {
    let clock = Clock::new(Instant::now().checked_add(delay));
    Timed::new(Held::Own(clock), future)
}

/// Limits the time of a future to end at `when`; otherwise as [`timeout`].
///
/// ```
/// use std::time::{Duration, Instant};
///
/// ferrio::run(async {
///     let end = Instant::now() + Duration::from_millis(1);
///     let late = ferrio::timeout_at(end, ferrio::sleep(Duration::from_secs(3600)));
///     assert!(late.await.is_err());
/// })?;
/// # Ok::<(), ferrio::RunError>(())
/// ```
pub fn timeout_at<F: Future>(when: Instant, future: F) -> Timed<F> {
    Timed::new(Held::Own(Clock::new(Some(when))), future)
}

/// Waits for a future, at most for `delay`; `asyncio.wait_for`.
///
/// This is [`timeout`], except that with no time at all the future is cancelled before it waits for the first time: what
/// is done already is returned, and nothing else is awaited.
///
/// ```
/// use std::time::Duration;
///
/// ferrio::run(async {
///     let task = ferrio::spawn(async { 1 });
///     ferrio::yield_now().await.unwrap();
///     let outcome = ferrio::wait_for(task, Duration::ZERO).await;
///     assert_eq!(outcome.unwrap().unwrap(), 1);
/// })?;
/// # Ok::<(), ferrio::RunError>(())
/// ```
pub fn wait_for<F: Future>(future: F, delay: Duration) -> Timed<F> {
    let timed = timeout(delay, future);
    if delay.is_zero() {
        timed.expire();
    }
    timed
}
