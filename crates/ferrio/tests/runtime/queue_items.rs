//! Queues whose items use them.

use std::cell::{Cell, RefCell};

use ferrio::{PriorityQueue, run, spawn};

use crate::settle;

thread_local! {
    /// The queue that the items below use while they are compared and dropped.
    static USED: RefCell<Option<PriorityQueue<Meddler>>> = const { RefCell::new(None) };
    static PANICS: Cell<bool> = const { Cell::new(false) };
}

/// An item that uses its queue wherever it can.
#[derive(PartialEq, Eq)]
struct Meddler(u8);

fn used() -> Option<PriorityQueue<Meddler>> {
    USED.with(|used| used.borrow().clone())
}

impl Ord for Meddler {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        assert!(!PANICS.get(), "compared");
        if let Some(queue) = used() {
            let _ = (queue.len(), queue.is_full(), format!("{queue:?}"));
            if self.0 < 100 && queue.len() < 8 {
                queue.put_nowait(Meddler(100 + self.0)).unwrap();
            }
        }
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Meddler {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        if let Some(queue) = used() {
            assert!(queue.get_nowait().is_err(), "the items are out");
        }
    }
}

#[test]
fn items_may_use_the_queue_while_they_are_compared_and_dropped() {
    let queue = PriorityQueue::new(0);
    USED.set(Some(queue.clone()));
    for number in [3, 1, 2] {
        queue.put_nowait(Meddler(number)).unwrap();
    }
    assert_eq!(queue.len(), 8);
    queue.shutdown(true);
    assert_eq!(queue.len(), 0);
    USED.set(None);
}

#[test]
fn an_item_whose_comparison_panics_is_in_the_queue_and_wakes_a_getter() {
    run(async {
        let queue = PriorityQueue::new(0);
        let getters = [(); 2].map(|()| spawn(queue.get()));
        settle().await;
        queue.put_nowait(Meddler(1)).unwrap();
        PANICS.set(true);
        let put = std::panic::AssertUnwindSafe(|| queue.put_nowait(Meddler(2)).unwrap());
        assert!(std::panic::catch_unwind(put).is_err());
        PANICS.set(false);
        for getter in getters {
            getter.await.unwrap().unwrap();
        }
    })
    .unwrap();
}
