//! The ready queue: payloads that are to run, first in, first out.
//!
//! The queue serves one rule: **a turn runs only what was ready when it
//! began**. Callbacks that schedule each other therefore cannot starve I/O. The
//! rule is kept by counting, as in asyncio's
//! `_run_once`: [`LoopCore::unpark`](crate::engine::LoopCore::unpark) returns the length
//! of this queue, and the caller pops no more than that.

use std::collections::VecDeque;

/// A first-in, first-out queue of payloads.
#[derive(Debug)]
pub struct Ready<C> {
    queue: VecDeque<C>,
}

impl<C> Ready<C> {
    /// Makes an empty queue.
    pub const fn new() -> Ready<C> {
        Ready {
            queue: VecDeque::new(),
        }
    }

    /// Returns the number of queued payloads.
    #[inline]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing is queued.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether a payload can be queued without an allocation.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.queue.len() < self.queue.capacity()
    }

    /// Queues a payload behind all others.
    #[inline]
    pub fn push(&mut self, payload: C) {
        self.queue.push_back(payload);
    }

    /// Queues all of `arrived` behind what is queued, in its order.
    pub fn extend(&mut self, arrived: impl Iterator<Item = C>) {
        self.queue.extend(arrived);
    }

    /// Takes the payload that has been queued longest.
    #[inline]
    pub fn pop(&mut self) -> Option<C> {
        self.queue.pop_front()
    }

    /// Returns the queued payloads in order.
    pub fn iter(&self) -> impl Iterator<Item = &C> {
        self.queue.iter()
    }

    /// Returns the payload at an index; that at 0 has been queued longest.
    pub fn get(&self, index: usize) -> Option<&C> {
        self.queue.get(index)
    }

    /// Takes all payloads out.
    pub fn take(&mut self) -> VecDeque<C> {
        std::mem::take(&mut self.queue)
    }

    /// Puts payloads in front of all queued ones.
    pub fn put_first(&mut self, mut payloads: VecDeque<C>) {
        payloads.append(&mut self.queue);
        self.queue = payloads;
    }

    /// Empties the queue and hands out the payloads in order.
    pub fn drain(&mut self) -> impl Iterator<Item = C> + '_ {
        self.queue.drain(..)
    }
}

impl<C> Default for Ready<C> {
    fn default() -> Ready<C> {
        Ready::new()
    }
}
