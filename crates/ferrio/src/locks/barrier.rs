//! [`Barrier`]: nobody passes until so many have come.
//!
//! asyncio's barrier has a lock, which its code never holds across an `await` that waits. So it is not needed here, and
//! `reset` and `abort` are plain functions.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use crate::engine::sync::{self, Entry, Phase};
use crate::task::Cancelled;

use super::waiting::{self, Waiting};

/// A barrier: tasks wait at it until so many have come; asyncio's class of this name.
///
/// It can be passed again and again. Clones are the same barrier.
///
/// ```
/// use ferrio::{Barrier, spawn};
///
/// ferrio::run(async {
///     let barrier = Barrier::new(2);
///     let other = spawn(barrier.wait());
///     let mut places = [barrier.wait().await?, other.await??];
///     places.sort();
///     assert_eq!(places, [0, 1]);
///     Ok::<(), Box<dyn std::error::Error>>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Barrier(Rc<RefCell<Inner>>);

struct Inner {
    barrier: sync::Barrier,
    line: sync::Condition<Waiting>,
}

/// The error of a barrier that cannot be passed; asyncio's `BrokenBarrierError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenBarrier {
    /// The barrier was aborted before.
    #[error("Barrier aborted")]
    Aborted,
    /// The barrier was aborted or reset while the task waited at it.
    #[error("Abort or reset of barrier")]
    AbortedOrReset,
}

/// Why a wait at a [`Barrier`] has failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BarrierError {
    /// The barrier cannot be passed.
    #[error(transparent)]
    Broken(#[from] BrokenBarrier),
    /// The task was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Barrier {
    /// Makes a barrier for `parties` tasks.
    ///
    /// # Panics
    ///
    /// If `parties` is 0.
    pub fn new(parties: usize) -> Barrier {
        assert!(parties >= 1, "parties must be >= 1");
        Barrier(Rc::new(RefCell::new(Inner {
            barrier: sync::Barrier::new(parties),
            line: sync::Condition::new(),
        })))
    }

    /// Returns how many tasks the barrier waits for.
    pub fn parties(&self) -> usize {
        self.0.borrow().barrier.parties()
    }

    /// Returns how many tasks wait at the barrier for others to come.
    pub fn n_waiting(&self) -> usize {
        let inner = self.0.borrow();
        match inner.barrier.phase() {
            Phase::Filling => inner.barrier.count(),
            Phase::Draining | Phase::Resetting | Phase::Broken => 0,
        }
    }

    /// Whether the barrier was aborted and not reset since.
    pub fn broken(&self) -> bool {
        self.0.borrow().barrier.phase() == Phase::Broken
    }

    /// Waits until as many tasks have come as the barrier waits for. Returns the task's place: 0 for the first that came.
    ///
    /// While those that have passed are still leaving, newcomers wait for that first. Fails when the barrier is or gets
    /// broken, when it is reset meanwhile, and when the task is cancelled; then its place is free again.
    ///
    /// ```
    /// ferrio::run(async {
    ///     let barrier = ferrio::Barrier::new(1);
    ///     assert_eq!(barrier.wait().await?, 0);
    ///     Ok::<(), ferrio::BarrierError>(())
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(&self) -> BarrierWait {
        BarrierWait {
            barrier: self.clone(),
            place: None,
            waiter: None,
        }
    }

    /// Brings the barrier into its first state. Tasks that wait at it get an error.
    ///
    /// ```
    /// let barrier = ferrio::Barrier::new(2);
    /// barrier.abort();
    /// barrier.reset();
    /// assert!(!barrier.broken());
    /// ```
    pub fn reset(&self) {
        self.0.borrow_mut().barrier.reset();
        self.wake_all();
    }

    /// Breaks the barrier: tasks that wait at it, and those that come, get an error.
    ///
    /// ```
    /// ferrio::run(async {
    ///     let barrier = ferrio::Barrier::new(2);
    ///     barrier.abort();
    ///     let error = barrier.wait().await.unwrap_err();
    ///     assert_eq!(error.to_string(), "Barrier aborted");
    /// })?;
    /// # Ok::<(), ferrio::RunError>(())
    /// ```
    pub fn abort(&self) {
        self.0.borrow_mut().barrier.abort();
        self.wake_all();
    }

    fn wake_all(&self) {
        let inner = self.0.borrow();
        let woken = waiting::mark_next(usize::MAX, |cursor| inner.line.to_wake(cursor));
        drop(inner);
        woken.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.0.borrow().barrier.phase() {
            Phase::Filling => "filling",
            Phase::Draining => "draining",
            Phase::Resetting => "resetting",
            Phase::Broken => return f.write_str("<Barrier [broken]>"),
        };
        let (waiting, parties) = (self.n_waiting(), self.parties());
        write!(f, "<Barrier [{phase}, waiters:{waiting}/{parties}]>")
    }
}

/// Waits at a [`Barrier`]; made by [`Barrier::wait`].
///
/// Dropping it leaves the barrier.
#[must_use = "nothing waits until it is awaited"]
pub struct BarrierWait {
    barrier: Barrier,
    /// The task's place, once it has entered.
    place: Option<usize>,
    waiter: Option<Waiting>,
}

impl BarrierWait {
    fn leave_line(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            let mut inner = self.barrier.0.borrow_mut();
            let me = inner.line.waiters.remove(waiter.is_me());
            drop(inner);
            drop(me);
        }
    }

    /// Leaves the barrier, if the task has entered.
    fn leave(&mut self) {
        self.leave_line();
        let has_entered = self.place.take().is_some();
        if has_entered && self.barrier.0.borrow_mut().barrier.leave() {
            self.barrier.wake_all();
        }
    }

    /// Goes on as far as possible. Returns the task's place if it may pass.
    fn advance(&mut self) -> Poll<Result<usize, BrokenBarrier>> {
        let mut inner = self.barrier.0.borrow_mut();
        if let Some(place) = self.place {
            return match inner.barrier.passed() {
                None => Poll::Pending,
                Some(Ok(())) => Poll::Ready(Ok(place)),
                Some(Err(sync::Broken)) => Poll::Ready(Err(BrokenBarrier::AbortedOrReset)),
            };
        }
        let entry = inner.barrier.enter();
        drop(inner);
        match entry {
            Err(sync::Broken) => Poll::Ready(Err(BrokenBarrier::Aborted)),
            Ok(Entry::Later) => Poll::Pending,
            Ok(Entry::Wait(place)) => {
                self.place = Some(place);
                Poll::Pending
            }
            Ok(Entry::Last(place)) => {
                self.place = Some(place);
                self.barrier.wake_all();
                Poll::Ready(Ok(place))
            }
        }
    }
}

impl Future for BarrierWait {
    type Output = Result<usize, BarrierError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(waiter) = &self.waiter {
            let outcome = ready!(waiter.poll(cx));
            self.leave_line();
            if let Err(cancelled) = outcome {
                self.leave();
                return Poll::Ready(Err(cancelled.into()));
            }
        }
        if let Poll::Ready(outcome) = self.advance() {
            self.leave();
            return Poll::Ready(outcome.map_err(BarrierError::from));
        }
        match Waiting::begin(cx) {
            Ok(waiter) => {
                let mut inner = self.barrier.0.borrow_mut();
                inner.line.waiters.push(waiter.clone());
                drop(inner);
                self.waiter = Some(waiter);
                Poll::Pending
            }
            Err(cancelled) => {
                self.leave();
                Poll::Ready(Err(cancelled.into()))
            }
        }
    }
}

impl Drop for BarrierWait {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for BarrierWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWait")
            .field("barrier", &self.barrier)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
