//! What the loop's queue holds.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Waker;

use crate::task::Runnable;

use super::callback::Call;

/// A callback that is called any number of times until it is cancelled.
pub(crate) struct Listener {
    cancelled: Cell<bool>,
    callback: Box<dyn Fn()>,
}

impl Listener {
    pub(super) fn new(callback: impl Fn() + 'static) -> Rc<Listener> {
        Rc::new(Listener {
            cancelled: Cell::new(false),
            callback: Box::new(callback),
        })
    }

    fn run(&self) {
        if !self.cancelled.get() {
            (self.callback)();
        }
    }
}

/// Something that the loop runs.
pub(crate) enum Payload {
    /// A step of a task.
    Task(Runnable),
    /// A callback that can be cancelled.
    Call(Rc<Call>),
    /// A callback that cannot.
    Once(Box<dyn FnOnce()>),
    /// One who waits for a time or a descriptor.
    Wake(Waker),
    /// One who watches a descriptor.
    Listener(Rc<Listener>),
}

/// What other threads hand over.
pub(crate) enum Injected {
    /// A task that was woken.
    Task(Runnable),
    /// A callback.
    Once(Box<dyn FnOnce() + Send>),
}

impl From<Injected> for Payload {
    fn from(injected: Injected) -> Payload {
        match injected {
            Injected::Task(runnable) => Payload::Task(runnable),
            Injected::Once(callback) => Payload::Once(callback),
        }
    }
}

impl Payload {
    /// Returns the copy of a reader or writer that is queued when its descriptor is ready.
    pub(crate) fn duplicate(&self) -> Payload {
        match self {
            Payload::Call(call) => Payload::Call(Rc::clone(call)),
            Payload::Wake(waker) => Payload::Wake(waker.clone()),
            Payload::Listener(listener) => Payload::Listener(Rc::clone(listener)),
            Payload::Task(_) | Payload::Once(_) => {
                unreachable!("only what can be copied watches a descriptor")
            }
        }
    }

    /// Has copies that are queued already do nothing, because the original was removed or replaced.
    pub(crate) fn cancel(&self) {
        if let Payload::Listener(listener) = self {
            listener.cancelled.set(true);
        }
    }

    /// Runs it.
    pub(crate) fn run(self) {
        match self {
            Payload::Task(runnable) => {
                runnable.run();
            }
            Payload::Call(call) => call.run(),
            Payload::Once(callback) => callback(),
            Payload::Wake(waker) => waker.wake(),
            Payload::Listener(listener) => listener.run(),
        }
    }
}
