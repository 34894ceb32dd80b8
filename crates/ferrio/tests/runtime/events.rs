//! Events: a flag, and those who wait for it.

use ferrio::{Event, current_task, run, spawn};

use crate::{Log, is_ready, settle};

#[test]
fn all_who_wait_go_on_in_order() {
    let log = Log::default();
    run(async {
        let event = Event::new();
        let tasks: Vec<_> = (0..3)
            .map(|number| {
                let (event, log) = (event.clone(), log.clone());
                spawn(async move {
                    event.wait().await.unwrap();
                    log.add(number);
                })
            })
            .collect();
        settle().await;
        assert_eq!(format!("{event:?}"), "<Event [unset, waiters:3]>");
        log.add("set");
        event.set();
        event.set();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(format!("{event:?}"), "<Event [set]>");
    })
    .unwrap();
    log.expect(&["set", "0", "1", "2"]);
}

#[test]
fn a_set_event_is_not_waited_for_even_by_one_who_is_cancelled() {
    run(async {
        let event = Event::new();
        event.set();
        current_task().unwrap().cancel(None);
        event.wait().await.unwrap();
        event.clear();
        assert!(!event.is_set());
        event.wait().await.unwrap_err();
        assert_eq!(format!("{event:?}"), "<Event [unset]>");
    })
    .unwrap();
}

#[test]
fn one_who_was_woken_goes_on_although_the_event_is_cleared() {
    run(async {
        let event = Event::new();
        let waiting = spawn(event.wait());
        settle().await;
        event.set();
        event.clear();
        let late = spawn(event.wait());
        waiting.await.unwrap().unwrap();
        settle().await;
        assert!(!late.is_done());
        event.set();
        late.await.unwrap().unwrap();
    })
    .unwrap();
}

#[test]
fn one_who_is_cancelled_or_dropped_leaves() {
    run(async {
        let event = Event::new();
        let waiting = spawn(event.wait());
        let mut dropped = event.wait();
        assert!(!is_ready(&mut dropped).await);
        settle().await;
        assert_eq!(format!("{event:?}"), "<Event [unset, waiters:2]>");
        drop(dropped);
        waiting.cancel(None);
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert_eq!(format!("{event:?}"), "<Event [unset]>");
    })
    .unwrap();
}

#[test]
fn a_cancellation_that_comes_with_the_wake_up_wins() {
    run(async {
        let event = Event::new();
        let waiting = spawn(event.wait());
        settle().await;
        event.set();
        waiting.cancel(None);
        assert!(waiting.await.unwrap_err().is_cancelled());
    })
    .unwrap();
}
