//! The class [`Future`].

use super::home::Home;
use super::state::{Outcome, State};
use crate::base::cell::{AttachedCell, AttachedOnce};
use crate::cpython;
use crate::kernel::event_loop::Loop;
use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

/// A future: the result of something that is not done yet (CPython: `asyncio.Future`).
///
/// Arguments: loop, the event loop to belong to; by default the running one, or the policy's.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Future {
    /// The loop; empty until `__init__` has run.
    pub(super) home: AttachedOnce<Home>,
    pub(super) state: AttachedCell<State>,
}

impl Future {
    /// Makes a pending future of a loop.
    pub fn pending(home: Home) -> Self {
        Self {
            home: AttachedOnce::with_value(home),
            state: AttachedCell::default(),
        }
    }

    /// Makes a pending future of a ferrio loop, as a Python object.
    pub fn create<'py>(event_loop: &Bound<'py, Loop>) -> PyResult<Bound<'py, Self>> {
        let py = event_loop.py();
        let future = cpython::create(py, || Self::pending(Home::of_native(event_loop)))?;
        if event_loop.get().debug() {
            future.get().remember_source(py)?;
        }
        Ok(future)
    }

    /// Returns the loop, if the future has been initialised.
    #[inline]
    pub fn home(&self, py: Python<'_>) -> Option<&Home> {
        self.home.get(py)
    }

    /// Returns the loop. Raises `RuntimeError` for a subclass whose `__init__` has not called this class's.
    #[inline]
    pub fn initialized(&self, py: Python<'_>) -> PyResult<&Home> {
        self.home
            .get(py)
            .ok_or_else(|| PyRuntimeError::new_err("Future object is not initialized."))
    }

    /// Runs `f` on the interior state. `f` must not reach Python.
    #[inline]
    pub fn with<R>(&self, py: Python<'_>, f: impl FnOnce(&mut State) -> R) -> R {
        self.state.with(py, f)
    }

    /// Whether the future has an outcome.
    #[inline]
    pub fn is_done(&self, py: Python<'_>) -> bool {
        self.with(py, |state| !matches!(state.outcome, Outcome::Pending))
    }

    /// Whether the outcome is a cancellation.
    #[inline]
    pub fn is_cancelled(&self, py: Python<'_>) -> bool {
        self.with(py, |state| matches!(state.outcome, Outcome::Cancelled))
    }

    /// Does the work of `__init__`.
    pub fn initialize(&self, py: Python<'_>, event_loop: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let home = Home::given_or_current(py, event_loop)?;
        let debug = home.debug(py)?;
        if self.home.set(py, home).is_err() {
            if cfg!(Py_3_15) {
                return Err(PyRuntimeError::new_err(
                    "Future object is already initialized",
                ));
            }
            // Older versions start over. In contrast to asyncio's, the future stays with its loop.
            drop(self.state.take(py));
        }
        if debug {
            self.remember_source(py)?;
        }
        Ok(())
    }

    /// Records where the future was created, for debug mode.
    pub fn remember_source(&self, py: Python<'_>) -> PyResult<()> {
        let traceback = crate::kernel::handle::source_traceback(py)?;
        let old = self.with(py, |state| state.rare().source_traceback.replace(traceback));
        drop(old);
        Ok(())
    }

    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(home) = self.home.get(&visit) {
            visit.call(home.as_any())?;
        }
        self.state.visit(&visit, |state| state.traverse(visit))
    }

    /// Drops the future's references, for the garbage collector.
    pub(super) fn clear(&self) {
        Python::attach(|py| drop(self.state.take(py)));
    }
}

/// Fills the slots of the type object that PyO3 cannot fill.
pub fn install_slots(py: Python<'_>) -> PyResult<()> {
    cpython::install_self_await::<Future>(py);
    cpython::install_finalizer::<Future>(py)
}

impl cpython::Finalize for Future {
    const KEEP: Option<cpython::Keep> = Some(cpython::keep::<Self>);
    const RAISES: bool = false;

    #[inline]
    fn is_settled(slf: &Bound<'_, Self>) -> bool {
        !slf.get().with(slf.py(), |state| state.log_traceback)
    }

    fn finalize(slf: &Bound<'_, Self>, _: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        Self::report_unretrieved(slf)
    }
}

cpython::recycle!(Future);
