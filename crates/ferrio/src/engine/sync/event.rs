//! An event: a flag that can be waited for.

use super::{Cursor, Waiter, Waiters};

/// A flag, and the waiters for it to be set.
#[derive(Debug)]
pub struct Event<W> {
    set: bool,
    /// The waiters for the flag.
    pub waiters: Waiters<W>,
}

impl<W> Event<W> {
    /// Makes an event that is not set.
    pub const fn new() -> Self {
        Self {
            set: false,
            waiters: Waiters::new(),
        }
    }

    /// Whether the flag is set, so that nobody has to wait.
    pub const fn is_set(&self) -> bool {
        self.set
    }

    /// Sets the flag. Returns `true` if it was not set: then the caller has to wake all waiters.
    #[must_use = "the waiters have to be woken"]
    pub const fn set(&mut self) -> bool {
        !std::mem::replace(&mut self.set, true)
    }

    /// Clears the flag. Waiters that were woken go on all the same.
    pub const fn clear(&mut self) {
        self.set = false;
    }
}

impl<W: Waiter> Event<W> {
    /// Returns the next waiter to wake after the flag was set.
    pub fn to_wake(&self, cursor: &mut Cursor) -> Option<&W> {
        self.waiters.next_waiting(cursor)
    }
}

impl<W> Default for Event<W> {
    fn default() -> Self {
        Self::new()
    }
}
