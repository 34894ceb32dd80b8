//! Barriers: nobody passes until so many have come.

use ferrio::{Barrier, BarrierError, BrokenBarrier, Task, run, spawn};

use crate::{is_ready, settle};

type Waiting = Task<Result<usize, BarrierError>>;

fn waiting(barrier: &Barrier, count: usize) -> Vec<Waiting> {
    (0..count).map(|_| spawn(barrier.wait())).collect()
}

async fn outcomes(tasks: Vec<Waiting>) -> Vec<Result<usize, BarrierError>> {
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

#[test]
#[should_panic(expected = "parties must be >= 1")]
fn a_barrier_for_nobody_cannot_be_made() {
    Barrier::new(0);
}

#[test]
fn all_pass_when_the_last_one_comes_again_and_again() {
    run(async {
        let barrier = Barrier::new(3);
        for _ in 0..2 {
            let tasks = waiting(&barrier, 2);
            settle().await;
            assert_eq!(format!("{barrier:?}"), "<Barrier [filling, waiters:2/3]>");
            assert_eq!((barrier.n_waiting(), barrier.parties()), (2, 3));
            assert_eq!(barrier.wait().await, Ok(2));
            assert_eq!(format!("{barrier:?}"), "<Barrier [draining, waiters:0/3]>");
            assert_eq!(outcomes(tasks).await, [Ok(0), Ok(1)]);
            assert_eq!(format!("{barrier:?}"), "<Barrier [filling, waiters:0/3]>");
        }
    })
    .unwrap();
}

#[test]
fn one_who_comes_while_others_leave_waits_for_them() {
    run(async {
        let barrier = Barrier::new(2);
        let tasks = waiting(&barrier, 1);
        settle().await;
        assert_eq!(barrier.wait().await, Ok(1));
        let mut late = barrier.wait();
        assert!(!is_ready(&mut late).await);
        assert_eq!(barrier.n_waiting(), 0);
        assert_eq!(outcomes(tasks).await, [Ok(0)]);
        assert!(!is_ready(&mut late).await);
        assert_eq!(barrier.n_waiting(), 1);
        let last = spawn(barrier.wait());
        assert_eq!(late.await, Ok(0));
        assert_eq!(last.await.unwrap(), Ok(1));
    })
    .unwrap();
}

#[test]
fn one_who_is_cancelled_or_dropped_does_not_count() {
    run(async {
        let barrier = Barrier::new(3);
        let mut dropped = barrier.wait();
        assert!(!is_ready(&mut dropped).await);
        let cancelled = spawn(barrier.wait());
        settle().await;
        assert_eq!(barrier.n_waiting(), 2);
        cancelled.cancel(None);
        drop(dropped);
        assert!(cancelled.await.unwrap_err().is_cancelled());
        assert_eq!(barrier.n_waiting(), 0);
        let tasks = waiting(&barrier, 3);
        assert_eq!(outcomes(tasks).await, [Ok(0), Ok(1), Ok(2)]);
        assert!(!barrier.broken());
    })
    .unwrap();
}

#[test]
fn one_who_leaves_by_cancellation_lets_newcomers_in() {
    run(async {
        let barrier = Barrier::new(2);
        let mut first = barrier.wait();
        assert!(!is_ready(&mut first).await);
        assert_eq!(barrier.wait().await, Ok(1));
        let late = spawn(barrier.wait());
        settle().await;
        assert_eq!(barrier.n_waiting(), 0, "the first has not left");
        drop(first);
        settle().await;
        assert_eq!(barrier.n_waiting(), 1);
        assert_eq!(barrier.wait().await, Ok(1));
        assert_eq!(late.await.unwrap(), Ok(0));
    })
    .unwrap();
}

#[test]
fn a_reset_sends_those_away_who_wait() {
    run(async {
        let barrier = Barrier::new(3);
        let tasks = waiting(&barrier, 2);
        settle().await;
        barrier.reset();
        assert_eq!(format!("{barrier:?}"), "<Barrier [resetting, waiters:0/3]>");
        for outcome in outcomes(tasks).await {
            assert_eq!(
                outcome.unwrap_err().to_string(),
                "Abort or reset of barrier"
            );
        }
        assert!(!barrier.broken());
        assert_eq!(outcomes(waiting(&barrier, 3)).await.len(), 3);
    })
    .unwrap();
}

#[test]
fn a_reset_while_others_leave_breaks_the_wait_of_those_who_have_not() {
    run(async {
        let barrier = Barrier::new(3);
        let (mut first, mut second) = (barrier.wait(), barrier.wait());
        assert!(!is_ready(&mut first).await && !is_ready(&mut second).await);
        assert_eq!(barrier.wait().await, Ok(2));
        assert_eq!(first.await, Ok(0));
        barrier.reset();
        let broken = BarrierError::Broken(BrokenBarrier::AbortedOrReset);
        assert_eq!(second.await, Err(broken));
        assert_eq!(format!("{barrier:?}"), "<Barrier [filling, waiters:0/3]>");
    })
    .unwrap();
}

#[test]
fn an_abort_holds_until_a_reset() {
    run(async {
        let barrier = Barrier::new(2);
        let tasks = waiting(&barrier, 1);
        settle().await;
        barrier.abort();
        let broken = BarrierError::Broken(BrokenBarrier::AbortedOrReset);
        assert_eq!(outcomes(tasks).await, [Err(broken)]);
        assert!(barrier.broken());
        assert_eq!(format!("{barrier:?}"), "<Barrier [broken]>");
        let aborted = BarrierError::Broken(BrokenBarrier::Aborted);
        assert_eq!(barrier.wait().await, Err(aborted));
        barrier.reset();
        assert_eq!(outcomes(waiting(&barrier, 2)).await, [Ok(0), Ok(1)]);
    })
    .unwrap();
}
