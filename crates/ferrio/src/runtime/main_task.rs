//! The future that a loop is run for. It may borrow from whoever runs the loop.

use std::pin::pin;

use crate::task::{Builder, JoinError, Scoped};

use super::event_loop::EventLoop;
use super::iteration::Run;
use super::runner::RunError;

impl EventLoop {
    /// Runs the loop until `future` is done, as a task, and returns its output.
    ///
    /// Fails when a loop runs on this thread already, when the loop is closed or is stopped before, and when the poller
    /// fails. A panic of the future goes on here.
    #[track_caller]
    pub fn run_until_complete<F: Future>(&self, future: F) -> Result<F::Output, RunError> {
        self.run_task(Builder::new(), future, |_| ())
    }

    /// Does this with a task that `builder` describes, after `prepare` has seen it.
    pub(super) fn run_task<F: Future>(
        &self,
        builder: Builder,
        future: F,
        prepare: impl FnOnce(crate::task::TaskRef),
    ) -> Result<F::Output, RunError> {
        let run = Run::begin(self)?;
        let mut output = None;
        let mut done = false;
        let task = Scoped::new(builder, &*self.0);
        prepare(task.task());
        {
            let mut future = pin!(Some(async { output = Some(future.await) }));
            let outcome = self.0.run_until(|| {
                done = task.poll(future.as_mut());
                done
            });
            task.abandon(future.as_mut());
            outcome?;
        }
        drop(run);
        match task.outcome() {
            // The output may be the error of a cancellation, which is the program's to see.
            _ if output.is_some() => Ok(output.expect("it is there")),
            Some(Err(JoinError::Panicked(panicked))) => panicked.resume(),
            Some(Err(JoinError::Cancelled(cancelled))) if done => {
                Err(RunError::Cancelled(cancelled))
            }
            _ => Err(RunError::Stopped),
        }
    }
}
