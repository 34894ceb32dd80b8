//! Queues that are shut down.

use ferrio::{
    BaseQueue, GetError, LifoQueue, Order, PriorityQueue, PutError, Queue, TryGetError,
    TryPutError, run, spawn,
};

use crate::settle;

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
