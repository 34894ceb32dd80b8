//! `wait` and `as_completed`, as `CPython`'s `test_tasks` has them.

use std::pin::Pin;
use std::time::Duration;

use ferrio::{Cancelled, ReturnWhen, as_completed, run, sleep, spawn, timeout, wait};
use futures_core::Stream;

use crate::{LONG, settle};

async fn after(milliseconds: u64) -> Result<u64, Cancelled> {
    sleep(Duration::from_millis(milliseconds)).await?;
    Ok(milliseconds)
}

#[test]
fn all_are_waited_for() {
    run(async {
        let tasks = [3, 1, 2].map(|number| spawn(after(number)));
        let (done, pending) = wait(tasks, ReturnWhen::AllCompleted).await.unwrap();
        assert!(pending.is_empty());
        let mut outputs = Vec::new();
        for task in done {
            outputs.push(task.await.unwrap().unwrap());
        }
        assert_eq!(outputs, [3, 1, 2]);
    })
    .unwrap();
}

#[test]
fn the_first_is_waited_for_until_none_is_left() {
    run(async {
        let mut tasks: Vec<_> = [20, 1, 10].map(|number| spawn(after(number))).into();
        let mut order = Vec::new();
        while !tasks.is_empty() {
            let (done, pending) = wait(tasks, ReturnWhen::FirstCompleted).await.unwrap();
            for task in done {
                order.push(task.await.unwrap().unwrap());
            }
            tasks = pending;
        }
        assert_eq!(order, [1, 10, 20]);
    })
    .unwrap();
}

#[test]
fn tasks_that_are_done_and_no_tasks_need_no_waiting() {
    run(async {
        let task = spawn(async {});
        settle().await;
        ferrio::current_task().unwrap().cancel(None);
        let (done, pending) = wait([&task], ReturnWhen::AllCompleted).await.unwrap();
        assert_eq!((done.len(), pending.len()), (1, 0));
        let none: [ferrio::TaskRef; 0] = [];
        wait(none, ReturnWhen::FirstCompleted).await.unwrap();
        sleep(LONG).await.unwrap_err();
    })
    .unwrap();
}

#[test]
fn the_first_panic_ends_it_but_a_cancelled_task_does_not() {
    run(async {
        let cancelled = spawn(async {
            let error = sleep(LONG).await.unwrap_err();
            Err::<(), _>(error)
        });
        settle().await;
        cancelled.cancel(None);
        let bad = spawn(async {
            settle().await;
            panic!("bad");
        });
        let slow = spawn(async { sleep(LONG).await });
        let tasks = [cancelled, bad, slow];
        let (done, pending) = wait(&tasks, ReturnWhen::FirstException).await.unwrap();
        assert_eq!((done.len(), pending.len()), (2, 1));
        assert_eq!(pending[0].name(), tasks[2].name());
        assert!(tasks[0].is_cancelled());
    })
    .unwrap();
}

#[test]
fn the_first_error_ends_it_if_errors_count() {
    run(async {
        let make = || {
            let bad = spawn(async { Err::<(), _>("bad") });
            let slow = spawn(async {
                sleep(Duration::from_millis(5)).await.unwrap();
                Ok(())
            });
            [bad, slow]
        };
        let first = wait(make(), ReturnWhen::FirstException).or_error().await;
        assert_eq!(first.unwrap().1.len(), 1);
        let all = wait(make(), ReturnWhen::FirstException).await;
        assert_eq!(all.unwrap().1.len(), 0);
    })
    .unwrap();
}

#[test]
fn the_end_of_the_time_is_no_error_and_cancels_nothing() {
    run(async {
        let tasks = [spawn(after(3_600_000)), spawn(after(0))];
        let waiting = wait(&tasks, ReturnWhen::AllCompleted).timeout(Duration::from_millis(5));
        let (done, pending) = waiting.await.unwrap();
        assert_eq!(
            (done[0].name(), pending[0].name()),
            (tasks[1].name(), tasks[0].name())
        );
        assert_eq!(tasks[0].cancelling(), 0);
    })
    .unwrap();
}

#[test]
fn one_who_is_cancelled_while_he_waits_leaves_the_tasks_alone() {
    run(async {
        let task = spawn(after(5));
        let outer = spawn(wait([task.task_ref()], ReturnWhen::AllCompleted));
        settle().await;
        outer.cancel(None);
        assert!(outer.await.unwrap_err().is_cancelled());
        assert_eq!(task.await.unwrap(), Ok(5));
    })
    .unwrap();
}

#[test]
fn many_may_wait_for_the_same_task() {
    run(async {
        let task = spawn(after(1));
        let waiting = [(); 2].map(|()| spawn(wait([task.task_ref()], ReturnWhen::AllCompleted)));
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap().unwrap().0, [task.task_ref()]);
        }
    })
    .unwrap();
}

#[test]
fn outputs_come_in_the_order_of_their_ends() {
    run(async {
        let mut outputs = as_completed([20, 1, 10].map(after));
        let mut order = Vec::new();
        while let Some(outcome) = outputs.next().await {
            order.push(outcome.unwrap());
        }
        assert_eq!(order, [1, 10, 20]);
        assert!(outputs.next().await.is_none());
    })
    .unwrap();
}

#[test]
fn it_is_a_stream() {
    run(async {
        let mut outputs = as_completed([2, 1].map(after));
        assert_eq!(outputs.size_hint(), (2, None));
        let mut next =
            async || std::future::poll_fn(|cx| Pin::new(&mut outputs).poll_next(cx)).await;
        assert_eq!(next().await, Some(Ok(1)));
        assert_eq!(next().await, Some(Ok(2)));
        assert_eq!(next().await, None);
    })
    .unwrap();
}

#[test]
fn a_time_limit_leaves_the_rest_to_be_awaited() {
    run(async {
        let mut outputs = as_completed([after(1), after(30)]);
        let limited = timeout(Duration::from_millis(10), async {
            while let Some(outcome) = outputs.next().await {
                outcome?;
            }
            Ok::<(), Cancelled>(())
        });
        assert!(limited.await.is_err());
        assert_eq!(outputs.next().await, Some(Ok(30)));
        assert!(outputs.next().await.is_none());
    })
    .unwrap();
}

#[test]
fn one_error_does_not_end_the_others() {
    run(async {
        let tasks = [
            spawn(async { 1 }),
            spawn(async { panic!("two") }),
            spawn(async { 3 }),
        ];
        let mut outputs = as_completed(tasks);
        assert_eq!(outputs.next().await.unwrap().unwrap(), 1);
        assert!(outputs.next().await.unwrap().unwrap_err().is_panic());
        assert_eq!(outputs.next().await.unwrap().unwrap(), 3);
    })
    .unwrap();
}
