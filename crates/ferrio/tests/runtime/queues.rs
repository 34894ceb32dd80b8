//! Queues: order, room, the end of the work, and that nothing is lost.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ferrio::{
    BaseQueue, Fifo, GetError, JoinError, LifoQueue, Order, PriorityQueue, PutError, Queue, Task,
    TryGetError, TryPutError, current_task, run, spawn, yield_now,
};
use proptest::prelude::*;

use crate::{is_ready, settle};

fn drain<T, O: Order<T>>(queue: &BaseQueue<T, O>) -> Vec<T> {
    std::iter::from_fn(|| queue.get_nowait().ok()).collect()
}

#[test]
fn items_leave_in_the_order_of_the_queue() {
    fn through<O: Order<u8>>(queue: &BaseQueue<u8, O>) -> Vec<u8> {
        for item in [1, 3, 2] {
            queue.put_nowait(item).unwrap();
        }
        drain(queue)
    }
    assert_eq!(through(&Queue::default()), [1, 3, 2]);
    assert_eq!(through(&LifoQueue::default()), [2, 3, 1]);
    assert_eq!(through(&PriorityQueue::default()), [1, 2, 3]);
}

#[test]
fn sizes() {
    let queue = Queue::new(2);
    assert_eq!((queue.maxsize(), queue.len()), (2, 0));
    assert!(queue.is_empty() && !queue.is_full());
    assert_eq!(queue.get_nowait(), Err(TryGetError::Empty));
    queue.put_nowait(1).unwrap();
    queue.put_nowait(2).unwrap();
    assert!(queue.is_full() && !queue.is_empty());
    let error = queue.put_nowait(3).unwrap_err();
    assert_eq!(error.to_string(), "the queue is full");
    assert_eq!(error, TryPutError::Full(3));
    assert_eq!(format!("{queue:?}"), "<Queue maxsize=2 _queue[2] tasks=2>");
    let unlimited = Queue::new(0);
    (0..1000).for_each(|item| unlimited.put_nowait(item).unwrap());
    assert!(!unlimited.is_full());
}

#[test]
fn one_who_gets_waits_for_an_item_and_one_who_puts_for_room() {
    run(async {
        let queue = Queue::new(1);
        let getter = spawn(queue.get());
        settle().await;
        assert_eq!(format!("{queue:?}"), "<Queue maxsize=1 _getters[1]>");
        queue.put("a").await.unwrap();
        assert_eq!(getter.await.unwrap().unwrap(), "a");
        queue.put("b").await.unwrap();
        let putters = ["c", "d"].map(|item| spawn(queue.put(item)));
        settle().await;
        assert!(format!("{queue:?}").contains(" _putters[2]"));
        for item in ["b", "c", "d"] {
            assert_eq!(queue.get().await.unwrap(), item);
        }
        for putter in putters {
            putter.await.unwrap().unwrap();
        }
    })
    .unwrap();
}

#[test]
fn what_needs_no_waiting_is_not_cancelled() {
    run(async {
        let queue = Queue::new(1);
        current_task().unwrap().cancel(None);
        queue.put(1).await.unwrap();
        let mut put = queue.put(2);
        let error = (&mut put).await.unwrap_err();
        assert!(matches!(error, PutError::Cancelled(_)));
        assert_eq!(put.into_item(), Some(2));
        current_task().unwrap().cancel(None);
        assert_eq!(queue.get().await.unwrap(), 1);
        queue.join().await.unwrap_err();
        current_task().unwrap().cancel(None);
        queue.get().await.unwrap_err();
        assert_eq!(format!("{queue:?}"), "<Queue maxsize=1 tasks=1>");
    })
    .unwrap();
}

#[test]
fn an_item_for_one_who_is_cancelled_goes_to_another() {
    run(async {
        let queue = Queue::new(0);
        let [one, two, three] = [(); 3].map(|()| spawn(queue.get()));
        settle().await;
        queue.put_nowait(1).unwrap();
        queue.put_nowait(2).unwrap();
        one.cancel(None);
        assert!(one.await.unwrap_err().is_cancelled());
        let mut items = [two.await.unwrap().unwrap(), three.await.unwrap().unwrap()];
        items.sort_unstable();
        assert_eq!(items, [1, 2]);
    })
    .unwrap();
}

#[test]
fn room_for_one_who_is_cancelled_goes_to_another() {
    run(async {
        let queue = Queue::new(1);
        queue.put_nowait("a").unwrap();
        let [lost, next] = ["x", "b"].map(|item| spawn(queue.put(item)));
        settle().await;
        assert_eq!(queue.get_nowait(), Ok("a"));
        lost.cancel(None);
        assert!(lost.await.unwrap_err().is_cancelled());
        next.await.unwrap().unwrap();
        assert_eq!(drain(&queue), ["b"]);
        assert_eq!(format!("{queue:?}"), "<Queue maxsize=1 tasks=2>");
    })
    .unwrap();
}

#[test]
fn dropping_a_future_that_waits_passes_its_wake_up_on() {
    run(async {
        let queue = Queue::new(1);
        let (mut first, mut second) = (queue.get(), queue.get());
        assert!(!is_ready(&mut first).await && !is_ready(&mut second).await);
        queue.put_nowait(1).unwrap();
        drop(first);
        assert_eq!(second.await.unwrap(), 1);
        queue.put_nowait(2).unwrap();
        let (mut first, mut second) = (queue.put(3), queue.put(4));
        assert!(!is_ready(&mut first).await && !is_ready(&mut second).await);
        assert_eq!(queue.get_nowait(), Ok(2));
        assert_eq!(first.into_item(), Some(3));
        second.await.unwrap();
        assert_eq!(drain(&queue), [4]);
        let mut waiting = queue.get();
        assert!(!is_ready(&mut waiting).await);
        drop(waiting);
        assert!(!format!("{queue:?}").contains("getters"));
    })
    .unwrap();
}

#[test]
fn join_waits_for_the_work_and_not_for_what_comes_afterwards() {
    run(async {
        let queue = Queue::new(0);
        queue.join().await.unwrap();
        queue.put_nowait(1).unwrap();
        let joining = spawn(queue.join());
        settle().await;
        assert_eq!(queue.get_nowait(), Ok(1));
        settle().await;
        assert!(!joining.is_done());
        queue.task_done().unwrap();
        queue.put_nowait(2).unwrap();
        joining.await.unwrap().unwrap();
        let late = spawn(queue.join());
        settle().await;
        assert!(!late.is_done());
        queue.task_done().unwrap();
        let error = queue.task_done().unwrap_err();
        assert_eq!(error.to_string(), "task_done() called too many times");
        late.await.unwrap().unwrap();
    })
    .unwrap();
}

/// Runs a check for each of the three queues.
fn each_order(check: impl Fn(&dyn Fn(usize) -> Kind)) {
    check(&|maxsize| Kind::Fifo(Queue::new(maxsize)));
    check(&|maxsize| Kind::Lifo(LifoQueue::new(maxsize)));
    check(&|maxsize| Kind::Priority(PriorityQueue::new(maxsize)));
}

enum Kind {
    Fifo(Queue<&'static str>),
    Lifo(LifoQueue<&'static str>),
    Priority(PriorityQueue<&'static str>),
}

macro_rules! with_queue {
    ($kind:expr, $check:ident) => {
        match $kind {
            Kind::Fifo(queue) => run($check(queue)).unwrap(),
            Kind::Lifo(queue) => run($check(queue)).unwrap(),
            Kind::Priority(queue) => run($check(queue)).unwrap(),
        }
    };
}

async fn expect_shut_down<O: Order<&'static str>>(queue: &BaseQueue<&'static str, O>) {
    assert_eq!(queue.put("data").await, Err(PutError::ShutDown));
    let error = queue.put_nowait("data").unwrap_err();
    assert_eq!(error, TryPutError::ShutDown("data"));
    assert_eq!(error.to_string(), "the queue is shut down");
    assert_eq!(queue.get().await, Err(GetError::ShutDown));
    assert_eq!(queue.get_nowait(), Err(TryGetError::ShutDown));
}

#[test]
fn a_shutdown_wakes_those_who_wait_for_an_item() {
    async fn check<O: Order<&'static str> + 'static>(queue: BaseQueue<&'static str, O>) {
        let getters = [(); 2].map(|()| spawn(queue.get()));
        settle().await;
        queue.shutdown(false);
        queue.join().await.unwrap();
        for getter in getters {
            assert_eq!(getter.await.unwrap(), Err(GetError::ShutDown));
        }
        expect_shut_down(&queue).await;
        assert_eq!(format!("{queue:?}"), "<Queue maxsize=0 shutdown>");
    }
    each_order(|make| with_queue!(make(0), check));
}

#[test]
fn a_shutdown_leaves_the_items_that_are_in() {
    async fn check<O: Order<&'static str> + 'static>(queue: BaseQueue<&'static str, O>) {
        queue.put_nowait("data").unwrap();
        let (joining, putter) = (spawn(queue.join()), spawn(queue.put("more")));
        settle().await;
        queue.shutdown(false);
        assert_eq!(putter.await.unwrap(), Err(PutError::ShutDown));
        assert_eq!(queue.get().await, Ok("data"));
        settle().await;
        assert!(!joining.is_done());
        expect_shut_down(&queue).await;
        queue.task_done().unwrap();
        joining.await.unwrap().unwrap();
        queue.task_done().unwrap_err();
    }
    each_order(|make| with_queue!(make(1), check));
}

#[test]
fn an_immediate_shutdown_drops_the_items_and_counts_them_as_done() {
    async fn check<O: Order<&'static str> + 'static>(queue: BaseQueue<&'static str, O>) {
        for item in ["one", "two", "three"] {
            queue.put_nowait(item).unwrap();
        }
        let joining = spawn(queue.join());
        queue.get().await.unwrap();
        queue.shutdown(true);
        assert!(queue.is_empty());
        settle().await;
        assert!(!joining.is_done());
        expect_shut_down(&queue).await;
        queue.task_done().unwrap();
        queue.task_done().unwrap_err();
        joining.await.unwrap().unwrap();
    }
    each_order(|make| with_queue!(make(0), check));
}

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

/// A step of a random program.
#[derive(Clone, Copy, Debug)]
enum Act {
    Put,
    PutNowait,
    Get,
    GetNowait,
    Cancel(usize),
    Yield,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => Just(Act::Put),
        1 => Just(Act::PutNowait),
        3 => Just(Act::Get),
        1 => Just(Act::GetNowait),
        3 => any::<usize>().prop_map(Act::Cancel),
        2 => Just(Act::Yield),
    ];
    prop::collection::vec(act, 0..80)
}

/// A random program that has put items into a queue and got them out.
#[derive(Default)]
struct Program {
    /// The items that were put in, and those that were taken out, in order.
    put: Rc<RefCell<Vec<usize>>>,
    got: Rc<RefCell<Vec<usize>>>,
    tasks: Vec<Task<Result<(), ferrio::Cancelled>>>,
}

impl Program {
    async fn run(&mut self, queue: &Queue<usize>, acts: &[Act]) {
        for (number, act) in acts.iter().enumerate() {
            let (their, put, got) = (queue.clone(), self.put.clone(), self.got.clone());
            match *act {
                Act::Put => self.tasks.push(spawn(async move {
                    match their.put(number).await {
                        Ok(()) => put.borrow_mut().push(number),
                        Err(PutError::Cancelled(cancelled)) => return Err(cancelled),
                        Err(PutError::ShutDown) => {}
                    }
                    Ok(())
                })),
                Act::Get => self.tasks.push(spawn(async move {
                    match their.get().await {
                        Ok(item) => got.borrow_mut().push(item),
                        Err(GetError::Cancelled(cancelled)) => return Err(cancelled),
                        Err(GetError::ShutDown) => {}
                    }
                    Ok(())
                })),
                Act::PutNowait if queue.put_nowait(number).is_ok() => put.borrow_mut().push(number),
                Act::GetNowait => got.borrow_mut().extend(queue.get_nowait()),
                Act::Cancel(which) if !self.tasks.is_empty() => {
                    self.tasks[which % self.tasks.len()].cancel(None);
                }
                Act::Yield => yield_now().await.unwrap(),
                Act::PutNowait | Act::Cancel(_) => {}
            }
            assert!(queue.maxsize() == 0 || queue.len() <= queue.maxsize());
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_and_order_is_kept(maxsize in 0usize..4, acts in acts()) {
        run(async move {
            let queue: BaseQueue<usize, Fifo> = Queue::new(maxsize);
            let mut program = Program::default();
            program.run(&queue, &acts).await;
            for _ in &acts {
                settle().await; // Each step can be the cause of another one.
            }
            // Nobody waits in vain: there are no getters with items, and no putters with room.
            let state = format!("{queue:?}");
            assert!(queue.is_empty() || !state.contains("getters"), "{state}");
            assert!(queue.is_full() || !state.contains("putters"), "{state}");
            while let Ok(item) = queue.get_nowait() {
                program.got.borrow_mut().push(item);
                settle().await;
            }
            queue.shutdown(false);
            for task in program.tasks {
                let outcome = task.await;
                assert!(matches!(outcome, Ok(_) | Err(JoinError::Cancelled(_))));
            }
            assert_eq!(*program.got.borrow(), *program.put.borrow());
        })
        .unwrap();
    }
}
