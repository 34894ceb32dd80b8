//! The operations on tokio.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::{BATCH, LONG, Measurement, TIMES, nanoseconds, nanoseconds_of};

pub const ROWS: [Measurement; 4] = [spawn, switch, timer, timers];

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, future)
}

fn spawn() -> f64 {
    run(async {
        nanoseconds_of(async {
            for _ in 0..TIMES / BATCH {
                let tasks: Vec<_> = (0..BATCH).map(|number| tokio::task::spawn_local(async move { number })).collect();
                for task in tasks {
                    task.await.unwrap();
                }
            }
        })
        .await
    })
}

fn switch() -> f64 {
    async fn turns() {
        for _ in 0..TIMES / 2 {
            tokio::task::yield_now().await;
        }
    }
    nanoseconds(|| {
        run(async {
            let (one, two) = (tokio::task::spawn_local(turns()), tokio::task::spawn_local(turns()));
            one.await.unwrap();
            two.await.unwrap();
        });
    })
}

fn timer() -> f64 {
    run(async {
        nanoseconds_of(async {
            for _ in 0..TIMES {
                let mut sleep = pin!(tokio::time::sleep(LONG));
                poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx).is_pending())).await;
            }
        })
        .await
    })
}

fn timers() -> f64 {
    nanoseconds(|| {
        run(async {
            let end = std::time::Instant::now() + std::time::Duration::from_millis(1);
            let tasks: Vec<_> = (0..TIMES).map(|_| tokio::task::spawn_local(tokio::time::sleep_until(end.into()))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    })
}
