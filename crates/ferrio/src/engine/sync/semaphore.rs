//! A semaphore: a limited number of holders at a time.

use super::{Cursor, Status, Waiter, Waiters};

/// The value of a semaphore without a limit, which acquiring and releasing do not change.
pub const UNLIMITED: i64 = i64::MAX;

/// A number of permits, and the waiters for one.
#[derive(Debug)]
pub struct Semaphore<W> {
    /// The number of free permits. A permit that was given to a waiter is not free.
    pub value: i64,
    /// The largest value, for a bounded semaphore.
    pub bound: Option<i64>,
    /// The waiters for a permit.
    pub waiters: Waiters<W>,
}

/// The error of a bounded semaphore that is released more often than acquired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("BoundedSemaphore released too many times")]
pub struct ReleasedTooOften;

impl<W> Semaphore<W> {
    /// Makes a semaphore with this number of permits.
    pub const fn new(value: i64, bound: Option<i64>) -> Self {
        Self {
            value,
            bound,
            waiters: Waiters::new(),
        }
    }

    fn add(&mut self, permits: i64) {
        if self.value != UNLIMITED {
            self.value += permits;
        }
    }
}

impl<W: Waiter> Semaphore<W> {
    /// Whether a caller has to wait: there is no permit, or others are waiting already.
    pub fn is_locked(&self) -> bool {
        self.value == 0 || self.waiters.anybody()
    }

    /// Takes a permit if the caller need not wait. Otherwise the caller has to add a waiter to the line.
    #[must_use = "there may be no permit"]
    pub fn try_acquire(&mut self) -> bool {
        if self.is_locked() {
            return false;
        }
        self.add(-1);
        true
    }

    /// Releases a permit. Gives it to the first waiter, if there is one, and returns that for the caller to wake.
    pub fn release(&mut self) -> Result<Option<&W>, ReleasedTooOften> {
        if self.bound.is_some_and(|bound| self.value >= bound) {
            return Err(ReleasedTooOften);
        }
        self.add(1);
        Ok(self.give())
    }

    /// Takes a waiter out of the line when its owner runs: with its permit if it was woken, without one if it was cancelled,
    /// even if it was woken before. The caller then wakes [`to_wake`](Self::to_wake) until that returns `None`.
    pub fn ended(&mut self, is_me: impl Fn(&W) -> bool, cancelled: bool) -> Option<W> {
        let me = self.waiters.remove(is_me);
        let has_permit = |waiter: &W| waiter.status() == Status::Woken;
        if cancelled && me.as_ref().is_some_and(has_permit) {
            self.add(1);
        }
        me
    }

    /// Gives a free permit to the next waiter, if there are both, and returns that waiter for the caller to wake.
    pub fn to_wake(&mut self) -> Option<&W> {
        if self.value > 0 { self.give() } else { None }
    }

    fn give(&mut self) -> Option<&W> {
        let waiter = self.waiters.next_waiting(&mut Cursor::default())?;
        if self.value != UNLIMITED {
            self.value -= 1;
        }
        Some(waiter)
    }
}
