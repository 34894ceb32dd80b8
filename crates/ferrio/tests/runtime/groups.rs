//! Task groups, as `CPython`'s `test_taskgroups` has them.

use std::convert::Infallible;

use ferrio::{
    Builder, Cancelled, GroupError, TaskError, TaskGroup, current_task, run, sleep, spawn,
    yield_now,
};

use crate::{LONG, Log, panics, settle};

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Own(&'static str),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error(transparent)]
    Joined(#[from] ferrio::JoinError),
}

use Failure::Own;

/// The messages of all errors.
#[track_caller]
pub fn messages<V: std::fmt::Debug>(outcome: Result<V, GroupError<Failure>>) -> Vec<String> {
    let errors = outcome.expect_err("the group has failed");
    assert!(!errors.is_cancelled());
    errors.errors().iter().map(ToString::to_string).collect()
}

pub async fn until_cancelled(log: Log, name: &'static str) -> Result<(), Failure> {
    let error = sleep(LONG).await.unwrap_err();
    log.add(format!("{name} is cancelled"));
    Err(error.into())
}

pub fn fail(error: &'static str) -> std::future::Ready<Result<(), Failure>> {
    std::future::ready(Err(Own(error)))
}

#[test]
fn the_group_waits_for_its_tasks_and_gives_what_the_body_gives() {
    let log = Log::default();
    run(async {
        let outcome = TaskGroup::run(async |group| {
            for number in 0..2 {
                let log = log.clone();
                group.spawn(async move {
                    settle().await;
                    log.add(number);
                    Ok(())
                });
            }
            log.add("body");
            Ok::<_, Infallible>(7)
        });
        assert_eq!(outcome.await.unwrap(), 7);
        log.add("group is done");
    })
    .unwrap();
    log.expect(&["body", "0", "1", "group is done"]);
}

#[test]
fn an_empty_group_needs_no_waiting() {
    run(async {
        current_task().unwrap().cancel(None);
        let outcome = TaskGroup::run(async |_| Ok::<_, Infallible>(1));
        assert_eq!(outcome.await.unwrap(), 1);
        yield_now().await.unwrap_err();
    })
    .unwrap();
}

#[test]
fn the_body_may_borrow_and_use_the_outputs() {
    run(async {
        let mut sum = 0;
        let outcome = TaskGroup::run(async |group| {
            let tasks = [1, 2].map(|number| group.spawn(async move { Ok(number) }));
            for task in tasks {
                sum += task.await?;
            }
            Ok::<(), Failure>(())
        });
        outcome.await.unwrap();
        assert_eq!(sum, 3);
    })
    .unwrap();
}

#[test]
fn a_failure_cancels_the_rest_and_the_body() {
    let log = Log::default();
    run(async {
        let outcome = TaskGroup::run(async |group| {
            group.spawn(until_cancelled(log.clone(), "sibling"));
            group.spawn(fail("bad"));
            until_cancelled(log.clone(), "body").await
        });
        assert_eq!(messages(outcome.await), ["bad"]);
        assert_eq!(current_task().unwrap().cancelling(), 0);
        yield_now().await.unwrap();
    })
    .unwrap();
    let mut seen = log.0.take();
    seen.sort();
    assert_eq!(seen, ["body is cancelled", "sibling is cancelled"]);
}

#[test]
fn tasks_that_fail_in_the_same_iteration_all_do() {
    run(async {
        let outcome = TaskGroup::run(async |group| {
            group.spawn(fail("one"));
            group.spawn(fail("two"));
            Ok::<(), Failure>(())
        });
        let error = outcome.await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "unhandled errors in a TaskGroup (2 sub-exceptions): one; two"
        );
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "one");
        assert_eq!(error.into_errors().len(), 2);
    })
    .unwrap();
}

#[test]
fn an_error_of_the_body_cancels_the_tasks_and_comes_last() {
    let log = Log::default();
    run(async {
        let outcome = TaskGroup::run(async |group| {
            group.spawn(until_cancelled(log.clone(), "task"));
            group.spawn(async {
                let _ = sleep(LONG).await;
                Err::<(), _>(Own("in clean-up"))
            });
            yield_now().await?;
            Err::<(), _>(Own("body"))
        });
        assert_eq!(messages(outcome.await), ["in clean-up", "body"]);
    })
    .unwrap();
    log.expect(&["task is cancelled"]);
}

#[test]
fn a_body_that_fails_when_it_is_cancelled_adds_its_error() {
    run(async {
        let outcome = TaskGroup::run(async |group| {
            group.spawn(fail("task"));
            let _ = sleep(LONG).await;
            Err::<(), _>(Own("body"))
        });
        assert_eq!(messages(outcome.await), ["task", "body"]);
    })
    .unwrap();
}

#[test]
fn a_body_that_refuses_to_be_cancelled_goes_on_to_its_end() {
    let log = Log::default();
    run(async {
        let outcome = TaskGroup::run(async |group| {
            group.spawn(fail("task"));
            let _ = sleep(LONG).await;
            settle().await;
            log.add("whole");
            Ok::<(), Failure>(())
        });
        assert_eq!(messages(outcome.await), ["task"]);
    })
    .unwrap();
    log.expect(&["whole"]);
}

#[test]
fn a_task_that_is_cancelled_has_not_failed() {
    let log = Log::default();
    run(async {
        let outcome = TaskGroup::run(async |group| {
            let task = group.spawn(until_cancelled(log.clone(), "task"));
            yield_now().await?;
            task.cancel("by the body");
            let error = task.await.unwrap_err();
            assert_eq!(error.to_string(), "the task was cancelled: by the body");
            Ok::<(), Failure>(())
        });
        outcome.await.unwrap();
    })
    .unwrap();
    log.expect(&["task is cancelled"]);
}

#[test]
fn the_tasks_are_cancelled_with_the_parent_in_its_body() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let parent = spawn(TaskGroup::run(async move |group| {
            group.spawn(until_cancelled(theirs.clone(), "task"));
            until_cancelled(theirs, "body").await
        }));
        settle().await;
        parent.cancel("parent");
        let error = parent.await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: parent");
    })
    .unwrap();
    log.expect(&["body is cancelled", "task is cancelled"]);
}

#[test]
fn the_tasks_are_cancelled_with_the_parent_that_waits_for_them() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let parent = spawn(TaskGroup::run(async move |group| {
            group.spawn(until_cancelled(theirs, "task"));
            Ok::<(), Failure>(())
        }));
        settle().await;
        parent.cancel("parent");
        let error = parent.await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: parent");
    })
    .unwrap();
    log.expect(&["task is cancelled"]);
}

#[test]
fn a_parent_that_is_cancelled_again_and_again_still_waits_for_its_tasks() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let parent = spawn(TaskGroup::run(async move |group| {
            group.spawn(async move {
                let error = sleep(LONG).await.unwrap_err();
                settle().await;
                theirs.add("task is done");
                Err::<(), Failure>(error.into())
            });
            Ok(())
        }));
        settle().await;
        for _ in 0..3 {
            parent.cancel(None);
            yield_now().await.unwrap();
        }
        assert!(parent.await.unwrap_err().is_cancelled());
        log.add("parent is done");
    })
    .unwrap();
    log.expect(&["task is done", "parent is done"]);
}

#[test]
fn errors_come_before_a_cancellation_which_the_parent_hears_of_afterwards() {
    run(async {
        let parent = spawn(async {
            let outcome = TaskGroup::run(async |group| {
                group.spawn(async {
                    let _ = sleep(LONG).await;
                    Err::<(), _>(Own("in clean-up"))
                });
                Ok::<(), Failure>(())
            });
            assert_eq!(messages(outcome.await), ["in clean-up"]);
            assert_eq!(current_task().unwrap().cancelling(), 1);
            sleep(LONG).await
        });
        settle().await;
        parent.cancel("parent");
        let error = parent.await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: parent");
    })
    .unwrap();
}

#[test]
fn tasks_add_tasks() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let outcome = TaskGroup::run(async move |group| {
            let inside = group.clone();
            group.spawn(async move {
                settle().await;
                inside.spawn(async move {
                    settle().await;
                    theirs.add("grandchild");
                    Ok(())
                });
                Ok(())
            });
            Ok::<(), Failure>(())
        });
        outcome.await.unwrap();
    })
    .unwrap();
    log.expect(&["grandchild"]);
}

#[test]
fn a_group_that_ends_takes_no_tasks() {
    let log = Log::default();
    run(async {
        let mut kept = None;
        let outcome = TaskGroup::run(async |group| {
            kept = Some(group.clone());
            group.spawn(fail("bad"));
            let _ = sleep(LONG).await;
            let theirs = log.clone();
            let refused = group.spawn(async move {
                theirs.add("begun");
                Ok(())
            });
            let error = refused.await.unwrap_err();
            log.add(error);
            Ok::<(), Failure>(())
        });
        assert_eq!(messages(outcome.await), ["bad"]);
        let witness = log.witness("future");
        let late = kept.unwrap().spawn(async move {
            let _witness = witness;
            Ok(())
        });
        log.add(late.await.unwrap_err());
    })
    .unwrap();
    log.expect(&[
        "the task was cancelled: TaskGroup is shutting down",
        "future dropped",
        "the task was cancelled: TaskGroup is finished",
    ]);
}

#[test]
fn a_panic_of_a_task_is_an_error_of_the_group() {
    let log = Log::default();
    run(async {
        let outcome = TaskGroup::run(async |group| {
            group.spawn(until_cancelled(log.clone(), "sibling"));
            let builder = Builder::new().name("unlucky");
            group.spawn_with(builder, async { panics::<Result<(), _>>("thirteen") });
            Ok::<(), Failure>(())
        });
        let errors = outcome.await.unwrap_err().into_errors();
        assert!(matches!(&errors[..], [TaskError::Panicked(_)]));
        assert_eq!(errors[0].to_string(), "unlucky panicked: thirteen");
    })
    .unwrap();
    log.expect(&["sibling is cancelled"]);
}

#[test]
fn a_panic_of_the_body_goes_on_when_the_tasks_are_done() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let parent = spawn(async move {
            TaskGroup::run(async |group| {
                group.spawn(until_cancelled(theirs.clone(), "task"));
                yield_now().await?;
                panics::<Result<(), Failure>>("body")
            })
            .await
        });
        assert!(parent.await.unwrap_err().is_panic());
        log.add("parent is done");
    })
    .unwrap();
    log.expect(&["task is cancelled", "parent is done"]);
}

#[test]
fn ten_thousand_tasks() {
    run(async {
        let mut sum = 0;
        let outcome = TaskGroup::run(async |group| {
            let tasks: Vec<_> = (0..10_000)
                .map(|number| {
                    group.spawn(async move {
                        yield_now().await?;
                        Ok::<_, Failure>(number)
                    })
                })
                .collect();
            for task in tasks {
                sum += task.await?;
            }
            Ok(())
        });
        outcome.await.unwrap();
        assert_eq!(sum, 9_999 * 5_000);
    })
    .unwrap();
}
