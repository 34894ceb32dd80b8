//! Promises and their futures, as `CPython`'s `test_futures` has them.

use ferrio::future::InvalidStateError;
use ferrio::{PromiseError, promise, run, sleep, spawn};

use crate::{LONG, Log, settle};

#[test]
fn many_await_one_value_and_are_woken_in_order() {
    let log = Log::default();
    run(async {
        let (promise, future) = promise();
        for number in 0..3 {
            let (log, future) = (log.clone(), future.clone());
            spawn(async move { log.add(format!("{number}: {}", future.await.unwrap())) });
        }
        settle().await;
        assert!(!future.is_done());
        promise.set("x").unwrap();
        assert!(promise.is_done() && future.is_done() && !future.is_cancelled());
        settle().await;
        assert_eq!(future.try_get(), Some(Ok("x")));
    })
    .unwrap();
    log.expect(&["0: x", "1: x", "2: x"]);
}

#[test]
fn what_is_set_needs_no_waiting() {
    run(async {
        let (promise, future) = promise();
        assert_eq!(future.try_get(), None);
        promise.set(1).unwrap();
        ferrio::current_task().unwrap().cancel(None);
        assert_eq!(future.await, Ok(1));
        sleep(LONG).await.unwrap_err();
    })
    .unwrap();
}

#[test]
fn it_is_set_once() {
    let (one, future) = promise();
    one.set(1).unwrap();
    assert_eq!(one.set(2), Err(InvalidStateError));
    assert!(!one.cancel(None) && !future.cancel(None));
    let (two, future) = promise();
    assert!(future.cancel("no"));
    assert_eq!(two.set(1), Err(InvalidStateError));
    assert!(two.is_cancelled());
    assert_eq!(InvalidStateError.to_string(), "invalid state");
}

#[test]
fn a_dropped_promise_is_an_error() {
    run(async {
        let (promise, future) = promise::<u8>();
        let task = spawn(future);
        settle().await;
        drop(promise);
        assert_eq!(task.await.unwrap(), Err(PromiseError::Dropped));
    })
    .unwrap();
}

#[test]
fn cancelling_it_cancels_all_who_wait() {
    run(async {
        let (promise, future) = promise::<u8>();
        let tasks = [spawn(future.clone()), spawn(future)];
        settle().await;
        promise.cancel("no");
        for task in tasks {
            let observed = task.task_ref();
            assert!(task.await.unwrap_err().is_cancelled());
            assert!(observed.is_cancelled());
        }
    })
    .unwrap();
}

#[test]
fn one_who_is_cancelled_while_he_waits_cancels_it_for_all() {
    run(async {
        let (promise, future) = promise::<u8>();
        let tasks = [spawn(future.clone()), spawn(future.clone())];
        settle().await;
        tasks[0].cancel("mine");
        for task in tasks {
            assert!(task.await.unwrap_err().is_cancelled());
        }
        assert!(promise.is_cancelled());
        let error = future.try_get().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the future was cancelled: mine");
    })
    .unwrap();
}

#[test]
fn a_future_that_is_dropped_while_it_waits_leaves_no_waker() {
    run(async {
        let (promise, future) = promise::<u8>();
        let task = spawn(future.clone());
        settle().await;
        task.abort();
        let _ = task.await;
        promise.set(1).unwrap();
        assert_eq!(future.await, Ok(1));
    })
    .unwrap();
}

#[test]
fn a_clone_of_the_value_may_use_the_promise() {
    struct Nosy(ferrio::future::Future<Nosy>);
    impl Clone for Nosy {
        fn clone(&self) -> Nosy {
            assert!(self.0.is_done() && !self.0.cancel(None));
            Nosy(self.0.clone())
        }
    }
    let (promise, future) = promise();
    promise.set(Nosy(future.clone())).unwrap();
    assert!(run(future).unwrap().is_ok());
}
