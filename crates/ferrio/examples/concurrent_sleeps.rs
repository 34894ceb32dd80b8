//! Sleeps of 3, 1 and 1 seconds, side by side, take just over 3 seconds.

use std::time::{Duration, Instant};

async fn sleeper(name: &'static str, seconds: u64) -> Result<&'static str, ferrio::Cancelled> {
    println!("{name} sleeps for {seconds} s");
    ferrio::sleep(Duration::from_secs(seconds)).await?;
    println!("{name} wakes up");
    Ok(name)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    ferrio::run(async {
        let started = Instant::now();
        let tasks = [("Long", 3), ("Short", 1), ("Other", 1)]
            .map(|(name, seconds)| ferrio::spawn(sleeper(name, seconds)));
        let mut names = Vec::new();
        for task in tasks {
            names.push(task.await??);
        }
        let seconds = started.elapsed().as_secs_f64();
        println!("{}: together {seconds:.2} s", names.join(", "));
        Ok(())
    })?
}
