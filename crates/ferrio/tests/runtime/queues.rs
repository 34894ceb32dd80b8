//! Queues: order, room, and the end of the work.

use ferrio::{
    BaseQueue, LifoQueue, Order, PriorityQueue, PutError, Queue, TryGetError, TryPutError,
    current_task, run, spawn,
};

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
