//! A condition: those who wait to be notified. Its lock is the caller's affair.

use super::{Cursor, Waiter, Waiters};

/// Those who wait to be notified.
#[derive(Debug)]
pub struct Condition<W> {
    /// Those who wait.
    pub waiters: Waiters<W>,
}

impl<W> Condition<W> {
    /// A condition that nobody waits for.
    pub const fn new() -> Self {
        Self {
            waiters: Waiters::new(),
        }
    }
}

impl<W: Waiter> Condition<W> {
    /// Who is to be notified next. Those who are notified already do not count.
    pub fn to_wake(&self, cursor: &mut Cursor) -> Option<&W> {
        self.waiters.next_waiting(cursor)
    }
}

impl<W> Default for Condition<W> {
    fn default() -> Self {
        Self::new()
    }
}
