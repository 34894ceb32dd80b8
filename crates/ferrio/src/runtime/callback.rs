//! What [`EventLoop::call_soon`](super::EventLoop::call_soon) and its siblings return.

use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

use crate::engine::{Time, TimerKey};

use super::event_loop::Inner;

/// A callback that is called once, or not at all.
pub(crate) struct Call(RefCell<Option<Box<dyn FnOnce()>>>);

impl Call {
    pub(super) fn new(callback: impl FnOnce() + 'static) -> Rc<Call> {
        Rc::new(Call(RefCell::new(Some(Box::new(callback)))))
    }

    pub(super) fn run(&self) {
        let callback = self.0.take();
        if let Some(callback) = callback {
            callback();
        }
    }

    fn cancel(&self) {
        let callback = self.0.take();
        drop(callback);
    }

    fn is_waiting(&self) -> bool {
        self.0.borrow().is_some()
    }
}

/// A callback that the loop is to call soon; asyncio's `Handle`. Dropping it changes nothing.
pub struct Handle(pub(super) Rc<Call>);

impl Handle {
    /// Takes the callback back, if it was not called yet.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether the callback is still to be called.
    pub fn is_waiting(&self) -> bool {
        self.0.is_waiting()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("waiting", &self.is_waiting())
            .finish()
    }
}

/// A callback that the loop is to call at a time; asyncio's `TimerHandle`. Dropping it changes nothing.
pub struct TimerHandle {
    pub(super) call: Rc<Call>,
    pub(super) at: Time,
    pub(super) key: TimerKey,
    pub(super) event_loop: Weak<Inner>,
}

impl TimerHandle {
    /// Takes the callback back, if it was not called yet.
    pub fn cancel(&self) {
        self.call.cancel();
        if let Some(inner) = self.event_loop.upgrade() {
            let payload = inner.core.borrow_mut().cancel(self.key);
            drop(payload);
        }
    }

    /// Whether the callback is still to be called.
    pub fn is_waiting(&self) -> bool {
        self.call.is_waiting()
    }

    /// Returns when it is to be called, in seconds on the loop's clock.
    pub fn when(&self) -> f64 {
        self.at.as_secs_f64()
    }
}

impl fmt::Debug for TimerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerHandle")
            .field("when", &self.when())
            .field("waiting", &self.is_waiting())
            .finish()
    }
}
