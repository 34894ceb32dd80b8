//! Shielding, as `CPython`'s `test_tasks` has it.

use ferrio::{Cancelled, current_task, run, shield, sleep, spawn};

use crate::{LONG, Log, panics, settle};

#[test]
fn the_output_and_the_error_are_the_futures() {
    run(async {
        assert_eq!(shield(async { Ok::<_, Cancelled>(1) }).await, Ok(1));
        let failed = shield(async { Err::<(), _>(Box::<dyn std::error::Error>::from("bad")) });
        assert_eq!(failed.await.unwrap_err().to_string(), "bad");
    })
    .unwrap();
}

#[test]
fn the_task_goes_on_when_the_one_who_waits_is_cancelled() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let outer = spawn(shield(async move {
            settle().await;
            settle().await;
            theirs.add("whole");
            Ok::<(), Cancelled>(())
        }));
        settle().await;
        outer.cancel("outer");
        let error = outer.await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: outer");
        log.expect::<String>(&[]);
        settle().await;
        settle().await;
    })
    .unwrap();
    log.expect(&["whole"]);
}

#[test]
fn a_task_that_is_cancelled_itself_is_the_error() {
    run(async {
        let task = spawn(sleep(LONG));
        let inner = task.task_ref();
        let outer = spawn(shield(task));
        settle().await;
        inner.cancel("inner");
        let error = outer.await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: inner");
    })
    .unwrap();
}

#[test]
fn a_task_that_is_done_needs_no_waiting() {
    run(async {
        let task = spawn(async { 7 });
        settle().await;
        current_task().unwrap().cancel(None);
        assert_eq!(shield(task).await.unwrap(), 7);
        sleep(LONG).await.unwrap_err();
    })
    .unwrap();
}

#[test]
fn a_promise_is_shielded_from_one_of_those_who_wait() {
    run(async {
        let (promise, future) = ferrio::promise();
        let outer = spawn(shield(future.clone()));
        settle().await;
        outer.cancel(None);
        assert!(outer.await.unwrap_err().is_cancelled());
        promise.set(1).unwrap();
        assert_eq!(future.await, Ok(1));
    })
    .unwrap();
}

#[test]
fn a_panic_after_the_one_who_waited_has_gone_is_reported() {
    let log = Log::default();
    let event_loop = ferrio::EventLoop::new().unwrap();
    let reports = log.clone();
    event_loop.set_exception_handler(Some(Box::new(move |report| reports.add(report.message()))));
    event_loop
        .run_until_complete(async {
            let outer = spawn(shield(async {
                settle().await;
                settle().await;
                panics::<Result<(), Cancelled>>("unseen")
            }));
            settle().await;
            outer.cancel(None);
            assert!(outer.await.unwrap_err().is_cancelled());
            settle().await;
            settle().await;
        })
        .unwrap();
    log.expect(&["Task exception was never retrieved"]);
    event_loop.close();
}
