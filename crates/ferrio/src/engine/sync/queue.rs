//! A queue: the waiters for items and for room, and the count of unfinished items. The caller has the items.

use super::{Waiter, Waiters};

/// The waiters and counters of a queue.
#[derive(Debug)]
pub struct Queue<W> {
    /// The maximal number of items; `None` for no limit.
    pub limit: Option<usize>,
    /// The number of items that were put in and not reported as done.
    pub unfinished: usize,
    /// Whether the queue is shut down and accepts no more items.
    pub shut_down: bool,
    /// The waiters for an item.
    pub getters: Waiters<W>,
    /// The waiters for room.
    pub putters: Waiters<W>,
}

/// Why an item cannot be put in or taken out at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is no room, or no item, at present.
    Wait,
    /// The queue is shut down, so waiting is useless.
    ShutDown,
}

/// The error of more items reported as done than were put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("task_done() called too many times")]
pub struct TooManyDone;

impl<W> Queue<W> {
    /// Makes a queue for at most `limit` items.
    pub const fn new(limit: Option<usize>) -> Self {
        Self {
            limit,
            unfinished: 0,
            shut_down: false,
            getters: Waiters::new(),
            putters: Waiters::new(),
        }
    }

    /// Whether a queue that holds `items` items has no room.
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

    /// Reports an item as done. Returns `true` if all items are: then the caller has to wake the waiters for that.
    #[must_use = "the waiters for the end have to be woken"]
    pub fn done(&mut self) -> Result<bool, TooManyDone> {
        self.unfinished = self.unfinished.checked_sub(1).ok_or(TooManyDone)?;
        Ok(self.unfinished == 0)
    }
}

impl<W: Waiter> Queue<W> {
    /// Counts an item that was put in. Returns the getter to wake; getters that do not wait any more go to `gone`.
    pub fn added(&mut self, gone: &mut Vec<W>) -> Option<W> {
        self.unfinished += 1;
        self.getters.pop_waiting(gone)
    }

    /// Returns the putter to wake after an item was taken out; putters that do not wait any more go to `gone`.
    pub fn taken(&mut self, gone: &mut Vec<W>) -> Option<W> {
        self.putters.pop_waiting(gone)
    }
}
