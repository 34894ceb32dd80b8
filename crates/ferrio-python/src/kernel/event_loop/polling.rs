//! The poll of an iteration, and whether the GIL is released for it.
//!
//! A thread that wants the GIL waits for the switch interval (`sys.setswitchinterval`, 5 ms), then asks the holder to
//! release it. Whenever the GIL is released before that, the thread starts to wait again (`take_gil` in
//! `Python/ceval_gil.c`). A busy loop that releases the GIL for each poll has it back before the other thread is awake:
//! with callbacks of 50 us, that thread got the GIL once a second. If the other thread computes and does get it, the loop
//! has to wait in turn, and stands still for a switch interval after each poll.
//!
//! So a busy loop first looks for events without releasing the GIL. As long as it finds some, it behaves like any thread
//! that computes, and shares the GIL with others as such threads do. A look that finds nothing costs an additional system
//! call, so each of these makes the loop look less often.
//!
//! The interpreter releases the GIL on request only while it runs Python code, which a busy loop need not do:
//! `add_reader(fd, int)` and `call_soon(int)` run none, nor does a native reader whose buffer fills. So after every few
//! iterations that have kept the GIL, the loop calls a Python function that does nothing. Iterations without a poll count,
//! too, but the call waits for the next poll, since even a test of the count would slow each of them down.

use std::io;

use ferrio::engine::Parked;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::Loop;
use crate::{base::imports, cpython};

/// The number of polls from one look to the next in a loop whose looks never find anything.
const LOOK_EVERY: u32 = 16;

/// The number of iterations that may keep the GIL before the next poll is followed by a call of Python code.
const GIVE_WAY_EVERY: u32 = 16;

/// When to look for events before releasing the GIL.
#[derive(Debug, Default)]
pub struct Looks {
    /// The number of polls without a look after the last look that has found nothing.
    pause: u32,
    /// The number of these polls that are left.
    left: u32,
    /// The number of iterations that have kept the GIL since the loop gave way.
    kept: u32,
}

impl Looks {
    /// Whether this poll, which may block, looks for events first.
    fn is_due(&mut self) -> bool {
        let due = self.left == 0;
        self.left = self.left.saturating_sub(1);
        due
    }

    /// Adapts the pause to whether a look has found something.
    fn note(&mut self, found: bool) {
        self.pause = if found {
            0
        } else {
            (2 * self.pause + 1).min(LOOK_EVERY - 1)
        };
        self.left = self.pause;
    }

    /// Whether the loop has to give way to other threads now.
    fn give_way(&mut self) -> bool {
        let now = self.kept >= GIVE_WAY_EVERY;
        if now {
            self.kept = 0;
        }
        now
    }
}

impl Loop {
    /// Waits for events. The GIL is released while that may block.
    ///
    /// Signal handlers that are due run before a wait that blocks, and `park_again` decides anew how long that is. Returns
    /// the outcome of the wait, and the error that a signal handler has raised; then nothing was waited for.
    pub(super) fn poll(
        &self,
        py: Python<'_>,
        parked: &mut Parked,
        park_again: impl FnOnce(&mut Parked),
    ) -> (io::Result<()>, PyResult<()>) {
        let iterations = parked.unpolled() + 1;
        self.looks.with(py, |looks| looks.kept += iterations);
        if !parked.blocks() {
            return (parked.wait(), Ok(()));
        }
        if self.looks.with(py, Looks::is_due) {
            match parked.look() {
                Ok(found) => {
                    self.looks.with(py, |looks| looks.note(found));
                    if found {
                        return (Ok(()), Ok(()));
                    }
                }
                Err(error) => return (Err(error), Ok(())),
            }
        }
        self.looks.with(py, |looks| looks.kept = 0);
        match self.wait_guarded(py, parked, park_again) {
            Ok(outcome) => (outcome, Ok(())),
            Err(error) => (Err(io::ErrorKind::Interrupted.into()), Err(error)),
        }
    }

    /// Waits in such a way that a signal ends the wait. Fails if a signal handler that runs before it raises.
    fn wait_guarded(
        &self,
        py: Python<'_>,
        parked: &mut Parked,
        park_again: impl FnOnce(&mut Parked),
    ) -> PyResult<io::Result<()>> {
        let guard = self.begin_guard(py)?;
        // A signal that came earlier was not written to the descriptor.
        let waited = py.check_signals().map(|()| {
            park_again(parked);
            py.detach(|| parked.wait())
        });
        if let Some(fd) = guard {
            self.end_guard(py, fd)?;
        }
        waited
    }

    /// Lets another thread that has asked for the GIL have it, after every few iterations that have kept it. Signal
    /// handlers run here, too, and may raise.
    pub(super) fn give_way(&self, py: Python<'_>) -> PyResult<()> {
        if self.looks.with(py, Looks::give_way) {
            cpython::call(imports::give_way(py)?, &PyTuple::empty(py))?;
        }
        Ok(())
    }
}
