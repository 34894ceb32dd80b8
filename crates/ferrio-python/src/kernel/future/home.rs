//! [`Home`]: the loop that a future or a task belongs to, one of ferrio's or any other.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::kernel::event_loop::Loop;
use crate::kernel::task::current_loop;

/// A loop, with how to schedule callbacks on it.
pub enum Home {
    /// A loop of ferrio's: callbacks go straight into its queue.
    Native(Py<Loop>),
    /// Any other loop, and one of ferrio's with a scheduling method that is not its own: callbacks go through `call_soon`.
    Foreign(Py<PyAny>),
}

impl Home {
    /// Returns the home of futures of a ferrio loop.
    #[inline]
    pub fn of_native(event_loop: &Bound<'_, Loop>) -> Self {
        if event_loop.get().overrides_scheduling() {
            Self::Foreign(event_loop.clone().unbind().into_any())
        } else {
            Self::Native(event_loop.clone().unbind())
        }
    }

    /// Returns the home of futures of a loop of any class.
    pub fn of(event_loop: &Bound<'_, PyAny>) -> Self {
        match event_loop.cast::<Loop>() {
            Ok(event_loop) => Self::of_native(event_loop),
            Err(_) => Self::Foreign(event_loop.clone().unbind()),
        }
    }

    /// Returns the home for the argument `loop` of a constructor: without one, that of `asyncio.get_event_loop()`.
    pub fn given_or_current(
        py: Python<'_>,
        event_loop: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        match event_loop.filter(|event_loop| !event_loop.is_none()) {
            Some(event_loop) => Ok(Self::of(&event_loop)),
            None => Ok(Self::of(&current_loop(py)?)),
        }
    }

    /// Returns the loop as an object.
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

    /// Calls `loop.create_future()`.
    #[inline]
    pub fn create_future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Native(event_loop) => Ok(Loop::create_future(event_loop.bind(py))?.into_any()),
            Self::Foreign(event_loop) => event_loop
                .bind(py)
                .call_method0(intern!(py, "create_future")),
        }
    }

    /// Whether the loop is running.
    pub fn is_running(&self, py: Python<'_>) -> PyResult<bool> {
        match self {
            Self::Native(event_loop) => Ok(event_loop.get().is_running()),
            Self::Foreign(event_loop) => event_loop
                .call_method0(py, intern!(py, "is_running"))?
                .is_truthy(py),
        }
    }

    /// Calls `loop.call_soon(callback, argument, context=context)`.
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

    /// Calls the loop's exception handler.
    pub fn report(&self, py: Python<'_>, context: &Bound<'_, PyDict>) -> PyResult<()> {
        self.as_any()
            .call_method1(py, intern!(py, "call_exception_handler"), (context,))?;
        Ok(())
    }
}
