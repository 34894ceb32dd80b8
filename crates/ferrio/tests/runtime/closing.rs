//! What is left when a loop ends: nothing is lost, leaked or dropped on the wrong thread.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use ferrio::{EventLoop, Runner, run, sleep, spawn, yield_now};

use crate::Log;

/// Leaves the waker of its task in `place` and never ends.
async fn leave_waker(place: Rc<RefCell<Option<Waker>>>) {
    std::future::poll_fn(|cx| {
        place.replace(Some(cx.waker().clone()));
        std::task::Poll::<()>::Pending
    })
    .await;
}

#[test]
fn a_run_cancels_what_it_leaves_and_waits_for_it() {
    let log = Log::default();
    run(async {
        for name in ["a", "b"] {
            let log = log.clone();
            drop(spawn(async move {
                let error = sleep(Duration::from_secs(3600)).await.unwrap_err();
                log.add(format!("{name} {error}"));
                sleep(Duration::from_millis(1)).await.unwrap();
                log.add(format!("{name} ends"));
            }));
        }
        yield_now().await.unwrap();
    })
    .unwrap();
    log.expect(&["a cancelled", "b cancelled", "a ends", "b ends"]);
}

#[test]
fn tasks_go_on_at_the_next_run_of_a_runner() {
    let mut runner = Runner::new().unwrap();
    let event_loop = runner.get_loop().clone();
    let task = event_loop.spawn(async { yield_now().await.map(|()| 4) });
    drop(event_loop);
    runner.run(std::future::ready(())).unwrap();
    assert!(!task.is_done());
    assert_eq!(runner.run(task).unwrap().unwrap(), Ok(4));
}

#[test]
fn closing_drops_the_futures_of_tasks_that_are_not_done() {
    let log = Log::default();
    let event_loop = EventLoop::new().unwrap();
    let place = Rc::default();
    let (waiting, new) = (log.witness("waiting"), log.witness("new"));
    let theirs = Rc::clone(&place);
    let first = event_loop.spawn(async move {
        let _witness = waiting;
        leave_waker(theirs).await;
    });
    event_loop.run_until_complete(yield_now()).unwrap().unwrap();
    let second = event_loop.spawn(async move {
        let _witness = new;
    });
    event_loop.close();
    log.0.borrow_mut().sort();
    log.expect(&["new dropped", "waiting dropped"]);
    assert!(first.is_cancelled() && second.is_cancelled());
    assert!(event_loop.all_tasks().is_empty());
    // A waker that is used afterwards does nothing, on any thread.
    let waker = place.borrow_mut().take().unwrap();
    waker.wake_by_ref();
    std::thread::spawn(move || waker.wake()).join().unwrap();
    let error = run(first).unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the task was cancelled: the event loop was closed"
    );
}

#[test]
fn a_loop_that_is_dropped_without_being_closed_frees_its_tasks() {
    let log = Log::default();
    let event_loop = EventLoop::new().unwrap();
    let place = Rc::default();
    let witness = log.witness("task");
    let theirs = Rc::clone(&place);
    drop(event_loop.spawn(async move {
        let _witness = witness;
        leave_waker(theirs).await;
    }));
    event_loop.run_until_complete(yield_now()).unwrap().unwrap();
    place.borrow_mut().take();
    drop(event_loop);
    log.expect(&["task dropped"]);
}

#[test]
fn wakes_from_other_threads_during_a_shutdown_neither_abort_nor_leak() {
    for round in 0..200 {
        let log = Log::default();
        let event_loop = EventLoop::new().unwrap();
        let place = Rc::default();
        let witness = log.witness("task");
        let theirs = Rc::clone(&place);
        drop(event_loop.spawn(async move {
            let _witness = witness;
            leave_waker(theirs).await;
        }));
        event_loop.run_until_complete(yield_now()).unwrap().unwrap();
        let waker = place.borrow_mut().take().unwrap();
        let thread = std::thread::spawn(move || {
            for _ in 0..round {
                waker.wake_by_ref();
            }
            waker.wake();
        });
        event_loop.close();
        thread.join().unwrap();
        // What the other thread has left is dropped when a loop begins on this one.
        run(async {}).unwrap();
        log.expect(&["task dropped"]);
    }
}

#[test]
#[should_panic(expected = "Cannot close a running event loop")]
fn a_running_loop_cannot_be_closed() {
    run(async { EventLoop::running().unwrap().close() }).unwrap();
}

#[test]
#[should_panic(expected = "no running event loop")]
fn nothing_is_spawned_without_a_loop() {
    drop(spawn(async {}));
}

#[test]
fn a_closed_loop_takes_nothing() {
    let event_loop = EventLoop::new().unwrap();
    event_loop.close();
    let refused: [fn(&EventLoop); 4] = [
        |it| drop(it.call_soon(|| ())),
        |it| drop(it.call_later(Duration::ZERO, || ())),
        |it| drop(it.spawn(async {})),
        |it| drop(it.run_in_executor(|| ())),
    ];
    for call in refused {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call(&event_loop)));
        assert_eq!(
            *caught.unwrap_err().downcast::<&str>().unwrap(),
            "Event loop is closed"
        );
    }
    let socket = std::os::unix::net::UnixDatagram::unbound().unwrap();
    assert!(event_loop.add_reader(&socket, || ()).is_err());
}

#[test]
fn a_callback_that_a_descriptor_refuses_may_use_the_loop_when_it_is_dropped() {
    struct UsesTheLoop;
    impl Drop for UsesTheLoop {
        fn drop(&mut self) {
            EventLoop::running().unwrap().call_soon(|| ());
        }
    }
    run(async {
        let event_loop = EventLoop::running().unwrap();
        let file = std::fs::File::open("/").unwrap();
        let witness = UsesTheLoop;
        let refused = event_loop.add_reader(&file, move || {
            let _ = &witness;
        });
        assert_eq!(
            refused.unwrap_err().kind(),
            std::io::ErrorKind::PermissionDenied
        );
    })
    .unwrap();
}
