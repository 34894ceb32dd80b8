//! A future whose time is limited, and the clock that counts it.

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;

use crate::task::{InScope, TaskRef};

use super::alarm::Alarm;
use super::timeouts::TimeoutError;

/// A timeout cannot be rescheduled before it was entered, or after it has expired or was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", match self.0 {
    Phase::Created => "Timeout has not been entered",
    Phase::Expiring => "Cannot change state of expiring Timeout",
    Phase::Expired => "Cannot change state of expired Timeout",
    Phase::Active | Phase::Finished => "Cannot change state of finished Timeout",
})]
pub struct RescheduleError(pub(super) Phase);

/// How far a timeout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Created,
    Active,
    /// The time is over, the future was told, and it is not done.
    Expiring,
    Expired,
    /// The future was done in time.
    Finished,
}

/// What a timeout and its handles share.
pub(super) struct Clock {
    pub(super) phase: Cell<Phase>,
    pub(super) when: Cell<Option<Instant>>,
    pub(super) alarm: Cell<Option<Alarm>>,
    pub(super) task: Cell<Option<TaskRef>>,
}

impl Clock {
    pub(super) const fn new(when: Option<Instant>) -> Clock {
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

/// A clock of one's own costs no allocation.
pub(super) enum Held {
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

impl<F: Future> Timed<F> {
    pub(super) const fn new(clock: Held, future: F) -> Timed<F> {
        Timed {
            clock,
            body: InScope::new(future),
            entered: false,
        }
    }

    /// Has the future cancelled before it waits for the first time.
    pub(super) fn expire(&self) {
        self.clock.get().phase.set(Phase::Expiring);
    }
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
