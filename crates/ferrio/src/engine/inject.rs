//! The way in for other threads: a queue of payloads and one wake-up.
//!
//! An [`Injector`] is the only part of the engine that several threads share.
//! Others push; the thread of the loop looks at [`Injector::is_empty`], one
//! atomic load, whenever it queues something itself, and takes over what has
//! arrived. So callbacks run in the order in which they arrived, whichever
//! thread they came from.
//!
//! # Parking
//!
//! A wake-up is a system call, and most pushes need none: either the loop is
//! running and will look at the queue before it blocks, or it was woken already
//! and has not come back yet. Which of these holds is one state, and it changes
//! only under the lock of the queue:
//!
//! | state    | meaning                                | a push           | `wake`            | the loop wants to park |
//! |----------|----------------------------------------|------------------|-------------------|------------------------|
//! | `Awake`  | the loop runs, or polls without waiting | queues           | becomes `Woken`   | `Parked`, unless the queue holds something |
//! | `Parked` | the loop blocks, or is about to        | wakes, → `Woken` | wakes, → `Woken`  | (it already is)        |
//! | `Woken`  | the loop must not block                | queues           | nothing           | refused, → `Awake`     |
//!
//! No wake-up is lost: a push either happens before the loop takes the lock to
//! park, and then parking is refused because the queue holds something; or after
//! it, and then it finds `Parked`. Pushes while the loop is parked cost one
//! system call together. The system call is made outside the lock, so that the
//! loop does not wake up only to wait for the lock.
//!
//! Payloads are never dropped while the lock is held: their destructors may do
//! anything, also push.

use std::collections::VecDeque;
use std::io;
use std::sync::PoisonError;
#[cfg(not(all(test, loom)))]
use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

#[cfg(all(test, loom))]
use loom::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

use crate::engine::ready::Ready;
use crate::engine::sys::Waker;

/// What an injector needs of a waker, so that its protocol can be tested on others.
pub trait Wake {
    /// Makes the wait that is under way return, or else the next one.
    fn wake(&self) -> io::Result<()>;
}

impl Wake for Waker {
    fn wake(&self) -> io::Result<()> {
        Waker::wake(self)
    }
}

/// Hands payloads, or what becomes payloads, from any thread to the thread of the loop.
///
/// Get one from [`LoopCore::injector`](crate::engine::LoopCore::injector). It may outlive
/// its loop; it holds no file descriptor once the loop is closed.
#[derive(Debug)]
pub struct Injector<C, W: Wake = Waker> {
    /// Whether the queue holds something: written under the lock, read without.
    occupied: AtomicBool,
    inner: Mutex<Inner<C, W>>,
}

#[derive(Debug)]
struct Inner<C, W> {
    queue: VecDeque<C>,
    state: State,
    /// `None` once the loop is closed.
    waker: Option<Arc<W>>,
}

/// See the table at the head of the module.
#[derive(Debug)]
enum State {
    Awake,
    Parked,
    Woken,
}

impl<C, W: Wake> Injector<C, W> {
    pub(crate) fn new(waker: W) -> Injector<C, W> {
        Injector {
            occupied: AtomicBool::new(false),
            inner: Mutex::new(Inner {
                queue: VecDeque::new(),
                state: State::Awake,
                waker: Some(Arc::new(waker)),
            }),
        }
    }

    /// Queues a payload and wakes the loop if it is parked.
    ///
    /// Fails with [`NotConnected`](io::ErrorKind::NotConnected) when the loop is
    /// closed; the payload is then dropped. Any other error is the waker's
    /// (`write(2)` to an eventfd or pipe), and the payload is queued all the same.
    pub fn push(&self, payload: C) -> io::Result<()> {
        self.offer(payload).unwrap_or_else(|refused| {
            drop(refused);
            Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "the event loop is closed",
            ))
        })
    }

    /// Does the same, but gives the payload back when the loop is closed.
    pub fn offer(&self, payload: C) -> Result<io::Result<()>, C> {
        let mut inner = self.lock();
        if inner.waker.is_none() {
            return Err(payload);
        }
        inner.queue.push_back(payload);
        self.occupied.store(true, Ordering::Release);
        let waker = inner.waker_if_parked();
        drop(inner);
        Ok(waker.map_or(Ok(()), |waker| waker.wake()))
    }

    /// Whether the loop has taken over everything that has arrived.
    ///
    /// This is one atomic load. A push that happened before, in the sense of
    /// memory order (under a common lock, such as an interpreter's), is seen.
    #[inline]
    pub fn is_empty(&self) -> bool {
        !self.occupied.load(Ordering::Acquire)
    }

    /// Moves all that has arrived to the end of `ready`, in the order of arrival.
    #[inline]
    pub fn drain_into<P>(&self, ready: &mut Ready<P>)
    where
        C: Into<P>,
    {
        if !self.is_empty() {
            self.move_into(&mut self.lock(), ready);
        }
    }

    /// Makes the loop start another iteration, though nothing is queued: the wait
    /// that is under way returns, or the next one does not block.
    ///
    /// Does nothing when the loop is closed. Fails only when the waker does
    /// (`write(2)` to an eventfd or pipe).
    pub fn wake(&self) -> io::Result<()> {
        let mut inner = self.lock();
        let waker = inner.waker_if_parked();
        inner.state = State::Woken;
        drop(inner);
        waker.map_or(Ok(()), |waker| waker.wake())
    }

    /// Announces that the loop is going to block. When this returns false it
    /// must not: something has arrived, or somebody has called [`wake`](Self::wake).
    #[must_use]
    pub(crate) fn begin_park(&self) -> bool {
        let mut inner = self.lock();
        let may_block = matches!(inner.state, State::Awake | State::Parked)
            && inner.queue.is_empty()
            && inner.waker.is_some();
        inner.state = if may_block {
            State::Parked
        } else {
            State::Awake
        };
        may_block
    }

    /// Announces that the loop no longer blocks, after a `begin_park` that
    /// returned true, and takes over what has arrived.
    pub(crate) fn end_park<P>(&self, ready: &mut Ready<P>)
    where
        C: Into<P>,
    {
        let mut inner = self.lock();
        inner.state = State::Awake;
        self.move_into(&mut inner, ready);
    }

    /// Closes the waker's descriptors and hands back what was queued. From now
    /// on pushes fail and wakes do nothing.
    pub(crate) fn close(&self) -> VecDeque<C> {
        let mut inner = self.lock();
        let waker = inner.waker.take();
        let queue = std::mem::take(&mut inner.queue);
        self.occupied.store(false, Ordering::Release);
        drop(inner);
        drop(waker);
        queue
    }

    fn move_into<P>(&self, inner: &mut Inner<C, W>, ready: &mut Ready<P>)
    where
        C: Into<P>,
    {
        ready.extend(inner.queue.drain(..).map(Into::into));
        self.occupied.store(false, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Inner<C, W>> {
        // No code under the lock panics half-way.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C, W> Inner<C, W> {
    /// Returns the waker if the loop is parked, and marks the loop as woken, so that the next caller does not wake it again.
    fn waker_if_parked(&mut self) -> Option<Arc<W>> {
        if matches!(self.state, State::Parked) {
            self.state = State::Woken;
            self.waker.clone()
        } else {
            None
        }
    }
}

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;
