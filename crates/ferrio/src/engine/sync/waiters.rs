//! A line of waiters.

use std::collections::VecDeque;

/// The state of a waiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Neither woken nor cancelled.
    Waiting,
    /// Woken; its owner has not run since.
    Woken,
    /// Cancelled; its owner has not run since.
    Cancelled,
}

/// Something that waits and knows whether it still does.
pub trait Waiter {
    /// Returns the state.
    fn status(&self) -> Status;
}

/// A position in a walk along the line.
#[derive(Debug, Default)]
pub struct Cursor(usize);

/// A line of waiters: first come, first served.
#[derive(Debug)]
pub struct Waiters<W>(VecDeque<W>);

impl<W> Waiters<W> {
    /// Makes an empty line, which needs no memory.
    pub const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Returns the number of waiters in line, in any state.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the line is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns all waiters in order.
    pub fn iter(&self) -> impl Iterator<Item = &W> {
        self.0.iter()
    }

    /// Returns all waiters in order, for changes.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut W> {
        self.0.iter_mut()
    }

    /// Adds a waiter at the end.
    pub fn push(&mut self, waiter: W) {
        self.0.push_back(waiter);
    }

    /// Takes the first waiter out.
    pub fn pop(&mut self) -> Option<W> {
        self.0.pop_front()
    }

    /// Takes out the first waiter that `is_meant` accepts.
    pub fn remove(&mut self, is_meant: impl Fn(&W) -> bool) -> Option<W> {
        let index = self.0.iter().position(is_meant)?;
        self.0.remove(index)
    }

    /// Takes all waiters out.
    pub fn take(&mut self) -> VecDeque<W> {
        std::mem::take(&mut self.0)
    }
}

impl<W: Waiter> Waiters<W> {
    /// Returns the first in line, if it still waits.
    #[inline]
    pub fn first_if_waiting(&self) -> Option<&W> {
        let first = self.0.front();
        first.filter(|waiter| waiter.status() == Status::Waiting)
    }

    /// Returns the next waiter behind `cursor` that still waits.
    pub fn next_waiting(&self, cursor: &mut Cursor) -> Option<&W> {
        while let Some(waiter) = self.0.get(cursor.0) {
            cursor.0 += 1;
            if waiter.status() == Status::Waiting {
                return Some(waiter);
            }
        }
        None
    }

    /// Whether any waiter in line is not cancelled.
    #[inline]
    pub fn anybody(&self) -> bool {
        !self.is_empty() && !self.are_all_cancelled()
    }

    fn are_all_cancelled(&self) -> bool {
        let mut waiters = self.0.iter();
        waiters.all(|waiter| waiter.status() == Status::Cancelled)
    }

    /// Takes out the first waiter that still waits, and all before it, which go to `gone`.
    #[inline]
    pub fn pop_waiting(&mut self, gone: &mut Vec<W>) -> Option<W> {
        if self.is_empty() {
            return None;
        }
        self.pop_to_first_waiting(gone)
    }

    fn pop_to_first_waiting(&mut self, gone: &mut Vec<W>) -> Option<W> {
        while let Some(waiter) = self.0.pop_front() {
            if waiter.status() == Status::Waiting {
                return Some(waiter);
            }
            gone.push(waiter);
        }
        None
    }
}

impl<W> Default for Waiters<W> {
    fn default() -> Self {
        Self::new()
    }
}
