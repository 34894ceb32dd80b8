//! The API for Rust programs, as a program sees it.
#![cfg(feature = "runtime")]

mod barriers;
mod cancellation;
mod closing;
mod conditions;
mod event_loop;
mod events;
mod gathering;
mod group_nesting;
mod groups;
mod locals;
mod locks;
mod promises;
mod queue_items;
mod queue_programs;
mod queue_shutdown;
mod queues;
mod semaphores;
mod shielding;
mod tasks;
mod threads;
mod timeouts;
mod waiting;

use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;

/// Polls a future once, as a part of the current task; returns whether it is ready.
async fn is_ready<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| {
        let poll = std::pin::Pin::new(&mut *future).poll(cx);
        std::task::Poll::Ready(poll.is_ready())
    })
    .await
}

/// What happens, in order.
#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    #[allow(clippy::needless_pass_by_value)] // Shorter where it is used.
    fn add(&self, what: impl ToString) {
        self.0.borrow_mut().push(what.to_string());
    }

    #[track_caller]
    fn expect<T: Debug>(&self, expected: &[T])
    where
        String: PartialEq<T>,
    {
        assert_eq!(*self.0.borrow(), *expected);
        self.0.borrow_mut().clear();
    }

    /// A value that says when it is dropped.
    fn witness(&self, name: &'static str) -> Witness {
        Witness(self.clone(), name)
    }
}

/// Long enough that a test which waits for it fails.
const LONG: std::time::Duration = std::time::Duration::from_secs(3600);

/// Lets everything run that is due, and what that makes due.
async fn settle() {
    for _ in 0..10 {
        ferrio::yield_now().await.unwrap();
    }
}

/// Panics where something else is expected.
fn panics<T>(message: &'static str) -> T {
    panic!("{message}")
}

struct Witness(Log, &'static str);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.add(format!("{} dropped", self.1));
    }
}
