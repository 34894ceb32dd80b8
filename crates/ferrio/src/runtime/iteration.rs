//! One iteration of the loop, and the ways to run many.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Instant;

use crate::engine::Block;
use crate::task::{Panicked, host};

use super::event_loop::{EventLoop, Inner, set_running};
use super::payload::Payload;
use super::reports::Report;
use super::runner::RunError;

/// While this lives, a loop runs on this thread.
pub(super) struct Run {
    _entered: host::Entered,
}

impl Run {
    pub(super) fn begin(event_loop: &EventLoop) -> Result<Run, RunError> {
        if event_loop.is_closed() {
            return Err(RunError::Closed);
        }
        let entered = host::enter(Rc::clone(&event_loop.0) as Rc<dyn host::Host>)?;
        set_running(Some(Rc::clone(&event_loop.0)));
        Ok(Run { _entered: entered })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        set_running(None);
    }
}

impl EventLoop {
    /// Runs the loop until [`stop`](Self::stop) is called.
    ///
    /// Fails when a loop runs on this thread already, when the loop is closed, and when the poller fails.
    pub fn run_forever(&self) -> Result<(), RunError> {
        let _run = Run::begin(self)?;
        self.0.run_until(|| false)
    }

    /// Closes the loop: drops all tasks and callbacks that are left, and its descriptors.
    ///
    /// A task that is not done ends as cancelled. The threads of the loop's executor end by themselves when their work is
    /// done. Calling this again does nothing.
    ///
    /// # Panics
    ///
    /// If the loop is running.
    pub fn close(&self) {
        assert!(!self.is_running(), "Cannot close a running event loop");
        if self.0.closed.replace(true) {
            return;
        }
        if let Some(executor) = self.0.executor.take() {
            executor.detach();
        }
        // Waking a task queues it; what is queued is handed back below, and dropped with nothing borrowed.
        let entered = host::enter(Rc::clone(&self.0) as Rc<dyn host::Host>).ok();
        for task in self.all_tasks() {
            task.queue();
        }
        let payloads = self.0.core.borrow_mut().close();
        for payload in payloads {
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(payload)));
            self.0
                .report_panic("Exception when a callback was dropped", dropped);
        }
        drop(entered);
        host::drop_orphans();
    }
}

impl Inner {
    /// Runs iterations until the loop is stopped or `is_done` says so, which is asked after each callback.
    pub(super) fn run_until(&self, mut is_done: impl FnMut() -> bool) -> Result<(), RunError> {
        loop {
            let ready = self.poll()?;
            for _ in 0..ready {
                let payload = self.core.borrow_mut().pop();
                let Some(payload) = payload else { break };
                self.run(payload);
                if is_done() {
                    return Ok(());
                }
            }
            if self.stopping.replace(false) {
                return Ok(());
            }
        }
    }

    /// Makes the part of an iteration that comes before the callbacks; returns their number.
    fn poll(&self) -> io::Result<usize> {
        let mut core = self.core.borrow_mut();
        if let Some(ready) = core.turn_without_poll() {
            return Ok(ready);
        }
        let block = if self.stopping.get() {
            Block::Never
        } else {
            Block::Allowed
        };
        let mut parked = core.park(block);
        drop(core);
        let outcome = parked.wait();
        self.core
            .borrow_mut()
            .unpark(parked, outcome, Payload::duplicate)
    }

    fn run(&self, payload: Payload) {
        if self.debug.get() && !matches!(payload, Payload::Task(_)) {
            return self.run_timed(payload);
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| payload.run()));
        if outcome.is_err() {
            self.report_panic("Exception in callback", outcome);
        }
    }

    /// Runs a callback in debug mode. Steps of tasks are timed by the tasks, which can say who they are.
    #[cold]
    fn run_timed(&self, payload: Payload) {
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| payload.run()));
        self.report_panic("Exception in callback", outcome);
        let taken = start.elapsed();
        if taken >= self.slow.get() {
            let message = format!(
                "Executing a callback took {:.3} seconds",
                taken.as_secs_f64()
            );
            self.handle(&Report::new(&message));
        }
    }

    #[cold]
    fn report_panic(&self, message: &str, outcome: std::thread::Result<()>) {
        if let Err(payload) = outcome {
            let panicked = Panicked::new("a callback", payload);
            self.handle(&Report::new(message).error(Some(&panicked)));
        }
    }
}
