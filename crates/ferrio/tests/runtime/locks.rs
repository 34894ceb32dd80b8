//! Locks: one holder at a time, in the order in which they came.

use ferrio::{Cancelled, Lock, current_task, run, spawn, yield_now};

use crate::{Log, is_ready, settle};

#[test]
fn a_lock_describes_itself() {
    run(async {
        let lock = Lock::new();
        assert_eq!(format!("{lock:?}"), "<Lock [unlocked]>");
        let _guard = lock.acquire().await.unwrap();
        assert_eq!(format!("{lock:?}"), "<Lock [locked]>");
        let _waiting = spawn(lock.acquire());
        settle().await;
        assert_eq!(format!("{lock:?}"), "<Lock [locked, waiters:1]>");
    })
    .unwrap();
}

#[test]
fn those_who_wait_get_the_lock_in_order() {
    let log = Log::default();
    run(async {
        let lock = Lock::new();
        let guard = lock.acquire().await.unwrap();
        let tasks: Vec<_> = (0..3)
            .map(|number| {
                let (lock, log) = (lock.clone(), log.clone());
                spawn(async move {
                    let _guard = lock.acquire().await.unwrap();
                    log.add(number);
                    yield_now().await.unwrap();
                    log.add(format!("{number} ends"));
                })
            })
            .collect();
        settle().await;
        log.add("released");
        drop(guard);
        assert!(!lock.locked(), "the one who was woken has not run");
        assert!(lock.try_acquire().is_none(), "and is not overtaken");
        for task in tasks {
            task.await.unwrap();
        }
        assert!(!lock.locked());
    })
    .unwrap();
    log.expect(&["released", "0", "0 ends", "1", "1 ends", "2", "2 ends"]);
}

#[test]
fn a_newcomer_waits_behind_those_who_wait() {
    run(async {
        let lock = Lock::new();
        let guard = lock.acquire().await.unwrap();
        let first = spawn(lock.acquire());
        settle().await;
        drop(guard);
        let mut late = lock.acquire();
        assert!(!is_ready(&mut late).await);
        let guard = first.await.unwrap().unwrap();
        assert!(lock.locked());
        drop(guard);
        drop(late.await.unwrap());
    })
    .unwrap();
}

#[test]
fn one_who_is_cancelled_leaves_the_line() {
    run(async {
        let lock = Lock::new();
        let guard = lock.acquire().await.unwrap();
        let waiting = spawn(lock.acquire());
        settle().await;
        waiting.cancel("enough");
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert_eq!(format!("{lock:?}"), "<Lock [locked]>");
        drop(guard);
        assert!(lock.try_acquire().is_some());
    })
    .unwrap();
}

#[test]
fn one_who_is_cancelled_and_woken_at_once_hands_the_lock_on_in_either_order() {
    for cancel_first in [true, false] {
        run(async {
            let lock = Lock::new();
            let guard = lock.acquire().await.unwrap();
            let [first, second, third] = [(); 3].map(|()| spawn(lock.acquire()));
            settle().await;
            if cancel_first {
                first.cancel(None);
            }
            drop(guard);
            if !cancel_first {
                first.cancel(None);
            }
            assert!(first.await.unwrap_err().is_cancelled());
            let guard = second.await.unwrap().unwrap();
            settle().await;
            assert!(!third.is_done(), "one holder at a time");
            drop(guard);
            drop(third.await.unwrap().unwrap());
            assert_eq!(format!("{lock:?}"), "<Lock [unlocked]>");
        })
        .unwrap();
    }
}

#[test]
fn dropping_a_future_that_waits_leaves_the_line_and_passes_the_lock_on() {
    run(async {
        let lock = Lock::new();
        let guard = lock.acquire().await.unwrap();
        let (mut first, mut second) = (lock.acquire(), lock.acquire());
        assert!(!is_ready(&mut first).await && !is_ready(&mut second).await);
        assert_eq!(format!("{lock:?}"), "<Lock [locked, waiters:2]>");
        drop(guard);
        drop(first);
        let guard = second.await.unwrap();
        assert_eq!(format!("{lock:?}"), "<Lock [locked]>");
        let mut waiting = lock.acquire();
        assert!(!is_ready(&mut waiting).await);
        drop(waiting);
        assert_eq!(format!("{lock:?}"), "<Lock [locked]>");
        drop(guard);
    })
    .unwrap();
}

#[test]
fn a_free_lock_is_taken_by_one_who_is_cancelled_and_a_held_one_is_not_waited_for() {
    run(async {
        let lock = Lock::new();
        let me = current_task().unwrap();
        me.cancel("now");
        let guard = lock.acquire().await.unwrap();
        let error: Cancelled = lock.acquire().await.unwrap_err();
        assert_eq!(error.message(), Some("now"));
        assert_eq!(format!("{lock:?}"), "<Lock [locked]>");
        me.uncancel();
        drop(guard);
    })
    .unwrap();
}

#[test]
fn a_guard_can_be_handed_to_another_task_and_outlives_the_loop() {
    let lock = Lock::new();
    let guard = run(async {
        let guard = lock.acquire().await.unwrap();
        spawn(async move { guard }).await.unwrap()
    })
    .unwrap();
    assert!(lock.locked() && guard.is_held());
    drop(guard);
    assert!(!lock.locked());
}

#[test]
fn a_loop_that_ends_frees_the_places_of_its_tasks() {
    let lock = Lock::new();
    let guard = lock.try_acquire().unwrap();
    run(async {
        drop(spawn(lock.acquire()));
        settle().await;
    })
    .unwrap();
    assert_eq!(format!("{lock:?}"), "<Lock [locked]>");
    drop(guard);
    assert!(lock.try_acquire().is_some());
}
