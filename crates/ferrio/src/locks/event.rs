//! [`Event`]: a flag that can be waited for.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use crate::engine::sync;
use crate::task::Cancelled;

use super::waiting::{self, Waiting};

/// A flag that tasks can wait for; asyncio's class of this name.
///
/// Clones are the same event.
///
/// ```
/// use ferrio::{Event, spawn};
///
/// ferrio::run(async {
///     let ready = Event::new();
///     let waiting = spawn(ready.wait());
///     ready.set();
///     waiting.await??;
///     assert!(ready.is_set());
///     Ok::<(), ferrio::JoinError>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Event(Rc<RefCell<sync::Event<Waiting>>>);

impl Event {
    /// Makes an event that is not set.
    pub fn new() -> Event {
        Event::default()
    }

    /// Whether the event is set.
    pub fn is_set(&self) -> bool {
        self.0.borrow().is_set()
    }

    /// Sets the event: all who wait go on, and nobody waits any more until it is cleared.
    ///
    /// ```
    /// let event = ferrio::Event::new();
    /// event.set();
    /// assert!(event.is_set());
    /// ```
    pub fn set(&self) {
        let mut event = self.0.borrow_mut();
        if !event.set() {
            return;
        }
        let woken = waiting::mark_next(usize::MAX, |cursor| event.to_wake(cursor));
        drop(event);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Clears the event. One who was woken goes on all the same.
    ///
    /// ```
    /// let event = ferrio::Event::new();
    /// event.set();
    /// event.clear();
    /// assert!(!event.is_set());
    /// ```
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Waits until the event is set. Does not wait if it is.
    ///
    /// Fails when the task is cancelled while it waits.
    ///
    /// ```
    /// ferrio::run(async {
    ///     let event = ferrio::Event::new();
    ///     let setter = event.clone();
    ///     ferrio::EventLoop::running().unwrap().call_soon(move || setter.set());
    ///     event.wait().await
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(&self) -> EventWait {
        EventWait {
            event: self.clone(),
            waiter: None,
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.0.borrow();
        let state = if event.is_set() { "set" } else { "unset" };
        write!(f, "<Event [{state}")?;
        waiting::describe(f, event.waiters.len())
    }
}

/// Waits for an [`Event`]; made by [`Event::wait`].
///
/// Dropping it gives up the place in line.
#[must_use = "nothing waits until it is awaited"]
pub struct EventWait {
    event: Event,
    waiter: Option<Waiting>,
}

impl EventWait {
    fn leave(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            let me = self.event.0.borrow_mut().waiters.remove(waiter.is_me());
            drop(me);
        }
    }
}

impl Future for EventWait {
    type Output = Result<(), Cancelled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(waiter) = &self.waiter else {
            if self.event.is_set() {
                return Poll::Ready(Ok(()));
            }
            let waiter = Waiting::begin(cx)?;
            self.event.0.borrow_mut().waiters.push(waiter.clone());
            self.waiter = Some(waiter);
            return Poll::Pending;
        };
        let outcome = ready!(waiter.poll(cx));
        self.leave();
        Poll::Ready(outcome)
    }
}

impl Drop for EventWait {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for EventWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWait")
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}
