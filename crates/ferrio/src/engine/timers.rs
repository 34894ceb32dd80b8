//! Timers: payloads that become ready at a point in time.
//!
//! A binary heap orders `(deadline, sequence)`, so timers of one deadline run
//! in the order in which they were scheduled. The payloads lie beside it in a
//! slab, and the heap moves 24 bytes whatever a payload is.
//!
//! **Cancelling is lazy**, because most timers are timeouts that never fire, and
//! finding one in the middle of a heap would be expensive. The payload is
//! returned, and so freed, at once; the heap entry stays behind as a tombstone
//! until it reaches the top. When there are too many tombstones, all are removed
//! in one pass, by the rule of asyncio's `_run_once`. Here the rule is applied at
//! each cancellation, so that the bound holds even in the middle of a turn that
//! cancels a million timers. The cancellations since the last pass pay for a pass.
//!
//! This module never reads the clock: the caller says what time it is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use slab::Slab;

use crate::engine::time::Time;

/// Heaps that are no longer than this are not compacted; asyncio's
/// `_MIN_SCHEDULED_TIMER_HANDLES`.
const MIN_SCHEDULED: usize = 100;

/// A heap is compacted when more than one in this many entries is a tombstone;
/// asyncio's `_MIN_CANCELLED_TIMER_HANDLES_FRACTION` of one half.
const MAX_CANCELLED_ONE_IN: usize = 2;

/// Whether a heap has so many cancelled entries that all of them have to be removed: the rule of asyncio's `_run_once`.
pub const fn has_too_many_cancelled(entries: usize, cancelled: usize) -> bool {
    entries > MIN_SCHEDULED && cancelled * MAX_CANCELLED_ONE_IN > entries
}

/// Names one timer for as long as the loop lives.
///
/// A key that has fired or was cancelled never means a later timer.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimerKey {
    slot: usize,
    sequence: u64,
}

/// Payloads ordered by deadline, then by order of scheduling.
#[derive(Debug)]
pub struct Timers<C> {
    /// Live entries and tombstones. Ordered by its first two fields; the third,
    /// the slot, is never compared, as sequence numbers are unique.
    heap: BinaryHeap<Reverse<(Time, u64, usize)>>,
    /// The live timers only.
    slots: Slab<Slot<C>>,
    next_sequence: u64,
}

#[derive(Debug)]
struct Slot<C> {
    /// Tells this timer from earlier ones in the same place.
    sequence: u64,
    payload: C,
}

impl<C> Timers<C> {
    /// Makes an empty heap.
    pub const fn new() -> Timers<C> {
        Timers {
            heap: BinaryHeap::new(),
            slots: Slab::new(),
            next_sequence: 0,
        }
    }

    /// Returns the number of timers that are scheduled and not cancelled.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no timer is scheduled.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Adds a timer that is due at `at`.
    pub fn schedule(&mut self, at: Time, payload: C) -> TimerKey {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let slot = self.slots.insert(Slot { sequence, payload });
        self.heap.push(Reverse((at, sequence, slot)));
        TimerKey { slot, sequence }
    }

    /// Removes a timer and returns its payload; `None` when it has fired or was
    /// cancelled before.
    pub fn cancel(&mut self, key: TimerKey) -> Option<C> {
        if !is_live(&self.slots, key.slot, key.sequence) {
            return None;
        }
        let payload = self.slots.remove(key.slot).payload;
        self.compact();
        Some(payload)
    }

    /// The deadline of the timer that is due first.
    pub fn next_deadline(&mut self) -> Option<Time> {
        while let Some(&Reverse((at, sequence, slot))) = self.heap.peek() {
            if is_live(&self.slots, slot, sequence) {
                return Some(at);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes the first timer whose deadline is not after `now`.
    pub fn pop_due(&mut self, now: Time) -> Option<C> {
        // `NEVER` is never due, even if the caller's clock has reached it.
        if self.next_deadline()? > now.min(LAST) {
            return None;
        }
        let Reverse((_, _, slot)) = self.heap.pop()?;
        Some(self.slots.remove(slot).payload)
    }

    /// Removes all timers and hands out their payloads, in the order of their
    /// deadlines.
    pub fn drain(&mut self) -> impl Iterator<Item = C> + '_ {
        std::iter::from_fn(|| {
            self.next_deadline()?;
            let Reverse((_, _, slot)) = self.heap.pop()?;
            Some(self.slots.remove(slot).payload)
        })
    }

    /// Returns the timer that is due first, without taking it out.
    pub fn first(&mut self) -> Option<(Time, TimerKey, &C)> {
        self.next_deadline()?;
        let &Reverse((at, sequence, slot)) = self.heap.peek()?;
        let payload = &self.slots.get(slot)?.payload;
        Some((at, TimerKey { slot, sequence }, payload))
    }

    /// Returns the number of cancelled timers that are still in the heap.
    pub fn tombstones(&self) -> usize {
        self.heap.len() - self.slots.len()
    }

    /// Returns the payload of a timer that is still scheduled.
    pub fn get(&self, key: TimerKey) -> Option<&C> {
        let slot = self.slots.get(key.slot)?;
        (slot.sequence == key.sequence).then_some(&slot.payload)
    }

    /// Whether a timer is still scheduled: neither cancelled nor due.
    pub fn contains(&self, key: TimerKey) -> bool {
        is_live(&self.slots, key.slot, key.sequence)
    }

    /// The payloads of the timers that are scheduled, in no order.
    pub fn payloads(&self) -> impl Iterator<Item = &C> {
        self.slots.iter().map(|(_, slot)| &slot.payload)
    }

    /// Drops the tombstones once they are too many, or there is nothing else.
    fn compact(&mut self) {
        if self.slots.is_empty() {
            self.heap.clear();
            return;
        }
        let entries = self.heap.len();
        let tombstones = self.tombstones();
        if has_too_many_cancelled(entries, tombstones) {
            let slots = &self.slots;
            self.heap
                .retain(|&Reverse((_, sequence, slot))| is_live(slots, slot, sequence));
        }
    }
}

/// The last time at which a timer can be due.
const LAST: Time = Time::from_nanos(u64::MAX - 1);

fn is_live<C>(slots: &Slab<Slot<C>>, slot: usize, sequence: u64) -> bool {
    slots
        .get(slot)
        .is_some_and(|timer| timer.sequence == sequence)
}

impl<C> Default for Timers<C> {
    fn default() -> Timers<C> {
        Timers::new()
    }
}

#[cfg(test)]
mod tests;
