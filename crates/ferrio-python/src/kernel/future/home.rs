//! The loop that a future or a task belongs to.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::kernel::event_loop::{Callback, Loop};
use crate::kernel::task::current_loop;

/// A loop: one of ferrio's, whose queue is at hand, or another, which is asked as any program would ask it.
pub enum Home {
    /// ferrio's own.
    Native(Py<Loop>),
    /// Any other, and a subclass of ferrio's that has its own `call_soon`.
    Foreign(Py<PyAny>),
}

impl Home {
    /// The home of what belongs to this loop.
    #[inline]
    pub fn of_native(event_loop: &Bound<'_, Loop>) -> Self {
        if event_loop.get().schedules_itself() {
            Self::Foreign(event_loop.clone().unbind().into_any())
        } else {
            Self::Native(event_loop.clone().unbind())
        }
    }

    /// The home of what belongs to this loop, of whatever class it is.
    pub fn of(event_loop: &Bound<'_, PyAny>) -> Self {
        match event_loop.cast::<Loop>() {
            Ok(event_loop) => Self::of_native(event_loop),
            Err(_) => Self::Foreign(event_loop.clone().unbind()),
        }
    }

    /// The loop that was given, or else what `asyncio.get_event_loop()` says.
    pub fn given_or_current(
        py: Python<'_>,
        event_loop: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        match event_loop.filter(|event_loop| !event_loop.is_none()) {
            Some(event_loop) => Ok(Self::of(&event_loop)),
            None => Ok(Self::of(&current_loop(py)?)),
        }
    }

    /// The loop as an object.
    #[inline]
    pub fn as_any(&self) -> &Py<PyAny> {
        match self {
            Self::Native(event_loop) => event_loop.as_any(),
            Self::Foreign(event_loop) => event_loop,
        }
    }

    /// Whether `other` is the same loop.
    #[inline]
    pub fn is(&self, other: &Self) -> bool {
        self.as_any().is(other.as_any())
    }

    /// Whether the loop is in debug mode.
    #[inline]
    pub fn debug(&self, py: Python<'_>) -> PyResult<bool> {
        match self {
            Self::Native(event_loop) => Ok(event_loop.get().debug()),
            Self::Foreign(event_loop) => event_loop
                .call_method0(py, intern!(py, "get_debug"))?
                .is_truthy(py),
        }
    }

    /// `loop.create_future()`.
    #[inline]
    pub fn create_future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Native(event_loop) => Ok(Loop::create_future(event_loop.bind(py))?.into_any()),
            Self::Foreign(event_loop) => event_loop
                .bind(py)
                .call_method0(intern!(py, "create_future")),
        }
    }

    /// Whether the loop runs.
    pub fn is_running(&self, py: Python<'_>) -> PyResult<bool> {
        match self {
            Self::Native(event_loop) => Ok(event_loop.get().is_running()),
            Self::Foreign(event_loop) => event_loop
                .call_method0(py, intern!(py, "is_running"))?
                .is_truthy(py),
        }
    }

    /// `loop.call_soon(callback, *args, context=context)`.
    pub fn call_soon<'py>(
        &self,
        py: Python<'py>,
        callback: &Bound<'py, PyAny>,
        argument: &Bound<'py, PyAny>,
        context: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let kwargs = PyDict::new(py);
        kwargs.set_item(intern!(py, "context"), context)?;
        let args = PyTuple::new(py, [callback, argument])?;
        self.as_any()
            .call_method(py, intern!(py, "call_soon"), args, Some(&kwargs))?;
        Ok(())
    }

    /// The checks of `call_soon`, before anything is put on a native loop's queue: that it is open and, in debug mode,
    /// that this is its thread.
    #[inline]
    pub fn check(event_loop: &Loop) -> PyResult<()> {
        event_loop.check_open()?;
        if event_loop.debug() {
            event_loop.check_thread()?;
        }
        Ok(())
    }

    /// Reports something to the loop's exception handler.
    pub fn report(&self, py: Python<'_>, context: &Bound<'_, PyDict>) -> PyResult<()> {
        self.as_any()
            .call_method1(py, intern!(py, "call_exception_handler"), (context,))?;
        Ok(())
    }

    /// Queues a payload on a native loop after the checks of `call_soon`. On an error the payload is dropped.
    #[inline]
    pub fn push(event_loop: &Loop, py: Python<'_>, callback: Callback) -> PyResult<()> {
        Self::check(event_loop)?;
        event_loop.push(py, callback);
        Ok(())
    }
}
