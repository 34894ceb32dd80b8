//! Synchronization: each algorithm alone, and random programs against what must always hold.

mod barrier;
mod event;
mod lock;
mod queue;
mod semaphore;
mod waiters;

use std::cell::Cell;
use std::rc::Rc;

use ferrio::engine::sync::{Status, Waiter};

/// A waiter that a test wakes and cancels.
#[derive(Debug, Clone)]
struct Ticket {
    number: usize,
    status: Rc<Cell<Status>>,
}

impl Ticket {
    fn new(number: usize) -> Self {
        Self {
            number,
            status: Rc::new(Cell::new(Status::Waiting)),
        }
    }

    fn wake(&self) {
        assert_eq!(self.status(), Status::Waiting, "only who waits is woken");
        self.status.set(Status::Woken);
    }

    /// Cancels it unless it has been woken.
    fn cancel(&self) {
        if self.status() == Status::Waiting {
            self.status.set(Status::Cancelled);
        }
    }

    fn is(&self) -> impl Fn(&Self) -> bool {
        let number = self.number;
        move |other| other.number == number
    }
}

impl Waiter for Ticket {
    fn status(&self) -> Status {
        self.status.get()
    }
}
