//! What a task, a switch and a timer cost on ferrio, on tokio's current-thread runtime and on smol's executor.
//!
//! `cargo run --release -- [REPETITIONS]` runs the peers one after the other in each repetition, and prints the least
//! processor time of each, in nanoseconds for one operation.

mod ferrio_peer;
mod smol_peer;
mod tokio_peer;

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How often each operation is done in one measurement.
const TIMES: u32 = 100_000;
/// The tasks that are alive at once in `spawn and join`.
const BATCH: u32 = 100;
/// A time that does not come during a measurement.
const LONG: Duration = Duration::from_secs(3600);

type Measurement = fn() -> f64;

/// Returns the processor time of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Returns the nanoseconds since `start` for each of `TIMES` operations.
fn each_since(start: Duration) -> f64 {
    (processor_time() - start).as_secs_f64() * 1e9 / f64::from(TIMES)
}

/// Calls `work`, which does something `TIMES` times, and returns the nanoseconds for each.
fn nanoseconds(work: impl FnOnce()) -> f64 {
    let start = processor_time();
    work();
    each_since(start)
}

/// Does the same with a future, without what it takes to start and end a runtime.
async fn nanoseconds_of(work: impl Future<Output = ()>) -> f64 {
    let start = processor_time();
    work.await;
    each_since(start)
}

fn main() {
    let repetitions = std::env::args().nth(1).map_or(10, |number| {
        number.parse().expect("the number of repetitions")
    });
    let peers: [(&str, [Measurement; 4]); 3] = [
        ("ferrio", ferrio_peer::ROWS),
        ("tokio", tokio_peer::ROWS),
        ("smol", smol_peer::ROWS),
    ];
    let rows = [
        "spawn and join, 100 at once",
        "yield between two tasks",
        "timer made and dropped",
        "timers due, 100,000 at once",
    ];
    println!("{:30}{:>10}{:>10}{:>10}", "nanoseconds", "ferrio", "tokio", "smol");
    for (row, name) in rows.iter().enumerate() {
        let mut least = [f64::INFINITY; 3];
        for _ in 0..repetitions {
            for (peer, (_, measurements)) in peers.iter().enumerate() {
                least[peer] = least[peer].min(measurements[row]());
            }
        }
        println!("{name:30}{:10.0}{:10.0}{:10.0}", least[0], least[1], least[2]);
    }
}
