//! A lock: one holder at a time.

use super::{Waiter, Waiters};

/// A lock that does not know its holder: any caller can release it.
#[derive(Debug)]
pub struct Lock<W> {
    locked: bool,
    /// The waiters for the lock.
    pub waiters: Waiters<W>,
}

/// The error of a release of a free lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Lock is not acquired.")]
pub struct NotLocked;

impl<W> Lock<W> {
    /// Makes a free lock.
    pub const fn new() -> Self {
        Self {
            locked: false,
            waiters: Waiters::new(),
        }
    }

    /// Whether the lock is held.
    pub const fn is_locked(&self) -> bool {
        self.locked
    }

    /// Sets whether the lock is held, without waking a waiter: for a copy of another lock.
    pub const fn set_locked(&mut self, locked: bool) {
        self.locked = locked;
    }
}

impl<W: Waiter> Lock<W> {
    /// Takes the lock if it is free and nobody waits for it. Otherwise the caller has to add a waiter to the line.
    #[must_use = "the lock may be somebody else's"]
    pub fn try_acquire(&mut self) -> bool {
        let free = !self.locked && !self.waiters.anybody();
        self.locked |= free;
        free
    }

    /// Gives the lock to a waiter that was woken, when its owner runs. Takes the waiter out of the line.
    pub fn woken(&mut self, is_me: impl Fn(&W) -> bool) -> Option<W> {
        self.locked = true;
        self.waiters.remove(is_me)
    }

    /// Takes a cancelled waiter out of the line. The caller then wakes [`to_wake`](Self::to_wake), since the cancelled waiter
    /// may have been woken before.
    pub fn left(&mut self, is_me: impl Fn(&W) -> bool) -> Option<W> {
        self.waiters.remove(is_me)
    }

    /// Returns the waiter to wake, if the lock is free.
    #[inline]
    pub fn to_wake(&self) -> Option<&W> {
        let first = self.waiters.first_if_waiting();
        first.filter(|_| !self.locked)
    }

    /// Releases the lock. Returns the waiter to wake, as [`to_wake`](Self::to_wake) does.
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
