//! Task groups in each other, in timeouts, and with futures that are not ferrio's.

use std::future::pending;
use std::time::Duration;

use ferrio::{
    GroupError, TaskGroup, TimeoutError, current_task, run, sleep, spawn, timeout, yield_now,
};

use crate::groups::{Failure, Failure::Own, fail, messages, until_cancelled};
use crate::{LONG, Log, settle};

#[test]
fn a_group_in_the_body_of_a_group_ends_with_it() {
    let log = Log::default();
    run(async {
        let outcome = TaskGroup::run(async |outer| {
            outer.spawn(fail("outer"));
            let inner = TaskGroup::run(async |inner| {
                inner.spawn(until_cancelled(log.clone(), "inner task"));
                until_cancelled(log.clone(), "inner body").await
            });
            let Err(GroupError::Cancelled(cancelled)) = inner.await else {
                panic!("it was not cancelled");
            };
            Err::<(), Failure>(cancelled.into())
        });
        assert_eq!(messages(outcome.await), ["outer"]);
        assert_eq!(current_task().unwrap().cancelling(), 0);
    })
    .unwrap();
    log.expect(&["inner body is cancelled", "inner task is cancelled"]);
}

#[test]
fn a_failure_of_an_inner_group_is_an_error_of_the_outer() {
    let log = Log::default();
    run(async {
        let outcome = TaskGroup::run(async |outer| {
            outer.spawn(until_cancelled(log.clone(), "outer task"));
            let inner = TaskGroup::run(async |inner| {
                inner.spawn(fail("inner"));
                sleep(LONG).await?;
                Ok::<(), Failure>(())
            });
            assert_eq!(messages(inner.await), ["inner"]);
            yield_now().await?;
            Err::<(), _>(Own("outer"))
        });
        assert_eq!(messages(outcome.await), ["outer"]);
    })
    .unwrap();
    log.expect(&["outer task is cancelled"]);
}

#[test]
fn a_group_in_a_task_of_a_group() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let outcome = TaskGroup::run(async move |outer| {
            let inner = TaskGroup::run(async move |inner| {
                inner.spawn(until_cancelled(theirs, "innermost"));
                Ok::<(), Failure>(())
            });
            outer.spawn(async move {
                match inner.await {
                    Err(GroupError::Cancelled(cancelled)) => Err::<(), Failure>(cancelled.into()),
                    _ => panic!("it was not cancelled"),
                }
            });
            settle().await;
            Err::<(), _>(Own("outer"))
        });
        assert_eq!(messages(outcome.await), ["outer"]);
    })
    .unwrap();
    log.expect(&["innermost is cancelled"]);
}

#[test]
fn foreign_futures_that_take_no_notice_are_dropped() {
    let log = Log::default();
    run(async {
        let (one, two) = (log.witness("task"), log.witness("body"));
        let outcome = TaskGroup::run(async move |group| {
            group.spawn(async move {
                let _witness = one;
                pending::<()>().await;
                Ok(())
            });
            group.spawn(fail("bad"));
            let _witness = two;
            pending::<Result<(), Failure>>().await
        });
        assert_eq!(messages(outcome.await), ["bad"]);
        yield_now().await.unwrap();
    })
    .unwrap();
    let mut seen = log.0.take();
    seen.sort();
    assert_eq!(seen, ["body dropped", "task dropped"]);
}

#[test]
fn dropping_the_group_aborts_its_tasks() {
    let log = Log::default();
    run(async {
        let witness = log.witness("task");
        let mut outcome = Box::pin(TaskGroup::run(async move |group| {
            group.spawn(async move {
                let _witness = witness;
                sleep(LONG).await?;
                Ok(())
            });
            Ok::<(), Failure>(())
        }));
        std::future::poll_fn(|cx| {
            assert!(outcome.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        yield_now().await.unwrap();
        drop(outcome);
        settle().await;
        log.expect(&["task dropped"]);
        assert_eq!(ferrio::all_tasks().len(), 1);
    })
    .unwrap();
}

#[test]
fn a_timeout_around_a_group() {
    let log = Log::default();
    run(async {
        let late = timeout(
            Duration::from_millis(5),
            TaskGroup::run(async |group| {
                group.spawn(until_cancelled(log.clone(), "task"));
                Ok::<(), Failure>(())
            }),
        );
        assert!(matches!(late.await, Err(TimeoutError)));
        assert_eq!(current_task().unwrap().cancelling(), 0);
        yield_now().await.unwrap();
    })
    .unwrap();
    log.expect(&["task is cancelled"]);
}

#[test]
fn a_timeout_around_a_group_that_fails_then_is_no_timeout() {
    run(async {
        let late = timeout(
            Duration::from_millis(5),
            TaskGroup::run(async |group| {
                group.spawn(async {
                    let _ = sleep(LONG).await;
                    Err::<(), _>(Own("in clean-up"))
                });
                Ok::<(), Failure>(())
            }),
        );
        assert_eq!(messages(late.await.unwrap()), ["in clean-up"]);
        assert_eq!(current_task().unwrap().cancelling(), 0);
        yield_now().await.unwrap();
    })
    .unwrap();
}

#[test]
fn a_timeout_in_the_body_of_a_group() {
    run(async {
        let outcome = TaskGroup::run(async |group| {
            let slow = group.spawn(async {
                sleep(LONG).await?;
                Ok(())
            });
            let late = timeout(Duration::from_millis(5), slow).await;
            assert!(matches!(late, Err(TimeoutError)));
            Ok::<(), Failure>(())
        });
        outcome.await.unwrap();
    })
    .unwrap();
}

#[test]
fn a_group_in_clean_up_after_a_cancellation_works() {
    run(async {
        let task = spawn(async {
            let error = sleep(LONG).await.unwrap_err();
            let failed = TaskGroup::run(async |group| {
                group.spawn(fail("bad"));
                sleep(LONG).await?;
                Ok::<(), Failure>(())
            });
            assert_eq!(messages(failed.await), ["bad"]);
            yield_now().await.unwrap();
            Err::<(), _>(error)
        });
        settle().await;
        task.cancel("first");
        assert!(task.await.unwrap_err().is_cancelled());
    })
    .unwrap();
}
