//! Limits of time: a future is cancelled when its time is over.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::task::{InScope, TaskRef};

use super::alarm::Alarm;

/// The time was over before a future was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timed out")]
pub struct TimeoutError;

impl From<TimeoutError> for io::Error {
    fn from(error: TimeoutError) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, error)
    }
}

/// A timeout cannot be rescheduled before it was entered, or after it has expired or was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", match self.0 {
    Phase::Created => "Timeout has not been entered",
    Phase::Expiring => "Cannot change state of expiring Timeout",
    Phase::Expired => "Cannot change state of expired Timeout",
    Phase::Active | Phase::Finished => "Cannot change state of finished Timeout",
})]
pub struct RescheduleError(Phase);

/// How far a timeout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Created,
    Active,
    /// The time is over, the future was told, and it is not done.
    Expiring,
    Expired,
    /// The future was done in time.
    Finished,
}

/// What a timeout and its handles share.
struct Clock {
    phase: Cell<Phase>,
    when: Cell<Option<Instant>>,
    alarm: Cell<Option<Alarm>>,
    task: Cell<Option<TaskRef>>,
}

impl Clock {
    const fn new(when: Option<Instant>) -> Clock {
        Clock {
            phase: Cell::new(Phase::Created),
            when: Cell::new(when),
            alarm: Cell::new(None),
            task: Cell::new(None),
        }
    }

    /// Whether the future is to be cancelled, which is so once.
    fn is_over(&self, cx: &Context<'_>) -> bool {
        let Some(mut alarm) = self.alarm.take() else {
            return false;
        };
        if alarm.has_rung(cx.waker()) {
            self.phase.set(Phase::Expiring);
            return true;
        }
        self.alarm.set(Some(alarm));
        false
    }

    /// Sets the timer of one who waits, if he has none.
    fn wind(&self, cx: &Context<'_>) {
        let alarm = self.alarm.take();
        let when = self
            .when
            .get()
            .filter(|_| self.phase.get() == Phase::Active);
        let alarm = alarm.or_else(|| when.map(|when| Alarm::set_at(when, cx.waker())));
        self.alarm.set(alarm);
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
        Timed {
            clock: Held::Shared(Rc::clone(&self.0)),
            body: InScope::new(future),
            entered: false,
        }
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

/// A clock of one's own costs no allocation.
enum Held {
    Own(Clock),
    Shared(Rc<Clock>),
}

impl Held {
    fn get(&self) -> &Clock {
        match self {
            Held::Own(clock) => clock,
            Held::Shared(clock) => clock,
        }
    }
}

pin_project! {
    /// A future whose time is limited; made by [`timeout`], [`timeout_at`], [`wait_for`] and [`Timeout::limit`].
    #[must_use = "nothing runs until it is awaited"]
    pub struct Timed<F> {
        clock: Held,
        #[pin]
        body: InScope<F>,
        entered: bool,
    }
}

fn timed<F: Future>(clock: Clock, future: F) -> Timed<F> {
    Timed {
        clock: Held::Own(clock),
        body: InScope::new(future),
        entered: false,
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
    timed(Clock::new(Instant::now().checked_add(delay)), future)
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
    timed(Clock::new(Some(when)), future)
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
        timed.clock.get().phase.set(Phase::Expiring);
    }
    timed
}

impl<F: Future> Future for Timed<F> {
    type Output = Result<F::Output, TimeoutError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let clock = this.clock.get();
        let mut is_over = clock.is_over(cx);
        if !std::mem::replace(this.entered, true) {
            match clock.phase.get() {
                Phase::Created => clock.phase.set(Phase::Active),
                Phase::Expiring if matches!(this.clock, Held::Own(_)) => is_over = true,
                _ => panic!("Timeout has already been entered"),
            }
        }
        let Poll::Ready(exit) = this.body.as_mut().poll_scope(cx, || is_over) else {
            clock.wind(cx);
            if let Held::Shared(clock) = this.clock {
                clock.task.set(this.body.task().cloned());
            }
            return Poll::Pending;
        };
        drop(clock.alarm.take());
        if clock.phase.get() == Phase::Expiring {
            clock.phase.set(Phase::Expired);
            if exit.holds_cancelled && !exit.cancelled_by_others {
                drop(exit.output);
                return Poll::Ready(Err(TimeoutError));
            }
        } else {
            clock.phase.set(Phase::Finished);
        }
        Poll::Ready(exit.output.ok_or(TimeoutError))
    }
}

impl<F> fmt::Debug for Timed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = self.clock.get();
        f.debug_struct("Timed")
            .field("phase", &clock.phase.get())
            .field("when", &clock.when.get())
            .finish_non_exhaustive()
    }
}
