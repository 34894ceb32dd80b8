//! Cancellation is asyncio's: an error of the innermost awaitable, which may be caught.

use std::time::Duration;

use ferrio::{Cancelled, JoinError, current_task, run, sleep, spawn, yield_now};

use crate::Log;

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_sleeping_task_is_cancelled() {
    run(async {
        let task = spawn(sleep(LONG));
        yield_now().await.unwrap();
        assert!(task.cancel("why"));
        assert!(!task.is_cancelled());
        let Err(JoinError::Cancelled(error)) = task.await else {
            panic!("not cancelled");
        };
        assert_eq!(error.message(), Some("why"));
        assert_eq!(error.to_string(), "cancelled: why");
    })
    .unwrap();
}

#[test]
fn a_task_that_has_not_begun_never_begins() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let witness = log.witness("future");
        let task = spawn(async move {
            let _witness = witness;
            theirs.add("begun");
        });
        task.cancel(None);
        assert!(task.await.unwrap_err().is_cancelled());
    })
    .unwrap();
    log.expect(&["future dropped"]);
}

#[test]
fn a_task_may_clean_up_with_awaits_and_pass_the_error_on_in_one_of_its_own() {
    #[derive(Debug)]
    struct Own(#[allow(dead_code)] Cancelled);
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let task = spawn(async move {
            let error = sleep(LONG).await.unwrap_err();
            sleep(Duration::from_millis(1)).await.unwrap();
            theirs.add("cleaned up");
            Err::<(), _>(Own(error))
        });
        yield_now().await.unwrap();
        task.cancel(None);
        let observed = task.task_ref();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(observed.is_cancelled());
    })
    .unwrap();
    log.expect(&["cleaned up"]);
}

#[test]
fn a_task_may_refuse() {
    run(async {
        let task = spawn(async {
            let copy = sleep(LONG).await.unwrap_err().clone();
            (7, copy)
        });
        yield_now().await.unwrap();
        task.cancel(None);
        let observed = task.task_ref();
        let (seven, copy) = task.await.unwrap();
        assert_eq!((seven, copy.message()), (7, None));
        assert!(!observed.is_cancelled());
        assert_eq!(observed.cancelling(), 1);
        assert!(!observed.cancel(None), "it is done");
    })
    .unwrap();
}

#[test]
fn what_needs_no_waiting_is_not_cancelled() {
    run(async {
        let task = spawn(async {
            current_task().unwrap().cancel(None);
            let done = spawn(async { 1 });
            while !done.is_done() {
                // The first of these waits, and is cancelled.
                if yield_now().await.is_err() {
                    break;
                }
            }
            assert!(!done.is_done());
            yield_now().await.unwrap();
            done.await.unwrap()
        });
        assert_eq!(task.await.unwrap(), 1);
    })
    .unwrap();
}

#[test]
fn one_who_awaits_a_task_cancels_it_and_waits_for_its_end() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let inner = spawn(async move {
            let error = sleep(LONG).await.unwrap_err();
            theirs.add(&error);
            yield_now().await.unwrap();
            theirs.add("inner is done");
            Err::<(), _>(error)
        });
        let outer = spawn(inner);
        yield_now().await.unwrap();
        yield_now().await.unwrap();
        outer.cancel("both");
        let error = outer.await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: both");
    })
    .unwrap();
    log.expect(&["cancelled: both", "inner is done"]);
}

#[test]
fn one_who_waits_for_the_end_of_a_task_leaves_it_alone() {
    run(async {
        let inner = spawn(async {
            for _ in 0..5 {
                yield_now().await.unwrap();
            }
            "whole"
        });
        let outer = spawn(inner.task_ref().finished());
        yield_now().await.unwrap();
        outer.cancel(None);
        assert!(outer.await.unwrap_err().is_cancelled());
        assert_eq!(inner.await.unwrap(), "whole");
    })
    .unwrap();
}

#[test]
fn uncancel_takes_the_mark_back() {
    run(async {
        let task = spawn(async {
            let me = current_task().unwrap();
            me.cancel(None);
            me.cancel(None);
            assert_eq!((me.cancelling(), me.uncancel(), me.uncancel()), (2, 1, 0));
            assert_eq!(me.uncancel(), 0);
            yield_now().await.unwrap();
        });
        task.await.unwrap();
    })
    .unwrap();
}

#[test]
fn the_main_task_can_cancel_itself_and_its_error_is_the_programs() {
    let output = run(async {
        current_task().unwrap().cancel("main");
        sleep(LONG).await
    });
    assert_eq!(output.unwrap().unwrap_err().message(), Some("main"));
}

#[test]
fn dropping_a_sleep_takes_its_timer_back() {
    run(async {
        for _ in 0..1000 {
            let mut sleep = Box::pin(sleep(LONG));
            std::future::poll_fn(|cx| {
                assert!(sleep.as_mut().poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
        }
    })
    .unwrap();
}

#[test]
fn a_cancelled_of_ones_own_making_ends_the_task_as_cancelled() {
    run(async {
        let task = spawn(async { Err::<(), _>(Cancelled::with_message("mine")) });
        let error = task.await.unwrap_err();
        assert!(error.is_cancelled());
    })
    .unwrap();
}

#[test]
fn a_task_that_awaits_what_is_not_ferrios_is_dropped_where_it_stands() {
    let log = Log::default();
    run(async {
        let witness = log.witness("future");
        let task = spawn(async move {
            let _witness = witness;
            std::future::pending::<()>().await;
        });
        yield_now().await.unwrap();
        task.cancel("foreign");
        let error = task.await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: foreign");
    })
    .unwrap();
    log.expect(&["future dropped"]);
}

#[test]
fn a_task_that_cancels_itself_while_it_cleans_up_hears_that_too() {
    run(async {
        let task = spawn(async {
            let first = sleep(LONG).await.unwrap_err().clone();
            current_task().unwrap().cancel("again");
            let second = yield_now().await.unwrap_err().clone();
            (first, second)
        });
        yield_now().await.unwrap();
        task.cancel("first");
        let (first, second) = task.await.unwrap();
        assert_eq!(
            (first.message(), second.message()),
            (Some("first"), Some("again"))
        );
    })
    .unwrap();
}

#[test]
fn an_aborted_task_cannot_refuse() {
    run(async {
        let task = spawn(async { while sleep(LONG).await.is_err() {} });
        yield_now().await.unwrap();
        task.cancel(None);
        yield_now().await.unwrap();
        assert!(!task.is_done());
        assert!(task.abort());
        assert!(task.await.unwrap_err().is_cancelled());
    })
    .unwrap();
}
