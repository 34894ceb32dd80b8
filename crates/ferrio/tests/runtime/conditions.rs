//! Conditions: waiting without the lock, and going on with it.

use std::cell::Cell;
use std::rc::Rc;

use ferrio::{CannotNotify, Condition, ConditionError, JoinError, Lock, Task, run, spawn};

use crate::{Log, settle};

/// Spawns tasks that wait once, say so and end.
fn waiting(condition: &Condition, log: &Log, count: usize) -> Vec<Task<()>> {
    let wait = |number| {
        let (condition, log) = (condition.clone(), log.clone());
        spawn(async move {
            let mut guard = condition.acquire().await.unwrap();
            condition.wait(&mut guard).await.unwrap();
            assert!(guard.is_held());
            log.add(number);
        })
    };
    (0..count).map(wait).collect()
}

#[test]
fn as_many_as_are_notified_go_on_in_order_once_the_lock_is_free() {
    let log = Log::default();
    run(async {
        let condition = Condition::new();
        let tasks = waiting(&condition, &log, 3);
        settle().await;
        assert!(!condition.locked());
        assert_eq!(
            format!("{condition:?}"),
            "<Condition [unlocked, waiters:3]>"
        );
        let guard = condition.acquire().await.unwrap();
        condition.notify(&guard, 1).unwrap();
        settle().await;
        log.expect::<&str>(&[]);
        drop(guard);
        settle().await;
        log.expect(&["0"]);
        let guard = condition.acquire().await.unwrap();
        condition.notify_all(&guard).unwrap();
        drop(guard);
        for task in tasks {
            task.await.unwrap();
        }
        log.expect(&["1", "2"]);
        assert_eq!(format!("{condition:?}"), "<Condition [unlocked]>");
    })
    .unwrap();
}

#[test]
fn the_predicate_is_asked_at_once_and_after_each_notification() {
    run(async {
        let (condition, asked) = (Condition::new(), Rc::new(Cell::new(0)));
        let (theirs, count) = (condition.clone(), asked.clone());
        let task = spawn(async move {
            let mut guard = theirs.acquire().await.unwrap();
            let predicate = || {
                count.set(count.get() + 1);
                count.get() == 3
            };
            theirs.wait_for(&mut guard, predicate).await.unwrap();
        });
        for expected in 1..=2 {
            settle().await;
            assert_eq!(asked.get(), expected);
            let guard = condition.acquire().await.unwrap();
            condition.notify(&guard, 1).unwrap();
        }
        task.await.unwrap();
    })
    .unwrap();
}

#[test]
fn a_guard_of_another_lock_is_refused() {
    run(async {
        let condition = Condition::new();
        let mut other = Lock::new().acquire().await.unwrap();
        assert_eq!(condition.notify(&other, 1), Err(CannotNotify));
        assert_eq!(condition.notify_all(&other), Err(CannotNotify));
        let error = condition.wait(&mut other).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot wait on un-acquired lock");
        assert!(other.is_held());
        condition.wait_for(&mut other, || true).await.unwrap();
    })
    .unwrap();
}

#[test]
fn one_who_is_cancelled_has_the_lock_again_before_he_learns_of_it() {
    run(async {
        let condition = Condition::new();
        let theirs = condition.clone();
        let task = spawn(async move {
            let mut guard = theirs.acquire().await?;
            let error = theirs.wait(&mut guard).await.unwrap_err();
            assert!(guard.is_held() && theirs.locked());
            Err::<(), _>(error)
        });
        settle().await;
        let guard = condition.acquire().await.unwrap();
        task.cancel("first");
        settle().await;
        assert!(!task.is_done(), "the lock is held");
        task.cancel("second");
        settle().await;
        assert!(!task.is_done(), "the lock is held");
        drop(guard);
        let Err(JoinError::Cancelled(error)) = task.await else {
            panic!("not cancelled");
        };
        assert_eq!(error.message(), Some("second"));
        assert_eq!(format!("{condition:?}"), "<Condition [unlocked]>");
    })
    .unwrap();
}

#[test]
fn a_notification_of_one_who_is_cancelled_goes_to_another() {
    // Cancelled at once, or while the one who was notified waits for the lock.
    for late in [false, true] {
        let log = Log::default();
        run(async {
            let condition = Condition::new();
            let mut tasks = waiting(&condition, &log, 2).into_iter();
            let (first, second) = (tasks.next().unwrap(), tasks.next().unwrap());
            settle().await;
            let guard = condition.acquire().await.unwrap();
            condition.notify(&guard, 1).unwrap();
            if late {
                settle().await;
            }
            first.cancel(None);
            drop(guard);
            let error = first.await.unwrap_err();
            assert!(error.is_panic(), "its wait has failed: {error}");
            second.await.unwrap();
        })
        .unwrap();
        log.expect(&["1"]);
    }
}

#[test]
fn a_wait_that_is_dropped_leaves_the_guard_without_the_lock_and_passes_the_notification_on() {
    let log = Log::default();
    run(async {
        let condition = Condition::new();
        let mut mine = condition.acquire().await.unwrap();
        let mut wait = condition.wait(&mut mine);
        assert!(!crate::is_ready(&mut wait).await);
        let tasks = waiting(&condition, &log, 1);
        settle().await;
        let guard = condition.acquire().await.unwrap();
        condition.notify(&guard, 1).unwrap();
        drop(wait);
        assert!(!mine.is_held());
        assert_eq!(condition.notify(&mine, 1), Err(CannotNotify));
        let error = condition.wait(&mut mine).await;
        assert_eq!(error, Err(ConditionError::NotAcquired));
        drop(mine);
        assert!(condition.locked(), "the lock is the other guard's");
        drop(guard);
        for task in tasks {
            task.await.unwrap();
        }
    })
    .unwrap();
    log.expect(&["0"]);
}

#[test]
fn a_wait_that_is_dropped_while_it_wants_the_lock_passes_both_on() {
    let log = Log::default();
    run(async {
        let condition = Condition::new();
        let mut mine = condition.acquire().await.unwrap();
        let mut wait = condition.wait(&mut mine);
        assert!(!crate::is_ready(&mut wait).await);
        let tasks = waiting(&condition, &log, 1);
        settle().await;
        let guard = condition.acquire().await.unwrap();
        condition.notify(&guard, 1).unwrap();
        assert!(!crate::is_ready(&mut wait).await);
        drop(guard);
        drop(wait);
        for task in tasks {
            task.await.unwrap();
        }
        assert!(!condition.locked());
    })
    .unwrap();
    log.expect(&["0"]);
}

#[test]
fn conditions_share_a_lock() {
    run(async {
        let lock = Lock::new();
        let (one, two) = (Condition::with_lock(&lock), Condition::with_lock(&lock));
        let mut guard = one.acquire().await.unwrap();
        assert!(two.locked());
        two.notify(&guard, 1).unwrap();
        let log = Log::default();
        let tasks = waiting(&two, &log, 1);
        let notifier = one.clone();
        let second = spawn(async move {
            let guard = notifier.acquire().await.unwrap();
            notifier.notify_all(&guard).unwrap();
            two.notify_all(&guard).unwrap();
        });
        one.wait(&mut guard).await.unwrap();
        drop(guard);
        second.await.unwrap();
        for task in tasks {
            task.await.unwrap();
        }
    })
    .unwrap();
}
