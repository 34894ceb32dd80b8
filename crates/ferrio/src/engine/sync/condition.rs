//! A condition: the waiters for a notification. The caller has the condition's lock.

use super::{Cursor, Waiter, Waiters};

/// The waiters for a notification.
#[derive(Debug)]
pub struct Condition<W> {
    /// The waiters.
    pub waiters: Waiters<W>,
}

impl<W> Condition<W> {
    /// Makes a condition without waiters.
    pub const fn new() -> Self {
        Self {
            waiters: Waiters::new(),
        }
    }
}

impl<W: Waiter> Condition<W> {
    /// Returns the next waiter to notify, leaving out those that were notified already.
    pub fn to_wake(&self, cursor: &mut Cursor) -> Option<&W> {
        self.waiters.next_waiting(cursor)
    }
}

impl<W> Default for Condition<W> {
    fn default() -> Self {
        Self::new()
    }
}
