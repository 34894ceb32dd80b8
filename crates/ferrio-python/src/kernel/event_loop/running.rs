//! Running a loop: `run_forever`, one iteration, stopping and closing.

use std::sync::atomic::Ordering::Relaxed;

use ferrio::engine::{Block, LoopCore, Time};
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySlice, PyTuple};

use super::{Callback, Loop, NO_THREAD};
use crate::base::arguments::Truth;
use crate::base::errors::os_error;
use crate::kernel::task::set_running_loop;
use crate::{base::imports, cpython, kernel::handle};

impl Loop {
    /// Makes the loop the thread's running loop.
    fn enter(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.check_open()?;
        // Called by its name because packages that make loops re-entrant replace it.
        slf.call_method0(intern!(py, "_check_running"))?;
        let hooks = imports::get_asyncgen_hooks(py)?.call0()?;
        let hooks: Bound<'_, PyTuple> = hooks.get_item(PySlice::full(py))?.cast_into()?;
        let old = me
            .hooks
            .with(py, |known| known.asyncgens.replace(hooks.unbind()));
        drop(old);
        me.thread.store(cpython::thread_ident(), Relaxed);
        // A signal handler can raise in any of the steps, which are undone then.
        if let Err(error) = Self::take_over(slf) {
            return cpython::finally(py, Err(error), || Self::leave(slf));
        }
        Ok(())
    }

    /// Installs the loop's hooks and the running loop in the thread, which has one of each.
    fn take_over(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        Self::track_coroutine_origins(slf, slf.get().debug())?;
        let kwargs = PyDict::new(py);
        kwargs.set_item("firstiter", slf.getattr("_asyncgen_firstiter_hook")?)?;
        kwargs.set_item("finalizer", slf.getattr("_asyncgen_finalizer_hook")?)?;
        imports::set_asyncgen_hooks(py)?.call((), Some(&kwargs))?;
        set_running_loop(slf.as_any())?;
        Self::guard_polls(slf)
    }

    /// Undoes every step of [`Loop::enter`], even if one of them raises.
    fn leave(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.stopping.store(false, Relaxed);
        me.thread.store(NO_THREAD, Relaxed);
        let not_running = set_running_loop(py.None().bind(py));
        let hooks = me.hooks.with(py, |known| known.asyncgens.take());
        let generators = match hooks {
            Some(hooks) => imports::set_asyncgen_hooks(py)
                .and_then(|set| set.call1(hooks.into_bound(py)))
                .map(drop),
            None => Ok(()),
        };
        let unguarded = me.stop_guarding_polls(py);
        let origins = Self::track_coroutine_origins(slf, false);
        not_running.and(generators).and(unguarded).and(origins)
    }

    /// Returns the `threading.get_ident()` of the thread that runs the loop, if it is running.
    pub(super) fn running_thread(&self) -> Option<u64> {
        Some(self.thread.load(Relaxed)).filter(|&thread| thread != NO_THREAD)
    }

    /// Whether a thread other than the calling one runs the loop.
    #[inline]
    pub(super) fn runs_in_another_thread(&self) -> bool {
        self.running_thread()
            .is_some_and(|thread| thread != cpython::thread_ident())
    }

    /// Runs one iteration: waits for events, then runs the callbacks that are ready at that moment.
    #[inline]
    pub(super) fn run_once(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.has_system_time() {
            Self::read_other_clock(slf)?;
        }
        // An iteration without a poll does not check for signals. Python code that it runs does; if it runs none, the next poll
        // is at most a few hundred iterations away.
        if let Some(turn) = me.core(py, LoopCore::turn_without_poll) {
            return Self::run_turn(slf, turn);
        }
        Self::leave_last_task(slf)?;
        let mut parked = me.core(py, |core| core.park(me.may_block()));
        let (outcome, guarded) = me.poll(py, &mut parked, |parked| {
            me.core(py, |core| core.park_again(parked, me.may_block()));
        });
        let read = if me.has_system_time() {
            Ok(())
        } else {
            Self::read_other_clock(slf)
        };
        let turn = me
            .core(py, |core| {
                core.unpark(parked, outcome, |callback| callback.duplicate(py))
            })
            .map_err(|error| os_error(py, &error))?;
        guarded?;
        read?;
        // Python's signal handlers run here after a signal has interrupted the poll; one may raise KeyboardInterrupt.
        py.check_signals()?;
        me.give_way(py)?;
        Self::run_turn(slf, turn)
    }

    /// Whether the iteration may block: not in a loop that is about to stop.
    fn may_block(&self) -> Block {
        if self.stopping.load(Relaxed) {
            Block::Never
        } else {
            Block::Allowed
        }
    }

    /// Gives the engine the time of the clock that replaces the system's, if there is one.
    #[cold]
    pub(super) fn read_other_clock(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        Self::leave_last_task(slf)?;
        let now = if me.look_at_clock(py)? {
            Some(Time::from_secs_f64(Self::now(slf)?))
        } else {
            None
        };
        me.core(py, |core| core.set_own_time(now));
        Ok(())
    }

    /// Runs `turn` callbacks, then sends what transports have written in the meantime.
    pub(super) fn run_turn(slf: &Bound<'_, Self>, turn: usize) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let observed = me.debug() || handle::run_was_replaced();
        let mut failure = None;
        for _ in 0..turn {
            let Some(callback) = me.core(py, LoopCore::pop) else {
                break;
            };
            let outcome = if observed {
                Self::run_observed(slf, callback)
            } else {
                callback.run(slf)
            };
            if let Err(error) = outcome {
                failure = Some(error);
                break;
            }
        }
        // If an exception leaves the loop, what was written before it must be sent all the same.
        match failure {
            None => Self::flush(slf),
            Some(error) => {
                let left = Self::leave_last_task(slf);
                left.and(Self::flush(slf)).and(Err(error))
            }
        }
    }

    /// Runs a callback in debug mode, or through a program's replacement of `asyncio.Handle._run`.
    #[cold]
    fn run_observed(slf: &Bound<'_, Self>, callback: Callback) -> PyResult<()> {
        let callback = if handle::run_was_replaced() {
            Self::leave_last_task(slf)?;
            Callback::Foreign(callback.into_handle(slf)?.unbind())
        } else {
            callback
        };
        if slf.get().debug() {
            Self::run_timed(slf, callback)
        } else {
            callback.run(slf)
        }
    }

    /// Runs until `stop`.
    fn run_entered(slf: &Bound<'_, Self>) -> PyResult<()> {
        loop {
            if Self::iterates_plainly(slf) && handle::run_is_own(slf.py()) {
                Self::run_once(slf)?;
            } else {
                Self::iterate(slf)?;
            }
            if slf.get().stopping.load(Relaxed) {
                return Self::leave_last_task(slf);
            }
        }
    }
}

#[pymethods]
impl Loop {
    /// Run until stop() is called.
    ///
    /// Raises RuntimeError if the loop is closed or runs already, or if another loop runs in this thread.
    /// KeyboardInterrupt and SystemExit from a callback leave it; the loop can be run again and nothing is lost.
    fn run_forever(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::enter(slf)?;
        let outcome = Self::run_entered(slf);
        cpython::finally(slf.py(), outcome, || Self::leave(slf))
    }

    /// The first part of run_forever(), for subclasses that run the iterations themselves, such as those for a GUI's loop.
    #[pyo3(name = "_run_forever_setup")]
    fn enter_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::enter(slf)
    }

    /// Run one iteration, between _run_forever_setup() and _run_forever_cleanup(), or inside a callback of another
    /// iteration, whose remaining callbacks it then runs.
    #[pyo3(name = "_run_once")]
    fn run_once_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        let outcome = Self::run_own_once(slf);
        Self::leave_last_task(slf).and(outcome)
    }

    /// The last part of run_forever().
    #[pyo3(name = "_run_forever_cleanup")]
    fn leave_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::leave(slf)
    }

    /// Stop the loop at the end of the iteration: what is already scheduled still runs.
    fn stop(&self) {
        self.stopping.store(true, Relaxed);
    }

    /// Close the loop: drop what is scheduled, close the descriptors, shut the executor down without waiting for it.
    ///
    /// Raises RuntimeError if the loop is running. Does nothing if it is closed.
    fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.is_running() {
            return Err(PyRuntimeError::new_err("Cannot close a running event loop"));
        }
        if me.closed() {
            return Ok(());
        }
        Self::close_any_self_pipe(slf)?;
        // asyncio's own part logs a line and shuts the executor down.
        imports::base_event_loop(py)?.call_method1(intern!(py, "close"), (slf,))?;
        me.closed.store(true, Relaxed);
        let outcome = Self::close_signals(slf);
        let callbacks = me.core(py, LoopCore::close);
        let transports = me.unflushed.take(py);
        let files = me.watched_files.take(py);
        drop((callbacks, transports, files));
        me.close_listed_timers(py);
        me.close_selector(py);
        outcome
    }

    #[getter(_closed)]
    fn get_closed(&self) -> bool {
        self.closed()
    }

    #[setter(_closed)]
    fn set_closed(&self, closed: bool) {
        self.closed.store(closed, Relaxed);
    }

    #[getter(_stopping)]
    fn get_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    #[setter(_stopping)]
    fn set_stopping(&self, stopping: Truth) {
        self.stopping.store(stopping.0, Relaxed);
    }

    #[getter(_thread_id)]
    fn get_thread_id(&self) -> Option<u64> {
        self.running_thread()
    }

    /// Set by programs that run the iterations themselves, when they begin and end. Sends what transports have written.
    #[setter(_thread_id)]
    fn set_thread_id(slf: &Bound<'_, Self>, thread: Option<u64>) -> PyResult<()> {
        slf.get().thread.store(thread.unwrap_or(NO_THREAD), Relaxed);
        Self::flush(slf)
    }

    #[cfg(Py_3_13)]
    #[getter(_old_agen_hooks)]
    fn get_old_asyncgen_hooks(&self, py: Python<'_>) -> Option<Py<PyTuple>> {
        self.hooks.get_ref(py, |hooks| hooks.asyncgens.as_ref())
    }

    #[cfg(Py_3_13)]
    #[setter(_old_agen_hooks)]
    fn set_old_asyncgen_hooks(&self, py: Python<'_>, old: Option<Py<PyTuple>>) {
        let old = self
            .hooks
            .with(py, |hooks| std::mem::replace(&mut hooks.asyncgens, old));
        drop(old);
    }

    #[pyo3(name = "_check_closed")]
    fn check_closed(&self) -> PyResult<()> {
        self.check_open()
    }
}
