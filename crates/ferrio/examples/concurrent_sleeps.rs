//! Sleeps of 3, 1 and 1 seconds, side by side, take just over 3 seconds.

use std::time::{Duration, Instant};

use ferrio::{Cancelled, gather, sleep};

async fn sleeper(name: &'static str, seconds: u64) -> Result<&'static str, Cancelled> {
    println!("{name} sleeps for {seconds} s");
    sleep(Duration::from_secs(seconds)).await?;
    println!("{name} wakes up");
    Ok(name)
}

async fn work() -> Result<(), Cancelled> {
    let started = Instant::now();
    let sleepers = [("Long", 3), ("Short", 1), ("Other", 1)];
    let names = gather(sleepers.map(|(name, seconds)| sleeper(name, seconds))).await?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{}: together {seconds:.2} s", names.join(", "));
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    Ok(ferrio::run(work())??)
}
