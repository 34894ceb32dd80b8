//! [`Lock`]: one holder at a time.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::engine::sync;
use crate::task::Cancelled;

use super::waiting::{Waiting, wake};

/// A lock that has one holder at a time, even while the holder awaits; asyncio's class of this name.
///
/// It holds no data: between two awaits no other task runs, so that only what spans an await needs it. Clones are the
/// same lock.
///
/// ```
/// use ferrio::{Lock, spawn, yield_now};
///
/// async fn transfer(lock: Lock) -> Result<(), ferrio::Cancelled> {
///     let _guard = lock.acquire().await?;
///     yield_now().await // Nobody else is here meanwhile.
/// }
///
/// ferrio::run(async {
///     let lock = Lock::new();
///     let (one, two) = (spawn(transfer(lock.clone())), spawn(transfer(lock.clone())));
///     one.await??;
///     two.await??;
///     assert!(!lock.locked());
///     Ok::<(), ferrio::JoinError>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Lock(Rc<RefCell<sync::Lock<Waiting>>>);

impl Lock {
    /// Makes a free lock.
    pub fn new() -> Lock {
        Lock::default()
    }

    /// Whether the lock is held.
    ///
    /// ```
    /// let lock = ferrio::Lock::new();
    /// let guard = lock.try_acquire();
    /// assert!(guard.is_some() && lock.locked());
    /// drop(guard);
    /// assert!(!lock.locked());
    /// ```
    pub fn locked(&self) -> bool {
        self.0.borrow().is_locked()
    }

    /// Waits until the lock is free and all who came before have had it, and takes it.
    ///
    /// Fails when the task is cancelled while it waits.
    ///
    /// ```
    /// ferrio::run(async {
    ///     let lock = ferrio::Lock::new();
    ///     let guard = lock.acquire().await?;
    ///     let next = ferrio::spawn(lock.acquire());
    ///     drop(guard);
    ///     let _guard = next.await??;
    ///     assert!(lock.locked());
    ///     Ok::<(), ferrio::JoinError>(())
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn acquire(&self) -> LockAcquire {
        LockAcquire {
            lock: self.clone(),
            waiter: None,
        }
    }

    /// Takes the lock if it is free and nobody waits for it.
    ///
    /// ```
    /// let lock = ferrio::Lock::new();
    /// let guard = lock.try_acquire().unwrap();
    /// assert!(lock.try_acquire().is_none());
    /// # drop(guard);
    /// ```
    pub fn try_acquire(&self) -> Option<LockGuard> {
        let is_mine = self.0.borrow_mut().try_acquire();
        is_mine.then(|| LockGuard::new(self))
    }

    pub(super) fn is(&self, other: &Lock) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    fn release(&self) {
        let mut lock = self.0.borrow_mut();
        // A guard is the only one that releases, and does so once.
        let next = lock.release().ok().flatten();
        let waker = next.and_then(Waiting::mark);
        drop(lock);
        wake(waker);
    }

    /// Takes one who gives up out of the line, and wakes the next one in its place if the lock is free.
    fn leave(&self, waiter: &Waiting) {
        let mut lock = self.0.borrow_mut();
        let me = lock.left(waiter.is_me());
        let waker = lock.to_wake().and_then(Waiting::mark);
        drop(lock);
        drop(me);
        wake(waker);
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lock = self.0.borrow();
        write!(f, "<Lock [")?;
        describe(f, lock.is_locked(), lock.waiters.len())
    }
}

/// Writes the rest of what describes a lock or a condition.
pub(super) fn describe(f: &mut fmt::Formatter<'_>, is_locked: bool, waiters: usize) -> fmt::Result {
    f.write_str(if is_locked { "locked" } else { "unlocked" })?;
    super::waiting::describe(f, waiters)
}

/// Waits for a [`Lock`]; made by [`Lock::acquire`].
///
/// Dropping it gives up the place in line.
#[must_use = "nothing waits until it is awaited"]
pub struct LockAcquire {
    lock: Lock,
    waiter: Option<Waiting>,
}

impl LockAcquire {
    fn give_up(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            self.lock.leave(&waiter);
        }
    }
}

impl Future for LockAcquire {
    type Output = Result<LockGuard, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(waiter) = &self.waiter else {
            if let Some(guard) = self.lock.try_acquire() {
                return Poll::Ready(Ok(guard));
            }
            let waiter = Waiting::begin(cx)?;
            self.lock.0.borrow_mut().waiters.push(waiter.clone());
            self.waiter = Some(waiter);
            return Poll::Pending;
        };
        if let Err(cancelled) = ready!(waiter.poll(cx)) {
            self.give_up();
            return Poll::Ready(Err(cancelled));
        }
        let me = self.lock.0.borrow_mut().woken(waiter.is_me());
        drop(me);
        self.waiter = None;
        Poll::Ready(Ok(LockGuard::new(&self.lock)))
    }
}

impl Drop for LockAcquire {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl fmt::Debug for LockAcquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockAcquire")
            .field("lock", &self.lock)
            .finish_non_exhaustive()
    }
}

/// Holds a [`Lock`], and releases it when it is dropped; asyncio's `async with`.
///
/// It may be handed to another task, which then holds the lock.
///
/// ```
/// let lock = ferrio::Lock::new();
/// {
///     let _guard = lock.try_acquire();
///     assert!(lock.locked());
/// }
/// assert!(!lock.locked());
/// ```
#[must_use = "the lock is released when this is dropped"]
pub struct LockGuard {
    lock: Lock,
    is_held: bool,
}

impl LockGuard {
    fn new(lock: &Lock) -> LockGuard {
        LockGuard {
            lock: lock.clone(),
            is_held: true,
        }
    }

    /// Whether the guard holds the lock. It does, unless the future of a [`Condition::wait`](super::Condition::wait) with
    /// it was dropped before its end.
    ///
    /// ```
    /// let guard = ferrio::Lock::new().try_acquire().unwrap();
    /// assert!(guard.is_held());
    /// ```
    pub const fn is_held(&self) -> bool {
        self.is_held
    }

    /// Returns the lock.
    pub const fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Releases the lock for a while.
    pub(super) fn suspend(&mut self) {
        if std::mem::replace(&mut self.is_held, false) {
            self.lock.release();
        }
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        self.suspend();
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard")
            .field("lock", &self.lock)
            .field("is_held", &self.is_held)
            .finish()
    }
}
