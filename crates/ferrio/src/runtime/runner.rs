//! [`run`]: a program's `main`, and what goes with it.

use std::io;

use crate::task::{AlreadyRunning, Builder, Cancelled, TaskRef};

use super::event_loop::EventLoop;

/// Why a loop has not run a future to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A loop runs on this thread already: this was called by one of its tasks or callbacks.
    #[error(transparent)]
    Nested(#[from] AlreadyRunning),
    /// The loop is closed.
    #[error("Event loop is closed")]
    Closed,
    /// The loop was stopped before.
    #[error("Event loop stopped before Future completed.")]
    Stopped,
    /// The future was cancelled before it began.
    #[error("the main task was {0}")]
    Cancelled(Cancelled),
    /// The poller cannot be opened or has failed (`epoll_create1(2)`, `epoll_wait(2)`, `kqueue(2)`).
    #[error("the event loop cannot poll: {0}")]
    Poll(#[from] io::Error),
}

/// Runs futures on one loop, and cleans up after them; asyncio's class of this name.
///
/// ```
/// let mut runner = ferrio::Runner::new()?;
/// let first = runner.run(async { 1 })?;
/// assert_eq!(runner.run(async { first + 1 })?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Runner {
    event_loop: EventLoop,
}

impl Runner {
    /// Makes a runner with a loop of its own.
    ///
    /// Fails when the process has no file descriptors left.
    pub fn new() -> io::Result<Runner> {
        Ok(Runner {
            event_loop: EventLoop::new()?,
        })
    }

    /// Returns the loop.
    pub const fn get_loop(&self) -> &EventLoop {
        &self.event_loop
    }

    /// Runs `future` as a task until it is done, and returns its output. Tasks that it leaves go on at the next run.
    ///
    /// Fails as [`EventLoop::run_until_complete`] does. A panic of the future goes on here.
    #[track_caller]
    pub fn run<F: Future>(&mut self, future: F) -> Result<F::Output, RunError> {
        self.event_loop.run_task(Builder::new(), future, |_| ())
    }

    /// Cancels all tasks, waits until they are done, waits for the threads of the loop's executor, and closes the loop.
    /// Dropping the runner does the same.
    ///
    /// Fails when this is called while a loop runs on this thread, and when the poller fails.
    pub fn close(&mut self) -> Result<(), RunError> {
        if self.event_loop.is_closed() {
            return Ok(());
        }
        let left = self.event_loop.all_tasks();
        for task in &left {
            task.cancel(None);
        }
        let mut outcome = Ok(());
        if !left.is_empty() {
            outcome = self.event_loop.run_task(Builder::new(), end(left), |_| ());
        }
        if matches!(outcome, Err(RunError::Nested(_))) {
            return outcome;
        }
        let ended = self.event_loop.shutdown_default_executor();
        self.event_loop.close();
        outcome.and(ended)
    }
}

/// Waits for the end of tasks that were cancelled.
async fn end(tasks: Vec<TaskRef>) {
    for task in tasks {
        let _ = task.finished().await; // Nobody cancels this.
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// Runs `future` on a new loop, cancels the tasks that it leaves, waits for their end, and returns the output;
/// `asyncio.run`.
///
/// The future may borrow from the caller. A panic of the future goes on here. Fails when a loop runs on this thread
/// already, when `stop` is called, and when the process has no file descriptors left for a loop.
///
/// ```
/// let words = ["hello", "world"];
/// let length = ferrio::run(async { words.iter().map(|word| word.len()).sum::<usize>() })?;
/// assert_eq!(length, 10);
/// # Ok::<(), ferrio::RunError>(())
/// ```
#[track_caller]
pub fn run<F: Future>(future: F) -> Result<F::Output, RunError> {
    if EventLoop::running().is_some() {
        return Err(RunError::Nested(AlreadyRunning));
    }
    let mut runner = Runner::new()?;
    let output = runner.run(future)?;
    runner.close()?;
    Ok(output)
}
