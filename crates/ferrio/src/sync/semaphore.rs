//! A semaphore: so many holders at a time.

use super::{Cursor, Status, Waiter, Waiters};

/// The value of a semaphore that never runs out, whatever is taken and given back.
pub const UNLIMITED: i64 = i64::MAX;

/// A counter that does not go below zero, and those who wait to count it down.
#[derive(Debug)]
pub struct Semaphore<W> {
    /// What is left. A permit that was given to a waiter is not in it.
    pub value: i64,
    /// What the value may not grow beyond, if it is bounded.
    pub bound: Option<i64>,
    /// Those who want a permit.
    pub waiters: Waiters<W>,
}

/// A bounded semaphore was released more often than acquired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("BoundedSemaphore released too many times")]
pub struct ReleasedTooOften;

impl<W> Semaphore<W> {
    /// A semaphore with this many permits.
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
    /// Whether a caller has to wait: for a permit, or because others came before.
    pub fn is_locked(&self) -> bool {
        self.value == 0 || self.waiters.anybody()
    }

    /// Takes a permit unless the caller has to wait; then it puts itself in line.
    #[must_use = "there may be no permit"]
    pub fn try_acquire(&mut self) -> bool {
        if self.is_locked() {
            return false;
        }
        self.add(-1);
        true
    }

    /// Gives a permit back, and at once to the first who waits: who is to be woken.
    pub fn release(&mut self) -> Result<Option<&W>, ReleasedTooOften> {
        if self.bound.is_some_and(|bound| self.value >= bound) {
            return Err(ReleasedTooOften);
        }
        self.add(1);
        Ok(self.give())
    }

    /// One in line goes on: with a permit if it was woken, and without if it was cancelled, possibly after it was woken.
    /// Afterwards [`to_wake`](Self::to_wake) is to be called until there is nobody.
    pub fn ended(&mut self, is_me: impl Fn(&W) -> bool, cancelled: bool) -> Option<W> {
        let me = self.waiters.remove(is_me);
        let has_permit = |waiter: &W| waiter.status() == Status::Woken;
        if cancelled && me.as_ref().is_some_and(has_permit) {
            self.add(1);
        }
        me
    }

    /// Gives a permit to somebody else who waits, if one is left: who is to be woken.
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
