//! Semaphores: a limited number of holders at a time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ferrio::{BoundedSemaphore, Semaphore, SemaphoreGuard, Task, run, spawn, yield_now};
use proptest::prelude::*;

use crate::{Log, is_ready, settle};

#[test]
fn a_semaphore_describes_itself() {
    run(async {
        let semaphore = Semaphore::default();
        assert_eq!(format!("{semaphore:?}"), "<Semaphore [unlocked, value:1]>");
        let _guard = semaphore.acquire().await.unwrap();
        let _waiting = spawn(semaphore.acquire());
        settle().await;
        assert_eq!(format!("{semaphore:?}"), "<Semaphore [locked, waiters:1]>");
        let bounded = BoundedSemaphore::new(3);
        assert_eq!(
            format!("{bounded:?}"),
            "<BoundedSemaphore [unlocked, value:3]>"
        );
    })
    .unwrap();
}

#[test]
fn those_who_wait_get_permits_in_order_and_each_time_anew() {
    let log = Log::default();
    run(async {
        let semaphore = Semaphore::new(1);
        let tasks: Vec<_> = (1..=3)
            .map(|number| {
                let (semaphore, log) = (semaphore.clone(), log.clone());
                spawn(async move {
                    for round in 1..=2 {
                        let _guard = semaphore.acquire().await.unwrap();
                        log.add(format!("{number}.{round}"));
                        settle().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    })
    .unwrap();
    log.expect(&["1.1", "2.1", "3.1", "1.2", "2.2", "3.2"]);
}

#[test]
fn one_who_gets_a_permit_wakes_others_while_there_are_more() {
    let log = Log::default();
    run(async {
        let semaphore = Semaphore::new(0);
        let (first_log, second_log, third_log) = (log.clone(), log.clone(), log.clone());
        let [one, two, three] = [(); 3].map(|()| semaphore.clone());
        let first = spawn(async move {
            one.acquire().await.unwrap().forget();
            first_log.add(1);
        });
        let second = spawn(async move {
            (0..3).for_each(|_| two.release());
            assert!(two.locked(), "the first was woken and has not run");
            two.acquire().await.unwrap().forget();
            second_log.add(2);
        });
        let third = spawn(async move {
            three.acquire().await.unwrap().forget();
            assert!(three.locked());
            third_log.add(3);
        });
        for task in [first, second, third] {
            task.await.unwrap();
        }
    })
    .unwrap();
    log.expect(&["1", "2", "3"]);
}

#[test]
fn a_permit_of_one_who_is_cancelled_goes_to_the_next() {
    run(async {
        let semaphore = Semaphore::new(0);
        let [one, two, three, four] = [(); 4].map(|()| spawn(semaphore.acquire()));
        settle().await;
        one.cancel(None);
        two.cancel(None);
        semaphore.release();
        let _permit = three.await.unwrap().unwrap();
        assert!(one.is_cancelled() && two.is_cancelled() && !four.is_done());
    })
    .unwrap();
}

#[test]
fn a_permit_of_a_future_that_is_dropped_goes_to_the_next_or_back() {
    run(async {
        let semaphore = Semaphore::new(0);
        let (mut first, mut second) = (semaphore.acquire(), semaphore.acquire());
        assert!(!is_ready(&mut first).await && !is_ready(&mut second).await);
        semaphore.release();
        drop(first);
        drop(second);
        assert_eq!(format!("{semaphore:?}"), "<Semaphore [unlocked, value:1]>");
    })
    .unwrap();
}

#[test]
fn one_who_is_cancelled_while_he_need_not_wait_gets_his_permit() {
    run(async {
        let semaphore = Semaphore::new(1);
        ferrio::current_task().unwrap().cancel(None);
        let permit = semaphore.acquire().await.unwrap();
        semaphore.acquire().await.unwrap_err();
        drop(permit);
        assert_eq!(format!("{semaphore:?}"), "<Semaphore [unlocked, value:1]>");
    })
    .unwrap();
}

#[test]
fn a_bounded_semaphore_is_not_released_too_often() {
    run(async {
        let semaphore = BoundedSemaphore::new(1);
        let error = semaphore.release().unwrap_err();
        assert_eq!(
            error.to_string(),
            "BoundedSemaphore released too many times"
        );
        let permit = semaphore.acquire().await.unwrap();
        assert!(semaphore.locked() && semaphore.try_acquire().is_none());
        semaphore.release().unwrap();
        drop(permit);
        assert_eq!(
            format!("{semaphore:?}"),
            "<BoundedSemaphore [unlocked, value:1]>"
        );
    })
    .unwrap();
}

#[test]
fn a_semaphore_without_a_limit_never_runs_out() {
    let semaphore = Semaphore::new(usize::MAX);
    (0..1000).for_each(|_| semaphore.try_acquire().unwrap().forget());
    semaphore.release();
    assert!(!semaphore.locked());
}

/// A step of a random program.
#[derive(Clone, Copy, Debug)]
enum Act {
    Acquire,
    Release(usize),
    Cancel(usize),
    Yield,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => Just(Act::Acquire),
        3 => any::<usize>().prop_map(Act::Release),
        2 => any::<usize>().prop_map(Act::Cancel),
        2 => Just(Act::Yield),
    ];
    prop::collection::vec(act, 0..60)
}

proptest! {
    #[test]
    fn no_permit_is_lost_and_order_is_kept(permits in 1usize..4, acts in acts()) {
        run(async move {
            let semaphore = Semaphore::new(permits);
            let held: Rc<RefCell<Vec<SemaphoreGuard>>> = Rc::default();
            let last = Rc::new(Cell::new(None));
            let mut tasks: Vec<Task<_>> = Vec::new();
            for act in acts {
                match act {
                    Act::Acquire => {
                        let (semaphore, held, last) = (semaphore.clone(), held.clone(), last.clone());
                        let number = tasks.len();
                        tasks.push(spawn(async move {
                            let permit = semaphore.acquire().await?;
                            let before = last.replace(Some(number));
                            assert!(before < Some(number), "{number} after {before:?}");
                            held.borrow_mut().push(permit);
                            assert!(held.borrow().len() <= permits);
                            Ok::<(), ferrio::Cancelled>(())
                        }));
                    }
                    Act::Release(which) => {
                        let count = held.borrow().len();
                        let permit = (count > 0).then(|| held.borrow_mut().remove(which % count));
                        drop(permit);
                    }
                    Act::Cancel(which) if !tasks.is_empty() => {
                        tasks[which % tasks.len()].cancel(None);
                    }
                    Act::Cancel(_) => {}
                    Act::Yield => yield_now().await.unwrap(),
                }
            }
            for _ in 0..tasks.len() {
                settle().await;
            }
            while !held.borrow().is_empty() {
                held.take();
                settle().await;
            }
            for task in tasks {
                assert!(task.is_done(), "a permit was lost");
                assert!(!task.await.is_err_and(|error| error.is_panic()));
            }
            let all: Vec<_> = std::iter::from_fn(|| semaphore.try_acquire()).collect();
            assert_eq!(all.len(), permits);
        })
        .unwrap();
    }
}
