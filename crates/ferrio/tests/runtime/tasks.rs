//! Tasks: order, outcome, names, callbacks.

use std::time::{Duration, Instant};

use ferrio::{Builder, JoinError, current_task, run, sleep, spawn, spawn_with, yield_now};

use crate::Log;

#[test]
fn a_task_begins_in_the_next_iteration_and_tasks_begin_in_order() {
    let log = Log::default();
    run(async {
        let (one, two) = (log.clone(), log.clone());
        let first = spawn(async move { one.add("first") });
        let second = spawn(async move { two.add("second") });
        log.add("main");
        second.await.unwrap();
        first.await.unwrap();
    })
    .unwrap();
    log.expect(&["main", "first", "second"]);
}

#[test]
fn tasks_that_yield_take_turns() {
    let log = Log::default();
    run(async {
        let tasks: Vec<_> = (0..2)
            .map(|number| {
                let log = log.clone();
                spawn(async move {
                    for step in 0..3 {
                        log.add(format!("{number}.{step}"));
                        yield_now().await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    })
    .unwrap();
    log.expect(&["0.0", "1.0", "0.1", "1.1", "0.2", "1.2"]);
}

#[test]
fn sleeps_end_in_the_order_of_their_times_and_never_early() {
    let log = Log::default();
    let start = Instant::now();
    run(async {
        let tasks = [30, 10, 20].map(|milliseconds| {
            let log = log.clone();
            spawn(async move {
                sleep(Duration::from_millis(milliseconds)).await.unwrap();
                assert!(start.elapsed() >= Duration::from_millis(milliseconds));
                log.add(milliseconds);
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
    })
    .unwrap();
    log.expect(&["10", "20", "30"]);
}

#[test]
fn a_panic_is_delivered_to_the_one_who_awaits_and_the_loop_lives() {
    run(async {
        let task = spawn_with(Builder::new().name("unlucky"), async { panic!("thirteen") });
        let error: JoinError = task.await.unwrap_err();
        assert_eq!(error.to_string(), "unlucky panicked: thirteen");
        assert!(error.is_panic());
        assert_eq!(spawn(async { 1 }).await.unwrap(), 1);
    })
    .unwrap();
}

#[test]
fn a_panic_that_nobody_awaits_is_reported() {
    let log = Log::default();
    let event_loop = ferrio::EventLoop::new().unwrap();
    let reports = log.clone();
    event_loop.set_exception_handler(Some(Box::new(move |report| {
        let error = report.get_error().unwrap().to_string();
        reports.add(format!("{}: {error}", report.message()));
    })));
    event_loop
        .run_until_complete(async {
            drop(spawn_with(Builder::new().name("one"), async {
                panic!("unseen")
            }));
            let late = spawn_with(Builder::new().name("two"), async { panic!("late") });
            yield_now().await.unwrap();
            yield_now().await.unwrap();
            assert!(late.is_done());
        })
        .unwrap();
    log.expect(&[
        "Task exception was never retrieved: one panicked: unseen",
        "Task exception was never retrieved: two panicked: late",
    ]);
    event_loop.close();
}

#[test]
fn a_panicking_destructor_of_a_future_does_not_end_the_process() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let log = Log::default();
    let event_loop = ferrio::EventLoop::new().unwrap();
    let reports = log.clone();
    event_loop.set_exception_handler(Some(Box::new(move |report| reports.add(report.message()))));
    event_loop
        .run_until_complete(async {
            // The bomb is an argument, so it is dropped with the future, not by the code in it.
            struct Ready(#[allow(dead_code)] Bomb);
            impl Future for Ready {
                type Output = u8;
                fn poll(
                    self: std::pin::Pin<&mut Self>,
                    _: &mut std::task::Context<'_>,
                ) -> std::task::Poll<u8> {
                    std::task::Poll::Ready(3)
                }
            }
            assert_eq!(spawn(Ready(Bomb)).await.unwrap(), 3);
        })
        .unwrap();
    log.expect(&["A destructor has panicked at the end of a task"]);
    event_loop.close();
}

#[test]
fn names_and_the_current_task() {
    run(async {
        let task = spawn(async { current_task().unwrap().name() });
        let name = task.name();
        assert!(name.starts_with("Task-"));
        assert_eq!(task.await.unwrap(), name);
        let main = current_task().unwrap();
        main.set_name("main");
        assert_eq!(&*current_task().unwrap().name(), "main");
        assert!(format!("{main:?}").starts_with("<Task pending name='main' spawned at "));
    })
    .unwrap();
    assert!(current_task().is_none());
}

#[test]
fn all_tasks_are_those_that_are_not_done() {
    run(async {
        let task = spawn(yield_now());
        let all = ferrio::all_tasks();
        assert_eq!(all.len(), 2);
        assert!(all.contains(&task.task_ref()) && all.contains(&current_task().unwrap()));
        task.await.unwrap().unwrap();
        assert_eq!(ferrio::all_tasks(), [current_task().unwrap()]);
    })
    .unwrap();
}

#[test]
fn done_callbacks_run_in_order_in_the_iteration_after() {
    let log = Log::default();
    run(async {
        let task = spawn(async {});
        for name in ["one", "two"] {
            let log = log.clone();
            task.add_done_callback(move |task| log.add(format!("{name} {}", task.is_done())));
        }
        while !task.is_done() {
            yield_now().await.unwrap();
        }
        log.add("done");
        let late = log.clone();
        task.add_done_callback(move |_| late.add("late"));
        yield_now().await.unwrap();
        yield_now().await.unwrap();
    })
    .unwrap();
    let mut seen = log.0.take();
    let late = seen.pop();
    assert_eq!(late.as_deref(), Some("late"));
    seen.sort();
    assert_eq!(seen, ["done", "one true", "two true"]);
}

#[test]
fn a_task_that_awaits_itself_gets_an_error() {
    run(async {
        let itself = std::rc::Rc::new(std::cell::RefCell::new(None::<ferrio::Task<()>>));
        let shared = itself.clone();
        let task = spawn(async move {
            let me = shared.take().unwrap();
            assert!(matches!(me.await, Err(JoinError::AwaitsItself)));
        });
        let observed = task.task_ref();
        itself.replace(Some(task));
        observed.finished().await.unwrap();
        assert!(!observed.is_cancelled());
    })
    .unwrap();
}

#[test]
fn a_loop_in_a_loop_is_an_error_that_says_so() {
    run(async {
        let error = run(async {}).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Cannot run the event loop while another loop is running"
        );
    })
    .unwrap();
}

#[test]
fn a_task_of_another_loop_cannot_be_awaited() {
    let other = ferrio::EventLoop::new().unwrap();
    let task = other.spawn(async { 5 });
    let error = run(task).unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "Task got Future attached to a different loop"
    );
    other.close();
}

#[test]
fn the_main_future_may_borrow() {
    let mut numbers = vec![1];
    let sum: i32 = run(async {
        numbers.push(spawn(async { 2 }).await.unwrap());
        numbers.iter().sum()
    })
    .unwrap();
    assert_eq!(sum, 3);
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn a_panic_of_the_main_future_goes_on_after_all_tasks_were_cancelled() {
    let log = Log::default();
    let theirs = log.clone();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run(async {
            drop(spawn(async move {
                let _witness = theirs.witness("task");
                let error = sleep(Duration::from_secs(3600)).await.unwrap_err();
                theirs.add(error);
                yield_now().await.unwrap();
                theirs.add("cleaned up");
            }));
            yield_now().await.unwrap();
            panic!("main");
        })
    }));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "main");
    log.expect(&["cancelled", "cleaned up", "task dropped"]);
}

#[test]
fn a_hundred_thousand_tasks() {
    let sum: u64 = run(async {
        let tasks: Vec<_> = (0..100_000u64)
            .map(|number| {
                spawn(async move {
                    yield_now().await.unwrap();
                    number
                })
            })
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        sum
    })
    .unwrap();
    assert_eq!(sum, 99_999 * 50_000);
}
