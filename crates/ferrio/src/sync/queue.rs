//! A queue: who waits for items and for room, and how much is unfinished. The items are the caller's.

use super::{Waiter, Waiters};

/// The waiters and counters of a queue.
#[derive(Debug)]
pub struct Queue<W> {
    /// How many items it holds at most; `None` if there is no limit.
    pub limit: Option<usize>,
    /// How many items were put in that nobody has said to be done.
    pub unfinished: usize,
    /// Whether nothing more is taken in.
    pub shut_down: bool,
    /// Those who wait for an item.
    pub getters: Waiters<W>,
    /// Those who wait for room.
    pub putters: Waiters<W>,
}

/// Why an item cannot be put in or taken out at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is no room, or no item.
    Wait,
    /// There will never be.
    ShutDown,
}

/// Something was said to be done more often than put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("task_done() called too many times")]
pub struct TooManyDone;

impl<W> Queue<W> {
    /// A queue that holds so many items at most.
    pub const fn new(limit: Option<usize>) -> Self {
        Self {
            limit,
            unfinished: 0,
            shut_down: false,
            getters: Waiters::new(),
            putters: Waiters::new(),
        }
    }

    /// Whether there is no room with so many items in it.
    pub fn is_full(&self, items: usize) -> bool {
        self.limit.is_some_and(|limit| items >= limit)
    }

    /// Whether an item may be put in, given whether there is no room.
    pub const fn may_put(&self, is_full: bool) -> Result<(), Refused> {
        match (self.shut_down, is_full) {
            (true, _) => Err(Refused::ShutDown),
            (false, true) => Err(Refused::Wait),
            (false, false) => Ok(()),
        }
    }

    /// Whether an item may be taken out, given whether there is none.
    pub const fn may_get(&self, is_empty: bool) -> Result<(), Refused> {
        match (is_empty, self.shut_down) {
            (false, _) => Ok(()),
            (true, true) => Err(Refused::ShutDown),
            (true, false) => Err(Refused::Wait),
        }
    }

    /// An item is done. True if all are: those who wait for that are to be woken.
    #[must_use = "those who wait for the end are to be woken"]
    pub fn done(&mut self) -> Result<bool, TooManyDone> {
        self.unfinished = self.unfinished.checked_sub(1).ok_or(TooManyDone)?;
        Ok(self.unfinished == 0)
    }
}

impl<W: Waiter> Queue<W> {
    /// An item was put in: who is to be woken for it. Waiters that do not wait any more go to `gone`.
    pub fn added(&mut self, gone: &mut Vec<W>) -> Option<W> {
        self.unfinished += 1;
        self.getters.pop_waiting(gone)
    }

    /// An item was taken out: who is to be woken for the room. Waiters that do not wait any more go to `gone`.
    pub fn taken(&mut self, gone: &mut Vec<W>) -> Option<W> {
        self.putters.pop_waiting(gone)
    }
}
