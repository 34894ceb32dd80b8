//! The operations on ferrio.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::{BATCH, LONG, Measurement, TIMES, nanoseconds, nanoseconds_of};

pub const ROWS: [Measurement; 4] = [spawn, switch, timer, timers];

fn spawn() -> f64 {
    ferrio::run(async {
        nanoseconds_of(async {
            for _ in 0..TIMES / BATCH {
                let tasks: Vec<_> = (0..BATCH).map(|number| ferrio::spawn(async move { number })).collect();
                for task in tasks {
                    task.await.unwrap();
                }
            }
        })
        .await
    })
    .unwrap()
}

fn switch() -> f64 {
    async fn turns() {
        for _ in 0..TIMES / 2 {
            ferrio::yield_now().await.unwrap();
        }
    }
    nanoseconds(|| {
        ferrio::run(async {
            let (one, two) = (ferrio::spawn(turns()), ferrio::spawn(turns()));
            one.await.unwrap();
            two.await.unwrap();
        })
        .unwrap();
    })
}

fn timer() -> f64 {
    ferrio::run(async {
        nanoseconds_of(async {
            for _ in 0..TIMES {
                let mut sleep = pin!(ferrio::sleep(LONG));
                poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx).is_pending())).await;
            }
        })
        .await
    })
    .unwrap()
}

fn timers() -> f64 {
    nanoseconds(|| {
        ferrio::run(async {
            let end = std::time::Instant::now() + std::time::Duration::from_millis(1);
            let tasks: Vec<_> = (0..TIMES).map(|_| ferrio::spawn(ferrio::sleep_until(end))).collect();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
        })
        .unwrap();
    })
}
