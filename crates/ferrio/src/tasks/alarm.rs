//! A timer that wakes one who waits.

use std::rc::{Rc, Weak};
use std::task::Waker;
use std::time::Instant;

use crate::engine::{Time, TimerKey};
use crate::runtime::{Inner, Payload, running, time_of};

/// A timer of the running loop. Dropping it takes it back.
#[derive(Debug)]
pub(super) struct Alarm {
    /// Dangling once the timer has gone off.
    event_loop: Weak<Inner>,
    at: Time,
    key: TimerKey,
}

impl Alarm {
    /// Has `waker` woken at `at`.
    ///
    /// # Panics
    ///
    /// If no loop runs on this thread.
    pub(super) fn set(at: Time, waker: &Waker) -> Alarm {
        running(|inner| {
            let payload = Payload::Wake(waker.clone());
            let key = inner.core.borrow_mut().schedule(at, payload);
            let event_loop = Rc::downgrade(inner);
            Alarm {
                event_loop,
                at,
                key,
            }
        })
        .expect("no running event loop")
    }

    pub(super) fn set_at(when: Instant, waker: &Waker) -> Alarm {
        Alarm::set(time_of(when), waker)
    }

    /// Whether the timer has gone off. If not, it will wake `waker` instead of the one before.
    pub(super) fn has_rung(&mut self, waker: &Waker) -> bool {
        let Some(inner) = self.event_loop.upgrade() else {
            return true;
        };
        let mut core = inner.core.borrow_mut();
        match core.timer(self.key) {
            None => {
                self.event_loop = Weak::new();
                true
            }
            Some(Payload::Wake(old)) if old.will_wake(waker) => false,
            Some(_) => {
                let old = core.cancel(self.key);
                self.key = core.schedule(self.at, Payload::Wake(waker.clone()));
                // A waker's destructor may be anybody's code.
                drop(core);
                drop(old);
                false
            }
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(inner) = self.event_loop.upgrade() {
            let payload = inner.core.borrow_mut().cancel(self.key);
            drop(payload);
        }
    }
}
