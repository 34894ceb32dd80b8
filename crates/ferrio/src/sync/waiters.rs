//! Those who wait, in line.

use std::collections::VecDeque;

/// What has become of a waiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It waits.
    Waiting,
    /// It has been woken, and its owner has not gone on yet.
    Woken,
    /// It does not want to wait any more, and its owner has not gone on yet.
    Cancelled,
}

/// Something that waits and can be asked whether it still does.
pub trait Waiter {
    /// What has become of it.
    fn status(&self) -> Status;
}

/// How far a walk along the line has come.
#[derive(Debug, Default)]
pub struct Cursor(usize);

/// A line of waiters: first come, first served.
#[derive(Debug)]
pub struct Waiters<W>(VecDeque<W>);

impl<W> Waiters<W> {
    /// An empty line, which needs no memory.
    pub const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// How many are in line, whatever has become of them.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is in line.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All in line, in order.
    pub fn iter(&self) -> impl Iterator<Item = &W> {
        self.0.iter()
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut W> {
        self.0.iter_mut()
    }

    /// Puts a waiter at the end.
    pub fn push(&mut self, waiter: W) {
        self.0.push_back(waiter);
    }

    /// Takes the first out.
    pub fn pop(&mut self) -> Option<W> {
        self.0.pop_front()
    }

    /// Takes the first out that is meant.
    pub fn remove(&mut self, is_meant: impl Fn(&W) -> bool) -> Option<W> {
        let place = self.0.iter().position(is_meant)?;
        self.0.remove(place)
    }

    /// Takes all out.
    pub fn take(&mut self) -> VecDeque<W> {
        std::mem::take(&mut self.0)
    }
}

impl<W: Waiter> Waiters<W> {
    /// The first in line, if it still waits.
    #[inline]
    pub fn first_if_waiting(&self) -> Option<&W> {
        let first = self.0.front();
        first.filter(|waiter| waiter.status() == Status::Waiting)
    }

    /// The next one behind `cursor` that still waits.
    pub fn next_waiting(&self, cursor: &mut Cursor) -> Option<&W> {
        while let Some(waiter) = self.0.get(cursor.0) {
            cursor.0 += 1;
            if waiter.status() == Status::Waiting {
                return Some(waiter);
            }
        }
        None
    }

    /// Whether somebody is in line who has not been cancelled.
    #[inline]
    pub fn anybody(&self) -> bool {
        !self.is_empty() && !self.are_all_cancelled()
    }

    fn are_all_cancelled(&self) -> bool {
        let mut waiters = self.0.iter();
        waiters.all(|waiter| waiter.status() == Status::Cancelled)
    }

    /// Takes out the first that still waits, and all before it, which go to `gone`.
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
