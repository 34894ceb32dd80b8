//! The operations on smol's executor and timers.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use async_executor::LocalExecutor;
use async_io::{Timer, block_on};
use futures_lite::future::yield_now;

use crate::{BATCH, LONG, Measurement, TIMES, nanoseconds};

pub const ROWS: [Measurement; 4] = [spawn, switch, timer, timers];

fn run<F: Future<Output = ()>>(main: impl FnOnce(Rc<LocalExecutor<'static>>) -> F) -> f64 {
    let executor = Rc::new(LocalExecutor::new());
    let main = main(Rc::clone(&executor));
    nanoseconds(|| block_on(executor.run(main)))
}

fn spawn() -> f64 {
    run(async |executor| {
        for _ in 0..TIMES / BATCH {
            let tasks: Vec<_> = (0..BATCH).map(|number| executor.spawn(async move { number })).collect();
            for task in tasks {
                task.await;
            }
        }
    })
}

fn switch() -> f64 {
    async fn turns() {
        for _ in 0..TIMES / 2 {
            yield_now().await;
        }
    }
    run(async |executor| {
        let (one, two) = (executor.spawn(turns()), executor.spawn(turns()));
        one.await;
        two.await;
    })
}

fn timer() -> f64 {
    run(async |_| {
        for _ in 0..TIMES {
            let mut sleep = pin!(Timer::after(LONG));
            poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx).is_pending())).await;
        }
    })
}

fn timers() -> f64 {
    run(async |executor| {
        let end = Instant::now() + Duration::from_millis(1);
        let tasks: Vec<_> = (0..TIMES).map(|_| executor.spawn(async move { Timer::at(end).await })).collect();
        for task in tasks {
            task.await;
        }
    })
}
