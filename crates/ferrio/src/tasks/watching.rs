//! Waiting for many tasks, at a cost that does not grow with their number whenever one of them is done.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use crate::task::{TaskRef, Watch};

/// The numbers of the tasks that are done, in the order in which they ended.
#[derive(Default)]
struct Arrivals {
    numbers: RefCell<VecDeque<usize>>,
    waker: Cell<Option<Waker>>,
}

impl Watch for Arrivals {
    fn task_done(&self, number: usize) {
        self.numbers.borrow_mut().push_back(number);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Tasks that are waited for. Dropping it leaves them alone.
pub(super) struct Watching {
    arrivals: Rc<Arrivals>,
    /// The tasks that were not done at first, each with the key of its observer.
    registered: Vec<(TaskRef, u64)>,
}

impl Watching {
    /// Numbers the tasks in their order. Those that are done have arrived in that order.
    pub(super) fn new(tasks: impl Iterator<Item = TaskRef>) -> Watching {
        let arrivals = Rc::new(Arrivals::default());
        let mut registered = Vec::new();
        for (number, task) in tasks.enumerate() {
            if task.is_done() {
                arrivals.task_done(number);
            } else {
                let key = task.watch(Rc::clone(&arrivals) as Rc<dyn Watch>, number);
                registered.push((task, key));
            }
        }
        Watching {
            arrivals,
            registered,
        }
    }

    /// Returns the number of the next task that is done, or has `waker` woken when there is one.
    pub(super) fn next(&self, waker: &Waker) -> Option<usize> {
        let number = self.arrivals.numbers.borrow_mut().pop_front();
        if number.is_none() {
            let replaced = self.arrivals.waker.replace(Some(waker.clone()));
            drop(replaced);
        }
        number
    }

    /// Cancels all that are not done; returns whether there was one.
    pub(super) fn cancel(&self, message: Option<&std::sync::Arc<str>>) -> bool {
        let mut any = false;
        for (task, _) in &self.registered {
            any |= task.cancel_with(message.cloned());
        }
        any
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        for (task, key) in &self.registered {
            if !task.is_done() {
                task.unwatch(*key);
            }
        }
    }
}
