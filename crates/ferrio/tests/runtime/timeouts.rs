//! Limits of time, as `CPython`'s `test_timeouts` and `test_waitfor` have them.

use std::future::pending;
use std::time::{Duration, Instant};

use ferrio::{
    Cancelled, JoinError, Timeout, TimeoutError, current_task, run, shield, sleep, spawn, timeout,
    timeout_at, wait_for, yield_now,
};

use crate::{LONG, Log, settle};

const SHORT: Duration = Duration::from_millis(5);

#[test]
fn what_is_done_in_time_is_returned_and_nothing_is_cancelled() {
    run(async {
        assert_eq!(timeout(LONG, async { 1 }).await, Ok(1));
        assert_eq!(timeout(LONG, sleep(SHORT)).await, Ok(Ok(())));
        assert_eq!(current_task().unwrap().cancelling(), 0);
    })
    .unwrap();
}

#[test]
fn an_overdue_future_is_cancelled_and_the_count_is_taken_back() {
    let start = Instant::now();
    run(async {
        assert_eq!(timeout(SHORT, sleep(LONG)).await, Err(TimeoutError));
        assert_eq!(current_task().unwrap().cancelling(), 0);
        yield_now().await.unwrap();
    })
    .unwrap();
    assert!(start.elapsed() >= SHORT);
}

#[test]
fn a_time_that_has_passed_cancels_at_the_first_wait() {
    let log = Log::default();
    run(async {
        let late = timeout_at(Instant::now(), async {
            log.add("begun");
            sleep(LONG).await
        });
        assert_eq!(late.await, Err(TimeoutError));
        assert_eq!(timeout(Duration::ZERO, async { 3 }).await, Ok(3));
    })
    .unwrap();
    log.expect(&["begun"]);
}

#[test]
fn clean_up_may_await() {
    let log = Log::default();
    run(async {
        let late = timeout(SHORT, async {
            let error = sleep(LONG).await.unwrap_err();
            sleep(SHORT).await.unwrap();
            log.add("cleaned up");
            Err::<(), _>(error)
        });
        assert_eq!(late.await, Err(TimeoutError));
    })
    .unwrap();
    log.expect(&["cleaned up"]);
}

#[test]
fn an_output_without_the_cancellation_is_returned_though_the_time_is_over() {
    run(async {
        let limit = Timeout::after(SHORT);
        let refused = limit.limit(async {
            sleep(LONG).await.unwrap_err();
            "refused"
        });
        assert_eq!(refused.await, Ok("refused"));
        assert!(limit.expired());
        let failed = timeout(SHORT, async {
            sleep(LONG).await.map_err(|_| "an error of its own")
        });
        assert_eq!(failed.await, Ok(Err("an error of its own")));
        assert_eq!(current_task().unwrap().cancelling(), 0);
        yield_now().await.unwrap();
    })
    .unwrap();
}

#[test]
fn a_cancellation_that_was_caught_before_does_not_make_a_timeout() {
    run(async {
        let task = spawn(async {
            let error = sleep(LONG).await.unwrap_err();
            let refused = timeout(SHORT, async {
                sleep(LONG).await.unwrap_err();
            });
            assert_eq!(refused.await, Ok(()));
            let late = timeout(SHORT, sleep(LONG));
            assert_eq!(late.await, Err(TimeoutError));
            Err::<(), _>(error)
        });
        yield_now().await.unwrap();
        task.cancel("first");
        assert!(matches!(task.await, Err(JoinError::Cancelled(_))));
    })
    .unwrap();
}

#[test]
fn nested_timeouts_the_inner_first() {
    run(async {
        let outer = timeout(LONG, async { timeout(SHORT, sleep(LONG)).await });
        assert_eq!(outer.await, Ok(Err(TimeoutError)));
    })
    .unwrap();
}

#[test]
fn nested_timeouts_the_outer_first() {
    run(async {
        let outer = timeout(SHORT, async { timeout(LONG, sleep(LONG)).await });
        assert_eq!(outer.await, Err(TimeoutError));
        assert_eq!(current_task().unwrap().cancelling(), 0);
    })
    .unwrap();
}

#[test]
fn nested_timeouts_that_end_at_once_expire_as_the_outer() {
    run(async {
        let end = Instant::now() + SHORT;
        let (outer, inner) = (Timeout::new(Some(end)), Timeout::new(Some(end)));
        let both = outer.limit(async { inner.limit(sleep(LONG)).await });
        assert_eq!(both.await, Err(TimeoutError));
        assert!(outer.expired() && inner.expired());
        assert_eq!(current_task().unwrap().cancelling(), 0);
    })
    .unwrap();
}

#[test]
fn a_cancellation_from_outside_stays_one() {
    run(async {
        let task = spawn(async { timeout(LONG, sleep(LONG)).await });
        settle().await;
        task.cancel("outside");
        let error = task.await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: outside");
    })
    .unwrap();
}

#[test]
fn a_cancellation_from_outside_while_it_expires_stays_one() {
    run(async {
        let limit = Timeout::after(SHORT);
        let handle = limit.clone();
        let task = spawn(async move {
            limit
                .limit(async {
                    let error = sleep(LONG).await.unwrap_err();
                    let second = sleep(LONG).await.unwrap_err();
                    assert_eq!(second.message(), Some("outside"));
                    Err::<(), _>(error)
                })
                .await
        });
        while !handle.expired() {
            sleep(Duration::from_millis(1)).await.unwrap();
        }
        task.cancel("outside");
        let observed = task.task_ref();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(observed.cancelling(), 1);
    })
    .unwrap();
}

#[test]
fn a_cancellation_at_the_moment_of_the_timeout_keeps_its_message() {
    run(async {
        let task = spawn(async {
            current_task().unwrap().cancel("outside");
            let outcome = wait_for(sleep(LONG), Duration::ZERO).await;
            outcome.unwrap()
        });
        let error = task.await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: outside");
    })
    .unwrap();
}

#[test]
fn a_foreign_future_that_takes_no_notice_is_dropped() {
    let log = Log::default();
    run(async {
        let witness = log.witness("future");
        let late = timeout(SHORT, async move {
            let _witness = witness;
            pending::<()>().await;
        });
        assert_eq!(late.await, Err(TimeoutError));
        log.expect(&["future dropped"]);
        assert_eq!(current_task().unwrap().cancelling(), 0);
        yield_now().await.unwrap();
    })
    .unwrap();
}

#[test]
fn a_foreign_future_hides_no_cancellation_from_outside() {
    run(async {
        let task = spawn(async {
            current_task().unwrap().cancel("outside");
            assert_eq!(timeout(SHORT, pending::<()>()).await, Err(TimeoutError));
            sleep(LONG).await
        });
        let error = task.await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: outside");
    })
    .unwrap();
}

#[test]
fn dropping_a_timeout_that_expires_takes_the_count_back() {
    run(async {
        let mut late = Box::pin(wait_for(
            async {
                sleep(LONG).await.unwrap_err();
                sleep(LONG).await
            },
            Duration::ZERO,
        ));
        std::future::poll_fn(|cx| {
            assert!(late.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        let me = current_task().unwrap();
        assert_eq!(me.cancelling(), 1);
        drop(late);
        assert_eq!(me.cancelling(), 0);
        yield_now().await.unwrap();
    })
    .unwrap();
}

#[test]
fn rescheduling_moves_the_end_both_ways() {
    run(async {
        let limit = Timeout::new(None);
        assert_eq!(
            limit.reschedule(None).unwrap_err().to_string(),
            "Timeout has not been entered"
        );
        let handle = limit.clone();
        let outcome = limit.limit(async {
            assert_eq!(handle.when(), None);
            handle.reschedule(Some(Instant::now() + SHORT)).unwrap();
            handle.reschedule(Some(Instant::now() + LONG)).unwrap();
            sleep(SHORT * 2).await.unwrap();
            assert!(!handle.expired());
            handle.reschedule(Some(Instant::now())).unwrap();
            sleep(LONG).await
        });
        assert_eq!(outcome.await, Err(TimeoutError));
        assert_eq!(
            limit.reschedule(None).unwrap_err().to_string(),
            "Cannot change state of expired Timeout"
        );
    })
    .unwrap();
}

#[test]
fn another_task_can_reschedule() {
    run(async {
        let limit = Timeout::new(None);
        let handle = limit.clone();
        let task = spawn(async move { limit.limit(sleep(LONG)).await });
        settle().await;
        handle.reschedule(Some(Instant::now() + SHORT)).unwrap();
        assert_eq!(task.await.unwrap(), Err(TimeoutError));
    })
    .unwrap();
}

#[test]
fn a_timeout_that_is_over_in_time_cannot_be_rescheduled() {
    run(async {
        let limit = Timeout::after(LONG);
        limit.limit(async {}).await.unwrap();
        let error = limit.reschedule(None).unwrap_err();
        assert_eq!(error.to_string(), "Cannot change state of finished Timeout");
        assert!(!limit.expired());
    })
    .unwrap();
}

#[test]
fn a_timeout_is_entered_once() {
    let task = run(async {
        let limit = Timeout::after(LONG);
        limit.limit(async {}).await.unwrap();
        spawn(async move { limit.limit(async {}).await }).await
    });
    let error = task.unwrap().unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("Timeout has already been entered")
    );
}

#[test]
fn wait_for_cancels_a_task_and_waits_for_its_end() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let task = spawn(async move {
            let error = sleep(LONG).await.unwrap_err();
            settle().await;
            theirs.add("task is done");
            Err::<(), _>(error)
        });
        let observed = task.task_ref();
        assert!(matches!(wait_for(task, SHORT).await, Err(TimeoutError)));
        log.add("timed out");
        assert!(observed.is_cancelled());
    })
    .unwrap();
    log.expect(&["task is done", "timed out"]);
}

#[test]
fn wait_for_returns_what_a_task_gives_that_refuses() {
    run(async {
        let task = spawn(async {
            sleep(LONG).await.unwrap_err();
            "refused"
        });
        assert_eq!(wait_for(task, SHORT).await.unwrap().unwrap(), "refused");
    })
    .unwrap();
}

#[test]
fn wait_for_no_time_waits_for_nothing() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let task = spawn(async move { theirs.add("begun") });
        assert!(matches!(
            wait_for(task, Duration::ZERO).await,
            Err(TimeoutError)
        ));
        assert_eq!(
            wait_for(sleep(LONG), Duration::ZERO).await,
            Err(TimeoutError)
        );
        assert_eq!(wait_for(async { 5 }, Duration::ZERO).await, Ok(5));
    })
    .unwrap();
    assert!(log.0.borrow().is_empty());
}

#[test]
fn wait_for_a_shield_leaves_the_task_alone() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let task = spawn(async move {
            settle().await;
            theirs.add("whole");
        });
        let observed = task.task_ref();
        let late = wait_for(shield(task), Duration::ZERO).await;
        assert!(matches!(late, Err(TimeoutError)));
        observed.finished().await.unwrap();
        assert!(!observed.is_cancelled());
    })
    .unwrap();
    log.expect(&["whole"]);
}

#[test]
fn the_end_of_a_task_that_was_cancelled_by_others_is_no_timeout() {
    run(async {
        let task = spawn(sleep(LONG));
        let observed = task.task_ref();
        spawn(async move { observed.cancel("by others") });
        let error = timeout(LONG, task).await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: by others");
    })
    .unwrap();
}

#[test]
fn a_panic_goes_through_and_leaves_the_task_uncancelled() {
    run(async {
        let task = spawn(async {
            timeout(SHORT, async {
                sleep(LONG).await.unwrap_err();
                panic!("while it expires");
            })
            .await
        });
        let observed = task.task_ref();
        assert!(
            task.await
                .map(|_: Result<(), _>| ())
                .unwrap_err()
                .is_panic()
        );
        assert_eq!(observed.cancelling(), 0);
    })
    .unwrap();
}

#[test]
fn a_timeout_in_clean_up_after_a_timeout() {
    run(async {
        let outer = timeout(SHORT, async {
            let error = sleep(LONG).await.unwrap_err();
            assert_eq!(timeout(SHORT, sleep(LONG)).await, Err(TimeoutError));
            Err::<(), Cancelled>(error)
        });
        assert_eq!(outer.await, Err(TimeoutError));
    })
    .unwrap();
}
