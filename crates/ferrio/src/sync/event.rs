//! An event: a flag that can be waited for.

use super::{Cursor, Waiter, Waiters};

/// A flag, and those who wait until it is set.
#[derive(Debug)]
pub struct Event<W> {
    set: bool,
    /// Those who wait.
    pub waiters: Waiters<W>,
}

impl<W> Event<W> {
    /// An event that is not set.
    pub const fn new() -> Self {
        Self {
            set: false,
            waiters: Waiters::new(),
        }
    }

    /// Whether the flag is set: nobody has to wait.
    pub const fn is_set(&self) -> bool {
        self.set
    }

    /// Sets the flag. True if it was not set: then everybody who waits is to be woken.
    #[must_use = "those who wait are to be woken"]
    pub const fn set(&mut self) -> bool {
        !std::mem::replace(&mut self.set, true)
    }

    /// Takes the flag back. Those who have been woken go on all the same.
    pub const fn clear(&mut self) {
        self.set = false;
    }
}

impl<W: Waiter> Event<W> {
    /// Who is to be woken next after the flag was set. Those who come later are not.
    pub fn to_wake(&self, cursor: &mut Cursor) -> Option<&W> {
        self.waiters.next_waiting(cursor)
    }
}

impl<W> Default for Event<W> {
    fn default() -> Self {
        Self::new()
    }
}
