//! What both semaphores share: the line, the future that waits in it, and the guard.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::engine::sync::{self, ReleasedTooOften, UNLIMITED};
use crate::task::Cancelled;

use super::waiting::{self, Waiting, wake};

/// Permits, and the line of those who wait for one.
#[derive(Clone)]
pub(super) struct Permits(Rc<RefCell<sync::Semaphore<Waiting>>>);

impl Permits {
    pub(super) fn new(value: usize) -> Permits {
        Permits::of(sync::Semaphore::new(permits(value), None))
    }

    pub(super) fn bounded(value: usize) -> Permits {
        Permits::of(sync::Semaphore::new(permits(value), Some(permits(value))))
    }

    fn of(semaphore: sync::Semaphore<Waiting>) -> Permits {
        Permits(Rc::new(RefCell::new(semaphore)))
    }

    pub(super) fn locked(&self) -> bool {
        self.0.borrow().is_locked()
    }

    pub(super) fn acquire(&self) -> SemaphoreAcquire {
        SemaphoreAcquire {
            permits: self.clone(),
            waiter: None,
        }
    }

    pub(super) fn try_acquire(&self) -> Option<SemaphoreGuard> {
        let is_mine = self.0.borrow_mut().try_acquire();
        is_mine.then(|| SemaphoreGuard::new(self))
    }

    pub(super) fn release(&self) -> Result<(), ReleasedTooOften> {
        let mut semaphore = self.0.borrow_mut();
        let waker = semaphore.release()?.and_then(Waiting::mark);
        drop(semaphore);
        wake(waker);
        Ok(())
    }

    /// Ends the wait of one who has a permit or gives up, and wakes others while there are permits.
    fn end(&self, waiter: &Waiting, cancelled: bool) {
        let me = self.0.borrow_mut().ended(waiter.is_me(), cancelled);
        drop(me);
        loop {
            let mut semaphore = self.0.borrow_mut();
            let Some(next) = semaphore.to_wake() else {
                return;
            };
            let waker = next.mark();
            drop(semaphore);
            wake(waker);
        }
    }

    /// Describes the semaphore, as asyncio's `repr` does.
    pub(super) fn describe(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let semaphore = self.0.borrow();
        if semaphore.is_locked() {
            write!(f, "<{name} [locked")?;
        } else {
            write!(f, "<{name} [unlocked, value:{}", semaphore.value)?;
        }
        waiting::describe(f, semaphore.waiters.len())
    }
}

/// A number that is too large for the engine is never reached.
fn permits(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(UNLIMITED)
}

/// Waits for a permit; made by [`Semaphore::acquire`](super::Semaphore::acquire) and
/// [`BoundedSemaphore::acquire`](super::BoundedSemaphore::acquire).
///
/// Dropping it gives up the place in line.
#[must_use = "nothing waits until it is awaited"]
pub struct SemaphoreAcquire {
    permits: Permits,
    waiter: Option<Waiting>,
}

impl SemaphoreAcquire {
    fn give_up(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            self.permits.end(&waiter, true);
        }
    }
}

impl Future for SemaphoreAcquire {
    type Output = Result<SemaphoreGuard, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(waiter) = &self.waiter else {
            if let Some(guard) = self.permits.try_acquire() {
                return Poll::Ready(Ok(guard));
            }
            let waiter = Waiting::begin(cx)?;
            self.permits.0.borrow_mut().waiters.push(waiter.clone());
            self.waiter = Some(waiter);
            return Poll::Pending;
        };
        if let Err(cancelled) = ready!(waiter.poll(cx)) {
            self.give_up();
            return Poll::Ready(Err(cancelled));
        }
        self.permits.end(waiter, false);
        self.waiter = None;
        Poll::Ready(Ok(SemaphoreGuard::new(&self.permits)))
    }
}

impl Drop for SemaphoreAcquire {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl fmt::Debug for SemaphoreAcquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.permits.describe("SemaphoreAcquire", f)
    }
}

/// Holds a permit of a semaphore, and releases it when it is dropped; asyncio's `async with`.
///
/// ```
/// let semaphore = ferrio::Semaphore::new(1);
/// let guard = semaphore.try_acquire();
/// assert!(guard.is_some() && semaphore.locked());
/// drop(guard);
/// assert!(!semaphore.locked());
/// ```
#[must_use = "the permit is released when this is dropped"]
pub struct SemaphoreGuard {
    /// `None` if the guard is to release nothing.
    permits: Option<Permits>,
}

impl SemaphoreGuard {
    fn new(permits: &Permits) -> SemaphoreGuard {
        SemaphoreGuard {
            permits: Some(permits.clone()),
        }
    }

    /// Keeps the permit: only the semaphore's `release` gives it back.
    ///
    /// ```
    /// let semaphore = ferrio::Semaphore::new(1);
    /// semaphore.try_acquire().unwrap().forget();
    /// assert!(semaphore.locked());
    /// semaphore.release();
    /// assert!(!semaphore.locked());
    /// ```
    pub fn forget(mut self) {
        self.permits = None;
    }
}

impl Drop for SemaphoreGuard {
    fn drop(&mut self) {
        if let Some(permits) = self.permits.take() {
            // It fails if the program has called `release` for the permit of this guard.
            let _ = permits.release();
        }
    }
}

impl fmt::Debug for SemaphoreGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.permits {
            Some(permits) => permits.describe("SemaphoreGuard", f),
            None => f.write_str("<SemaphoreGuard>"),
        }
    }
}
