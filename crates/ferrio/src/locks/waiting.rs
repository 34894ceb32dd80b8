//! One who waits in a line: a status and a waker.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::engine::sync::{Cursor, Status, Waiter};
use crate::task::{Cancelled, take_cancellation};

/// One who waits. Clones are the same: one is in the line, the other in the future that waits.
#[derive(Clone)]
pub(crate) struct Waiting(Rc<Node>);

struct Node {
    status: Cell<Status>,
    waker: Cell<Option<Waker>>,
}

impl Waiter for Waiting {
    fn status(&self) -> Status {
        self.0.status.get()
    }
}

impl Waiting {
    /// Begins to wait, unless the current task is cancelled. The caller adds the result to a line.
    pub(crate) fn begin(cx: &Context<'_>) -> Result<Waiting, Cancelled> {
        match take_cancellation() {
            Some(cancelled) => Err(cancelled),
            None => Ok(Waiting(Rc::new(Node {
                status: Cell::new(Status::Waiting),
                waker: Cell::new(Some(cx.waker().clone())),
            }))),
        }
    }

    /// Returns whether it was woken, or else has the waker of this poll called when it is. An error means that the current
    /// task was cancelled; a wake-up that it had may be for another.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Result<(), Cancelled>> {
        if let Some(cancelled) = take_cancellation() {
            return Poll::Ready(Err(cancelled));
        }
        if self.is_woken() {
            return Poll::Ready(Ok(()));
        }
        let waker = self.0.waker.take();
        let waker = waker.filter(|waker| waker.will_wake(cx.waker()));
        self.0
            .waker
            .set(Some(waker.unwrap_or_else(|| cx.waker().clone())));
        Poll::Pending
    }

    /// Whether it was woken.
    pub(crate) fn is_woken(&self) -> bool {
        self.0.status.get() == Status::Woken
    }

    /// Makes it one that was woken, and returns its waker for the caller to wake with nothing borrowed.
    #[must_use = "the waker has to be called"]
    pub(crate) fn mark(&self) -> Option<Waker> {
        self.0.status.set(Status::Woken);
        self.0.waker.take()
    }

    /// Returns a function that finds it in a line.
    pub(crate) fn is_me(&self) -> impl Fn(&Waiting) -> bool + '_ {
        |other| Rc::ptr_eq(&self.0, &other.0)
    }
}

/// Calls a waker that [`Waiting::mark`] has returned.
#[inline]
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Marks at most `limit` of those whom `next` returns, and returns their wakers, for the caller to wake with nothing
/// borrowed.
pub(super) fn mark_next<'a>(
    limit: usize,
    mut next: impl FnMut(&mut Cursor) -> Option<&'a Waiting>,
) -> Vec<Waker> {
    let mut cursor = Cursor::default();
    let waiting = std::iter::from_fn(|| next(&mut cursor));
    waiting.take(limit).filter_map(Waiting::mark).collect()
}

/// Writes the end of what describes a lock or the like, as asyncio's `repr` has it.
pub(super) fn describe(f: &mut fmt::Formatter<'_>, waiters: usize) -> fmt::Result {
    if waiters > 0 {
        write!(f, ", waiters:{waiters}")?;
    }
    f.write_str("]>")
}
