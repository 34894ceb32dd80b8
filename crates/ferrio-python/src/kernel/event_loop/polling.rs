//! The poll of an iteration, and whether the GIL is released for it.
//!
//! Who wants the GIL asks its holder to give it up when the switch interval is over (`sys.setswitchinterval`, 5 ms), and
//! begins to count anew whenever it is released before that (`take_gil` in `Python/ceval_gil.c`). A loop that releases it for
//! each poll, although there always is something to do, has it back before another thread is awake: with callbacks of
//! 50 us, that one got it once a second. If the other thread computes and does get it, the loop has to ask in turn, and
//! stands still for a switch interval after each poll.
//!
//! So a loop that is busy looks what has happened before it releases the GIL. As long as that is something it is like any
//! thread that computes, and shares the GIL as the interpreter has such threads share it. It takes a system call more
//! whenever there turns out to be nothing, which therefore makes it look less often.
//!
//! The interpreter asks when it runs Python code, and a busy loop need not run any: `add_reader(fd, int)` has none, nor has
//! what fills the buffer of a native reader. So every few polls that keep the GIL a Python function is called that does
//! nothing.

use std::io;

use ferrio::Parked;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::Loop;
use crate::{base::imports, cpython};

/// A loop that always has to wait looks in vain before one in this many polls.
const LOOK_EVERY: u32 = 16;

/// After how many polls in a row that keep the GIL Python code has to run.
const GIVE_WAY_EVERY: u32 = 16;

/// When to look before releasing the GIL.
#[derive(Debug, Default)]
pub struct Looks {
    /// How many polls go without a look after one in vain.
    pause: u32,
    /// How many are left of these.
    left: u32,
    /// How many polls have kept the GIL since the loop gave way.
    kept: u32,
}

impl Looks {
    /// Whether this poll, which may block, looks first.
    fn is_due(&mut self) -> bool {
        let due = self.left == 0;
        self.left = self.left.saturating_sub(1);
        due
    }

    /// Takes into account whether a look has found something.
    fn note(&mut self, found: bool) {
        self.pause = if found {
            0
        } else {
            (2 * self.pause + 1).min(LOOK_EVERY - 1)
        };
        self.left = self.pause;
    }

    /// Whether the loop has to give way before it goes on.
    fn give_way(&mut self) -> bool {
        let now = self.kept >= GIVE_WAY_EVERY;
        if now {
            self.kept = 0;
        }
        now
    }
}

impl Loop {
    /// Waits for what happens; the GIL is released while that may take time.
    pub(super) fn poll(&self, py: Python<'_>, parked: &mut Parked) -> io::Result<()> {
        self.looks.with(py, |looks| looks.kept += 1);
        if !parked.blocks() {
            return parked.wait();
        }
        if self.looks.with(py, Looks::is_due) {
            let found = parked.look()?;
            self.looks.with(py, |looks| looks.note(found));
            if found {
                return Ok(());
            }
        }
        self.looks.with(py, |looks| looks.kept = 0);
        py.detach(|| parked.wait())
    }

    /// Lets another thread have the GIL if it has asked for it, every few polls that have kept it. Raises what signal
    /// handlers raise, which run here, too.
    pub(super) fn give_way(&self, py: Python<'_>) -> PyResult<()> {
        if self.looks.with(py, Looks::give_way) {
            cpython::call(imports::give_way(py)?, &PyTuple::empty(py))?;
        }
        Ok(())
    }
}
