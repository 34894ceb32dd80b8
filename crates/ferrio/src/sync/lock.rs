//! A lock: one holder at a time.

use super::{Waiter, Waiters};

/// A lock that is not owned by anybody in particular: whoever calls releases it.
#[derive(Debug)]
pub struct Lock<W> {
    locked: bool,
    /// Those who want it.
    pub waiters: Waiters<W>,
}

/// A lock was released that nobody held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Lock is not acquired.")]
pub struct NotLocked;

impl<W> Lock<W> {
    /// A lock that nobody holds.
    pub const fn new() -> Self {
        Self {
            locked: false,
            waiters: Waiters::new(),
        }
    }

    /// Whether somebody holds it.
    pub const fn is_locked(&self) -> bool {
        self.locked
    }

    /// Has somebody hold it, or nobody, and wakes nobody: to make a lock that is like another.
    pub const fn set_locked(&mut self, locked: bool) {
        self.locked = locked;
    }
}

impl<W: Waiter> Lock<W> {
    /// Takes the lock if it is free and nobody is before the caller. Otherwise the caller puts itself in line.
    #[must_use = "the lock may be somebody else's"]
    pub fn try_acquire(&mut self) -> bool {
        let free = !self.locked && !self.waiters.anybody();
        self.locked |= free;
        free
    }

    /// One in line has been woken and goes on: it leaves the line and has the lock.
    pub fn woken(&mut self, is_me: impl Fn(&W) -> bool) -> Option<W> {
        self.locked = true;
        self.waiters.remove(is_me)
    }

    /// One in line has been cancelled and goes away. Returns it, and then [`to_wake`](Self::to_wake) says who is to be
    /// woken, for it may have been woken before it was cancelled.
    pub fn left(&mut self, is_me: impl Fn(&W) -> bool) -> Option<W> {
        self.waiters.remove(is_me)
    }

    /// Who is to be woken, if the lock is free.
    #[inline]
    pub fn to_wake(&self) -> Option<&W> {
        let first = self.waiters.first_if_waiting();
        first.filter(|_| !self.locked)
    }

    /// Gives the lock back. [`to_wake`](Self::to_wake) says who is to be woken.
    pub fn release(&mut self) -> Result<Option<&W>, NotLocked> {
        if !self.locked {
            return Err(NotLocked);
        }
        self.locked = false;
        Ok(self.to_wake())
    }
}

impl<W> Default for Lock<W> {
    fn default() -> Self {
        Self::new()
    }
}
