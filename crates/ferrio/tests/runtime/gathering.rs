//! Gathering, as `CPython`'s `test_tasks` has it.

use std::time::Duration;

use ferrio::{Cancelled, JoinError, gather, gather_all, run, sleep, spawn, yield_now};

use crate::{LONG, Log, panics, settle};

#[derive(Debug, PartialEq)]
enum Failure {
    Own(&'static str),
    Joined(String),
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Failure {
        Failure::Joined(error.to_string())
    }
}

async fn after<T>(milliseconds: u64, value: T) -> Result<T, Cancelled> {
    sleep(Duration::from_millis(milliseconds)).await?;
    Ok(value)
}

#[test]
fn outputs_are_in_the_order_of_the_arguments() {
    run(async {
        let outputs = gather([30, 10, 20].map(|number| after(number, number))).await;
        assert_eq!(outputs.unwrap(), [30, 10, 20]);
        let (number, text) = gather!(after(2, 1), after(1, "one")).await.unwrap();
        assert_eq!((number, text), (1, "one"));
    })
    .unwrap();
}

#[test]
fn nothing_gives_nothing_at_once() {
    run(async {
        ferrio::current_task().unwrap().cancel(None);
        let none = gather(Vec::<ferrio::Task<u8>>::new()).await.unwrap();
        assert!(none.is_empty());
        yield_now().await.unwrap_err();
    })
    .unwrap();
}

#[test]
fn children_run_side_by_side_and_begin_before_they_are_awaited() {
    let log = Log::default();
    run(async {
        let children = (0..2).map(|number| {
            let log = log.clone();
            async move {
                log.add(format!("{number} begins"));
                yield_now().await?;
                log.add(format!("{number} ends"));
                Ok::<(), Cancelled>(())
            }
        });
        let all = gather(children);
        yield_now().await.unwrap();
        log.add("awaited");
        all.await.unwrap();
    })
    .unwrap();
    let seen = log.0.borrow();
    assert_eq!(seen[..2], ["0 begins", "1 begins"]);
    assert_eq!(seen.len(), 5);
}

#[test]
fn the_first_error_is_returned_at_once_and_the_others_go_on() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let slow = spawn(async move {
            settle().await;
            theirs.add("slow is done");
            Ok(())
        });
        let observed = slow.task_ref();
        let bad = async { Err::<(), _>(Failure::Own("bad")) };
        let outcome = gather!(bad, async move { slow.await? }).await;
        assert_eq!(outcome.unwrap_err(), Failure::Own("bad"));
        assert!(!observed.is_done());
        observed.finished().await.unwrap();
    })
    .unwrap();
    log.expect(&["slow is done"]);
}

#[test]
fn tasks_are_used_as_they_are() {
    run(async {
        let tasks = [1, 2].map(|number| spawn(async move { number }));
        let before = ferrio::all_tasks().len();
        let all = gather(tasks);
        assert_eq!(ferrio::all_tasks().len(), before);
        assert_eq!(all.await.unwrap(), [1, 2]);
        let done = spawn(async { 3 });
        settle().await;
        assert_eq!(gather([done]).await.unwrap(), [3]);
    })
    .unwrap();
}

#[test]
fn a_panic_of_a_child_is_an_error() {
    run(async {
        let outcome = gather([async { panics::<Result<(), Failure>>("thirteen") }]);
        let Err(Failure::Joined(message)) = outcome.await else {
            panic!("no error");
        };
        assert!(message.ends_with("panicked: thirteen"), "{message}");
    })
    .unwrap();
}

#[test]
fn a_child_that_is_cancelled_fails_the_whole_and_cancels_no_other() {
    run(async {
        let tasks = [spawn(sleep(LONG)), spawn(sleep(LONG))];
        let (first, second) = (tasks[0].task_ref(), tasks[1].task_ref());
        let observed = first.clone();
        spawn(async move { observed.cancel("one") });
        let error = gather(tasks).await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: one");
        assert!(first.is_cancelled() && !second.is_done());
        assert_eq!(ferrio::current_task().unwrap().cancelling(), 0);
        second.cancel(None);
    })
    .unwrap();
}

#[test]
fn one_who_is_cancelled_while_he_gathers_cancels_all() {
    run(async {
        let tasks = [spawn(sleep(LONG)), spawn(sleep(LONG))];
        let refs = [tasks[0].task_ref(), tasks[1].task_ref()];
        let outer = spawn(gather(tasks));
        settle().await;
        outer.cancel("all");
        let error = outer.await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: all");
        settle().await;
        assert!(refs.iter().all(ferrio::TaskRef::is_cancelled));
    })
    .unwrap();
}

#[test]
fn children_that_refuse_do_not_undo_the_cancellation() {
    run(async {
        let outer = spawn(gather([spawn(async {
            sleep(LONG).await.unwrap_err();
        })]));
        settle().await;
        outer.cancel("all");
        assert!(outer.await.unwrap_err().is_cancelled());
    })
    .unwrap();
}

#[test]
fn one_who_is_cancelled_when_all_is_done_is_told_so() {
    run(async {
        let task = spawn(settle());
        let inner = task.task_ref();
        let (promise, outer) = ferrio::promise::<ferrio::TaskRef>();
        // Its turn is before that of the one who gathers.
        inner.add_done_callback(move |_| {
            outer.try_get().unwrap().unwrap().cancel("late");
        });
        let gathering = spawn(gather([task]));
        promise.set(gathering.task_ref()).unwrap();
        let error = gathering.await.unwrap_err();
        assert_eq!(error.to_string(), "the task was cancelled: late");
        assert!(inner.is_done() && !inner.is_cancelled());
    })
    .unwrap();
}

#[test]
fn an_error_of_a_child_that_is_cancelled_is_the_error() {
    run(async {
        let outer = spawn(gather([async {
            let _ = sleep(LONG).await;
            Err::<(), _>(Failure::Own("in clean-up"))
        }]));
        settle().await;
        outer.cancel(None);
        assert_eq!(outer.await.unwrap(), Err(Failure::Own("in clean-up")));
    })
    .unwrap();
}

#[test]
fn all_outcomes_are_gathered_errors_too() {
    run(async {
        let cancelled = spawn(async {
            sleep(LONG).await.unwrap();
        });
        cancelled.cancel(None);
        let tasks = [spawn(async {}), spawn(async { panic!("x") }), cancelled];
        let outcomes = gather_all(tasks).await.unwrap();
        assert!(outcomes[0].is_ok());
        assert!(outcomes[1].as_ref().unwrap_err().is_panic());
        assert!(outcomes[2].as_ref().unwrap_err().is_cancelled());
    })
    .unwrap();
}

#[test]
fn one_who_is_cancelled_while_he_gathers_all_waits_for_all() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        let slow = async move {
            let error = sleep(LONG).await.unwrap_err();
            settle().await;
            theirs.add("slow is done");
            Err::<(), _>(error)
        };
        let outer = spawn(gather_all([slow]));
        settle().await;
        outer.cancel("all");
        assert!(outer.await.unwrap_err().is_cancelled());
        log.add("outer is done");
    })
    .unwrap();
    log.expect(&["slow is done", "outer is done"]);
}

#[test]
fn dropping_it_detaches_the_tasks() {
    let log = Log::default();
    run(async {
        let theirs = log.clone();
        drop(gather([async move {
            theirs.add("ran");
            Ok::<(), Cancelled>(())
        }]));
        settle().await;
    })
    .unwrap();
    log.expect(&["ran"]);
}

#[test]
fn a_task_that_gathers_itself_gets_an_error() {
    run(async {
        let (promise, own) =
            ferrio::promise::<std::rc::Rc<std::cell::Cell<Option<ferrio::Task<()>>>>>();
        let task = spawn(async move {
            let cell = own.await.unwrap();
            let me = cell.take().unwrap();
            assert!(matches!(gather([me]).await, Err(JoinError::AwaitsItself)));
        });
        let observed = task.task_ref();
        let cell = std::rc::Rc::new(std::cell::Cell::new(Some(task)));
        promise.set(cell).ok();
        observed.finished().await.unwrap();
        assert!(!observed.is_cancelled());
    })
    .unwrap();
}

#[test]
fn ten_thousand_children() {
    run(async {
        let outputs = gather((0..10_000u64).map(|number| after(0, number)))
            .await
            .unwrap();
        assert_eq!(outputs.iter().sum::<u64>(), 9_999 * 5_000);
    })
    .unwrap();
}
