//! Putting an item in and taking one out without waiting, and the lines of those who wait to do so.

use crate::engine::sync::{self, Refused, Waiters};
use crate::locks::{Waiting, wake};

use super::class::BaseQueue;
use super::errors::{TryGetError, TryPutError};
use super::order::{Items, Order};

/// A line of waiters of a queue.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// Those who wait for an item.
    Getters,
    /// Those who wait for room.
    Putters,
}

impl Side {
    const fn line(self, queue: &mut sync::Queue<Waiting>) -> &mut Waiters<Waiting> {
        match self {
            Side::Getters => &mut queue.getters,
            Side::Putters => &mut queue.putters,
        }
    }
}

impl<T, O: Order<T>> BaseQueue<T, O> {
    /// Puts an item in, or gives it back if the queue is full or shut down.
    ///
    /// ```
    /// use ferrio::{Queue, TryPutError};
    ///
    /// let queue = Queue::new(1);
    /// queue.put_nowait(1)?;
    /// assert_eq!(queue.put_nowait(2), Err(TryPutError::Full(2)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_nowait(&self, item: T) -> Result<(), TryPutError<T>> {
        let may_put = self.0.queue.borrow().may_put(self.is_full());
        match may_put {
            Ok(()) => {}
            Err(Refused::Wait) => return Err(TryPutError::Full(item)),
            Err(Refused::ShutDown) => return Err(TryPutError::ShutDown(item)),
        }
        // Also if a comparison panics: the item is in the queue then.
        let _then = Finally(|| {
            let mut gone = Vec::new();
            let getter = self.0.queue.borrow_mut().added(&mut gone);
            self.0.finished.clear();
            wake(getter.and_then(|getter| getter.mark()));
        });
        self.0.items.push(item);
        Ok(())
    }

    /// Takes an item out, if there is one.
    ///
    /// ```
    /// let queue = ferrio::Queue::<u8>::new(0);
    /// assert_eq!(queue.get_nowait(), Err(ferrio::TryGetError::Empty));
    /// ```
    pub fn get_nowait(&self) -> Result<T, TryGetError> {
        if self.0.items.available() == 0 {
            return match self.0.queue.borrow().may_get(self.is_empty()) {
                Err(Refused::ShutDown) => Err(TryGetError::ShutDown),
                Err(Refused::Wait) | Ok(()) => Err(TryGetError::Empty),
            };
        }
        // Also if a comparison panics: there is room then.
        let _then = Finally(|| {
            let mut gone = Vec::new();
            let putter = self.0.queue.borrow_mut().taken(&mut gone);
            wake(putter.and_then(|putter| putter.mark()));
        });
        self.0.items.pop().ok_or(TryGetError::Empty)
    }

    /// Whether there are items, but all of them are being compared.
    pub(super) fn is_busy(&self) -> bool {
        self.0.items.available() < self.0.items.len()
    }

    pub(super) fn enqueue(&self, side: Side, waiter: Waiting) {
        side.line(&mut self.0.queue.borrow_mut()).push(waiter);
    }

    /// Takes one who gives up out of the line. If he was woken, and not in vain, wakes the next one.
    pub(super) fn give_up(&self, side: Side, waiter: &Waiting) {
        let me = side
            .line(&mut self.0.queue.borrow_mut())
            .remove(waiter.is_me());
        drop(me);
        let in_vain = match side {
            Side::Getters => self.is_empty(),
            Side::Putters => self.is_full(),
        };
        if waiter.is_woken() && !in_vain {
            self.wake_next(side);
        }
    }

    /// Wakes the first in a line. Returns whether there was one.
    pub(super) fn wake_next(&self, side: Side) -> bool {
        let mut gone = Vec::new();
        let next = side
            .line(&mut self.0.queue.borrow_mut())
            .pop_waiting(&mut gone);
        let is_any = next.is_some();
        wake(next.and_then(|next| next.mark()));
        is_any
    }
}

/// Calls a function when it is dropped.
struct Finally<F: FnMut()>(F);

impl<F: FnMut()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
