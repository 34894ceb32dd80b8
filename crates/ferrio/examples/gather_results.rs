//! `gather` returns results in the order of its arguments, whatever finishes first.

use std::time::Duration;

use ferrio::{JoinError, TaskRef, gather, gather_all, sleep, spawn};

/// Why there is no square.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Reason(&'static str),
    #[error(transparent)]
    Cancelled(#[from] ferrio::Cancelled),
    #[error(transparent)]
    Join(#[from] JoinError),
}

async fn square(number: u32, milliseconds: u64) -> Result<u32, Refusal> {
    sleep(Duration::from_millis(milliseconds)).await?;
    println!("{number} squared is ready");
    Ok(number * number)
}

#[allow(clippy::unused_async)] // It needs no waiting.
async fn refuse(reason: &'static str) -> Result<u32, Refusal> {
    Err(Refusal::Reason(reason))
}

fn state(task: &TaskRef) -> &'static str {
    if task.is_done() {
        "done"
    } else {
        "still running"
    }
}

async fn work() -> Result<(), Refusal> {
    let results = gather([square(1, 300), square(2, 100), square(3, 200)]).await?;
    println!("results: {results:?}");

    // One that fails: gather() returns at once, and the others go on.
    let slow = spawn(square(4, 100));
    let observed = slow.task_ref();
    let both = gather!(refuse("no squares today"), async { slow.await? });
    if let Err(error) = both.await {
        println!("gather raised: {error}; the other is {}", state(&observed));
    }
    observed.finished().await?;

    // Or failures are results like any other.
    let outcomes = gather_all([spawn(square(5, 100)), spawn(refuse("still none"))]).await?;
    let shown: Vec<String> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok(Ok(number)) => number.to_string(),
            Ok(Err(error)) => format!("ValueError('{error}')"),
            Err(error) => error.to_string(),
        })
        .collect();
    println!("results: [{}]", shown.join(", "));
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    Ok(ferrio::run(work())??)
}
