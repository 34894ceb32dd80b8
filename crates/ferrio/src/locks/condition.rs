//! [`Condition`]: a lock, and a line of those who wait for a notification.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use crate::engine::sync;
use crate::task::Cancelled;

use super::lock::{self, Lock, LockAcquire, LockGuard};
use super::waiting::{self, Waiting};

/// A condition: one who holds its lock can wait, without the lock, until another holder notifies; asyncio's class of
/// this name.
///
/// The guard of the lock is what shows that the caller holds it. Several conditions may share a lock. Clones are the same
/// condition.
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use ferrio::{Condition, spawn};
///
/// ferrio::run(async {
///     let (condition, stock) = (Condition::new(), Rc::new(Cell::new(0)));
///     let (their_condition, their_stock) = (condition.clone(), stock.clone());
///     let consumer = spawn(async move {
///         let mut guard = their_condition.acquire().await?;
///         their_condition.wait_for(&mut guard, || their_stock.get() > 0).await?;
///         their_stock.set(their_stock.get() - 1);
///         Ok::<(), ferrio::ConditionError>(())
///     });
///     ferrio::yield_now().await?;
///     let guard = condition.acquire().await?;
///     stock.set(1);
///     condition.notify(&guard, 1)?;
///     drop(guard);
///     consumer.await??;
///     assert_eq!(stock.get(), 0);
///     Ok::<(), Box<dyn std::error::Error>>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Condition(Rc<Inner>);

#[derive(Default)]
struct Inner {
    lock: Lock,
    line: RefCell<sync::Condition<Waiting>>,
}

/// Why a wait for a [`Condition`] has failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// The guard does not hold the condition's lock.
    #[error("cannot wait on un-acquired lock")]
    NotAcquired,
    /// The task was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// The error of a notification with a guard that does not hold the condition's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot notify on un-acquired lock")]
pub struct CannotNotify;

impl Condition {
    /// Makes a condition with a lock of its own.
    pub fn new() -> Condition {
        Condition::default()
    }

    /// Makes a condition with a lock that others use too.
    ///
    /// ```
    /// use ferrio::{Condition, Lock};
    ///
    /// let lock = Lock::new();
    /// let (not_empty, not_full) = (Condition::with_lock(&lock), Condition::with_lock(&lock));
    /// let guard = lock.try_acquire().unwrap();
    /// not_empty.notify(&guard, 1)?;
    /// not_full.notify(&guard, 1)?;
    /// # Ok::<(), ferrio::CannotNotify>(())
    /// ```
    pub fn with_lock(lock: &Lock) -> Condition {
        Condition(Rc::new(Inner {
            lock: lock.clone(),
            line: RefCell::default(),
        }))
    }

    /// Returns the lock.
    pub fn lock(&self) -> &Lock {
        &self.0.lock
    }

    /// Whether the lock is held.
    pub fn locked(&self) -> bool {
        self.0.lock.locked()
    }

    /// Waits for the lock, as [`Lock::acquire`] does.
    pub fn acquire(&self) -> LockAcquire {
        self.0.lock.acquire()
    }

    /// Releases the lock, waits for a notification, and takes the lock again.
    ///
    /// When this returns, the lock is held, also after an error. It may return without a reason, so the caller looks
    /// again at the state that he waits for; [`wait_for`](Self::wait_for) does that.
    ///
    /// Fails at once when the guard does not hold the condition's lock, and when the task is cancelled. If the future
    /// is dropped before its end, the lock stays released, and the guard does not [hold](LockGuard::is_held) it any more.
    ///
    /// ```
    /// use ferrio::{Condition, ConditionError};
    ///
    /// ferrio::run(async {
    ///     let condition = Condition::new();
    ///     let mut other = ferrio::Lock::new().acquire().await?;
    ///     let error = condition.wait(&mut other).await.unwrap_err();
    ///     assert_eq!(error, ConditionError::NotAcquired);
    ///     Ok::<(), ferrio::Cancelled>(())
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait<'a>(&'a self, guard: &'a mut LockGuard) -> ConditionWait<'a> {
        ConditionWait {
            condition: self,
            guard,
            stage: Stage::New,
        }
    }

    /// Waits until `predicate` says so, which is asked at once and after each notification, with the lock held.
    ///
    /// Fails as [`wait`](Self::wait) does.
    pub async fn wait_for(
        &self,
        guard: &mut LockGuard,
        mut predicate: impl FnMut() -> bool,
    ) -> Result<(), ConditionError> {
        while !predicate() {
            self.wait(guard).await?;
        }
        Ok(())
    }

    /// Wakes the first `n` of those who wait, or all if they are fewer. They go on when they have the lock, so the caller
    /// has to release it.
    ///
    /// Fails when the guard does not hold the condition's lock.
    ///
    /// ```
    /// let condition = ferrio::Condition::new();
    /// let other = ferrio::Lock::new().try_acquire().unwrap();
    /// let error = condition.notify(&other, 1).unwrap_err();
    /// assert_eq!(error.to_string(), "cannot notify on un-acquired lock");
    /// ```
    pub fn notify(&self, guard: &LockGuard, n: usize) -> Result<(), CannotNotify> {
        if !self.is_held_by(guard) {
            return Err(CannotNotify);
        }
        self.wake(n);
        Ok(())
    }

    /// Wakes all who wait; otherwise as [`notify`](Self::notify).
    pub fn notify_all(&self, guard: &LockGuard) -> Result<(), CannotNotify> {
        self.notify(guard, usize::MAX)
    }

    fn is_held_by(&self, guard: &LockGuard) -> bool {
        guard.is_held() && guard.lock().is(&self.0.lock)
    }

    fn wake(&self, n: usize) {
        let line = self.0.line.borrow();
        let woken = waiting::mark_next(n, |cursor| line.to_wake(cursor));
        drop(line);
        woken.into_iter().for_each(Waker::wake);
    }

    fn leave(&self, waiter: &Waiting) {
        let me = self.0.line.borrow_mut().waiters.remove(waiter.is_me());
        drop(me);
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Condition [")?;
        lock::describe(f, self.locked(), self.0.line.borrow().waiters.len())
    }
}

/// Waits for a notification of a [`Condition`]; made by [`Condition::wait`].
#[must_use = "nothing waits until it is awaited"]
pub struct ConditionWait<'a> {
    condition: &'a Condition,
    guard: &'a mut LockGuard,
    stage: Stage,
}

/// How far a wait is.
enum Stage {
    New,
    /// It waits for a notification, without the lock.
    Waiting(Waiting),
    /// It waits for the lock, after a notification or because it was cancelled.
    Relocking(LockAcquire, Result<(), Cancelled>),
}

impl Future for ConditionWait<'_> {
    type Output = Result<(), ConditionError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let me = &mut *self;
        if let Stage::New = me.stage {
            if !me.condition.is_held_by(me.guard) {
                return Poll::Ready(Err(ConditionError::NotAcquired));
            }
            let waiter = Waiting::begin(cx)?;
            let line = &me.condition.0.line;
            line.borrow_mut().waiters.push(waiter.clone());
            me.stage = Stage::Waiting(waiter);
            me.guard.suspend();
            return Poll::Pending;
        }
        if let Stage::Waiting(waiter) = &me.stage {
            let outcome = ready!(waiter.poll(cx));
            me.condition.leave(waiter);
            me.stage = Stage::Relocking(me.condition.acquire(), outcome);
        }
        let outcome = ready!(me.relock(cx));
        me.stage = Stage::New;
        if outcome.is_err() {
            // It may have been notified before it was cancelled.
            me.condition.wake(1);
        }
        Poll::Ready(outcome.map_err(ConditionError::from))
    }
}

impl ConditionWait<'_> {
    /// Takes the lock, however often the task is cancelled meanwhile. Returns the outcome of the wait: the last
    /// cancellation, if there was one.
    fn relock(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cancelled>> {
        let Stage::Relocking(acquire, outcome) = &mut self.stage else {
            unreachable!("called at this stage only");
        };
        let guard = loop {
            match ready!(Pin::new(&mut *acquire).poll(cx)) {
                Ok(guard) => break guard,
                Err(cancelled) => {
                    *outcome = Err(cancelled);
                    *acquire = self.condition.acquire();
                }
            }
        };
        // The caller's guard held nothing meanwhile.
        *self.guard = guard;
        Poll::Ready(std::mem::replace(outcome, Ok(())))
    }
}

impl Drop for ConditionWait<'_> {
    fn drop(&mut self) {
        let was_woken = match std::mem::replace(&mut self.stage, Stage::New) {
            Stage::New => false,
            Stage::Waiting(waiter) => {
                self.condition.leave(&waiter);
                waiter.is_woken()
            }
            Stage::Relocking(..) => true,
        };
        if was_woken {
            self.condition.wake(1);
        }
    }
}

impl fmt::Debug for ConditionWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConditionWait")
            .field("condition", &self.condition)
            .finish_non_exhaustive()
    }
}
