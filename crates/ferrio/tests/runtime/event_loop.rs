//! The methods of the loop.

use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ferrio::{EventLoop, RunError, Runner, run, yield_now};

use crate::Log;

#[test]
fn callbacks_run_in_the_order_of_the_calls_and_can_be_cancelled() {
    let log = Log::default();
    let event_loop = EventLoop::new().unwrap();
    let handles = ["a", "b", "c"].map(|name| {
        let log = log.clone();
        event_loop.call_soon(move || log.add(name))
    });
    handles[1].cancel();
    let stopping = event_loop.clone();
    event_loop.call_soon(move || stopping.stop());
    event_loop.run_forever().unwrap();
    log.expect(&["a", "c"]);
    assert!(!handles[0].is_waiting());
    event_loop.close();
}

#[test]
fn timers_run_in_the_order_of_their_times() {
    let log = Log::default();
    let event_loop = EventLoop::new().unwrap();
    let now = event_loop.time();
    let later = |name, milliseconds| {
        let log = log.clone();
        event_loop.call_at(now + Duration::from_millis(milliseconds), move || {
            log.add(name);
        })
    };
    let _c = later("c", 12);
    let _a = later("a", 4);
    let b = later("b", 8);
    b.cancel();
    assert!(!b.is_waiting());
    let stopping = event_loop.clone();
    let start = Instant::now();
    event_loop.call_later(Duration::from_millis(20), move || stopping.stop());
    event_loop.run_forever().unwrap();
    assert!(start.elapsed() >= Duration::from_millis(20));
    log.expect(&["a", "c"]);
    event_loop.close();
}

#[test]
fn readers_and_writers_are_called_until_they_are_removed() {
    let (mut near, far) = UnixStream::pair().unwrap();
    let log = Log::default();
    run(async {
        let event_loop = EventLoop::running().unwrap();
        let (reads, writes) = (log.clone(), log.clone());
        event_loop
            .add_reader(&far, move || reads.add("read"))
            .unwrap();
        event_loop
            .add_writer(&far, move || writes.add("write"))
            .unwrap();
        yield_now().await.unwrap();
        assert!(event_loop.remove_writer(far.as_raw_fd()).unwrap());
        assert!(!event_loop.remove_writer(far.as_raw_fd()).unwrap());
        log.0.borrow_mut().clear();
        near.write_all(b"x").unwrap();
        while log.0.borrow().len() < 2 {
            yield_now().await.unwrap();
        }
        assert!(event_loop.remove_reader(far.as_raw_fd()).unwrap());
        log.0.borrow_mut().truncate(2);
        log.expect(&["read", "read"]);
    })
    .unwrap();
}

#[test]
fn a_panicking_callback_is_reported_and_the_others_run() {
    let log = Log::default();
    let event_loop = EventLoop::new().unwrap();
    let reports = log.clone();
    event_loop.set_exception_handler(Some(Box::new(move |report| {
        reports.add(report);
        panic!("the handler, too");
    })));
    event_loop.call_soon(|| panic!("oh"));
    let last = log.clone();
    event_loop.call_soon(move || last.add("next"));
    let stopping = event_loop.clone();
    event_loop.call_soon(move || stopping.stop());
    event_loop.run_forever().unwrap();
    log.expect(&[
        "Exception in callback\nerror: a callback panicked: oh",
        "next",
    ]);
    event_loop.close();
}

#[test]
fn debug_mode_names_slow_tasks_and_where_they_were_made() {
    let log = Log::default();
    let mut runner = Runner::new().unwrap();
    let event_loop = runner.get_loop().clone();
    event_loop.set_debug(true);
    event_loop.set_slow_callback_duration(Duration::from_millis(5));
    let reports = log.clone();
    event_loop.set_exception_handler(Some(Box::new(move |report| reports.add(report.message()))));
    runner
        .run(async {
            ferrio::spawn_with(ferrio::Builder::new().name("slow"), async {
                std::thread::sleep(Duration::from_millis(6));
            })
            .await
            .unwrap();
            event_loop.call_soon(|| std::thread::sleep(Duration::from_millis(6)));
            yield_now().await.unwrap();
            yield_now().await.unwrap();
        })
        .unwrap();
    let messages = log.0.take();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[0].starts_with("Executing <Task pending name='slow' spawned at "));
    assert!(messages[0].contains("event_loop.rs:") && messages[0].contains(" took 0.0"));
    assert!(messages[1].starts_with("Executing a callback took 0.0"));
}

#[test]
fn a_stopped_loop_has_not_completed_the_future() {
    let event_loop = EventLoop::new().unwrap();
    let stopping = event_loop.clone();
    event_loop.call_later(Duration::from_millis(1), move || stopping.stop());
    let log = Log::default();
    let witness = log.witness("main");
    let error = event_loop
        .run_until_complete(async move {
            let _witness = witness;
            std::future::pending::<()>().await;
        })
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Event loop stopped before Future completed."
    );
    log.expect(&["main dropped"]);
    assert!(event_loop.all_tasks().is_empty());
    event_loop.close();
    assert!(matches!(event_loop.run_forever(), Err(RunError::Closed)));
}

#[test]
fn loops_of_several_threads_are_apart() {
    let threads: Vec<_> = (0..4)
        .map(|number| {
            std::thread::spawn(move || {
                run(async move {
                    let shared = Rc::new(number);
                    let mut sum = 0;
                    for _ in 0..1000 {
                        let shared = shared.clone();
                        sum += ferrio::spawn(async move { *shared }).await.unwrap();
                    }
                    sum
                })
                .unwrap()
            })
        })
        .collect();
    let sums: Vec<i32> = threads.into_iter().map(|it| it.join().unwrap()).collect();
    assert_eq!(sums, [0, 1000, 2000, 3000]);
}
