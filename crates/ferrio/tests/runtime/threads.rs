//! Other threads: blocking work, and calls from outside.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use ferrio::{EventLoop, ThreadPool, run, spawn, to_thread, yield_now};

#[test]
fn blocking_calls_run_side_by_side() {
    let start = Instant::now();
    let sum: u32 = run(async {
        let calls: Vec<_> = (1..=4)
            .map(|number| {
                to_thread(move || {
                    std::thread::sleep(Duration::from_millis(100));
                    number
                })
            })
            .collect();
        let mut sum = 0;
        for call in calls {
            sum += call.await.unwrap();
        }
        sum
    })
    .unwrap();
    assert_eq!(sum, 10);
    assert!(start.elapsed() < Duration::from_millis(400));
}

#[test]
fn a_panic_in_a_thread_is_an_error_for_the_one_who_awaits_it() {
    run(async {
        let error = to_thread(|| panic!("there")).await.unwrap_err();
        assert_eq!(error.to_string(), "a thread of the pool panicked: there");
        assert_eq!(to_thread(|| 1).await.unwrap(), 1);
    })
    .unwrap();
}

#[test]
fn work_that_has_not_begun_is_taken_back_by_a_cancellation() {
    run(async {
        let event_loop = EventLoop::running().unwrap();
        event_loop.set_default_executor(ThreadPool::new(1));
        let (release, wait) = mpsc::channel::<()>();
        let busy = spawn(to_thread(move || wait.recv().is_ok()));
        let queued = spawn(to_thread(|| panic!("never called")));
        yield_now().await.unwrap();
        queued.cancel(None);
        assert!(queued.await.unwrap_err().is_cancelled());
        release.send(()).unwrap();
        assert!(busy.await.unwrap().unwrap());
    })
    .unwrap();
}

#[test]
fn the_end_of_a_run_waits_for_the_threads() {
    let (sender, receiver) = mpsc::channel();
    run(async {
        let (begins, has_begun) = mpsc::channel();
        drop(spawn(to_thread(move || {
            begins.send(()).unwrap();
            std::thread::sleep(Duration::from_millis(50));
            sender.send("done").unwrap();
        })));
        to_thread(move || has_begun.recv().unwrap()).await.unwrap();
    })
    .unwrap();
    assert_eq!(receiver.try_recv(), Ok("done"));
}

#[test]
fn other_threads_call_into_the_loop_in_order() {
    let (sender, receiver) = mpsc::channel();
    run(async {
        let event_loop = EventLoop::running().unwrap();
        let remote = event_loop.remote();
        let waiting = spawn(std::future::pending::<()>());
        let task = std::thread::spawn(move || {
            for number in 0..1000 {
                let sender = sender.clone();
                remote
                    .call_soon_threadsafe(move || sender.send(number).unwrap())
                    .unwrap();
            }
        });
        let numbers = to_thread(move || {
            (0..1000)
                .map(|_| receiver.recv().unwrap())
                .collect::<Vec<i32>>()
        });
        assert!(numbers.await.unwrap().into_iter().eq(0..1000));
        task.join().unwrap();
        drop(waiting);
    })
    .unwrap();
}

#[test]
fn a_closed_loop_refuses_calls() {
    let event_loop = EventLoop::new().unwrap();
    let remote = event_loop.remote();
    event_loop.close();
    let error = remote.call_soon_threadsafe(|| ()).unwrap_err();
    assert_eq!(error.to_string(), "Event loop is closed");
}

#[test]
fn a_thread_gets_an_answer_of_the_loop_while_the_run_ends() {
    let (sender, receiver) = mpsc::channel();
    run(async {
        let remote = EventLoop::running().unwrap().remote();
        let (begins, has_begun) = mpsc::channel();
        drop(spawn(to_thread(move || {
            begins.send(()).unwrap();
            std::thread::sleep(Duration::from_millis(50)); // Until the run is over.
            let (answers, answer) = mpsc::channel();
            remote
                .call_soon_threadsafe(move || answers.send("answer").unwrap())
                .unwrap();
            sender.send(answer.recv()).unwrap();
        })));
        to_thread(move || has_begun.recv().unwrap()).await.unwrap();
    })
    .unwrap();
    assert_eq!(receiver.try_recv().unwrap(), Ok("answer"));
}

#[test]
fn a_pool_that_is_replaced_or_shut_down() {
    run(async {
        let event_loop = EventLoop::running().unwrap();
        let (release, wait) = mpsc::channel::<()>();
        let busy = event_loop.run_in_executor(move || wait.recv().is_ok());
        event_loop.set_default_executor(ThreadPool::new(1)); // It does not wait for the one before.
        release.send(()).unwrap();
        assert!(busy.await.unwrap());

        let pool = ThreadPool::new(1);
        pool.shutdown();
        let error = pool.submit(|| ()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot schedule new futures after shutdown"
        );
    })
    .unwrap();
}
