//! A handle's callback with its arguments: how a handle is made of them, the call, and the report of what it raises.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::Handle;
use super::class::{DebugInfo, HandleState};
use super::lock::{HandleLock, Sharing};
use crate::base::cell::AttachedCell;
use crate::base::errors::leaves_the_loop;
use crate::kernel::event_loop::Loop;
use crate::{base::imports, cpython};

/// The arguments of a callback. A single one is kept without a tuple.
pub enum Args {
    One(Py<PyAny>),
    Any(Py<PyTuple>),
}

impl Args {
    /// Takes the arguments of a call.
    #[inline]
    pub fn new<'py>(py: Python<'py>, args: &[Bound<'py, PyAny>]) -> PyResult<Self> {
        match args {
            [] => Ok(Self::Any(PyTuple::empty(py).unbind())),
            [one] => Ok(Self::One(one.clone().unbind())),
            any => Ok(Self::Any(PyTuple::new(py, any)?.unbind())),
        }
    }

    fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::One(one) => Self::One(one.bind(py).clone().unbind()),
            Self::Any(args) => Self::Any(args.bind(py).clone().unbind()),
        }
    }

    /// Makes the tuple that asyncio has.
    pub fn into_tuple(self, py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        match self {
            Self::One(one) => PyTuple::new(py, [one]),
            Self::Any(args) => Ok(args.into_bound(py)),
        }
    }
}

impl From<Bound<'_, PyTuple>> for Args {
    fn from(args: Bound<'_, PyTuple>) -> Self {
        Self::Any(args.unbind())
    }
}

/// A callback and its arguments.
pub struct Invocation {
    pub callback: Py<PyAny>,
    pub args: Args,
}

impl Invocation {
    /// Clones the references.
    #[inline]
    pub fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            callback: self.callback.bind(py).clone().unbind(),
            args: self.args.clone_ref(py),
        }
    }

    /// Calls the callback.
    #[inline]
    pub fn run<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let callback = self.callback.bind(py);
        match &self.args {
            Args::One(one) => cpython::call_one(callback, one.bind(py)),
            Args::Any(args) => cpython::call(callback, args.bind(py)),
        }
    }

    /// Returns the callback and the tuple of its arguments.
    pub fn into_pair(self, py: Python<'_>) -> PyResult<(Bound<'_, PyAny>, Bound<'_, PyTuple>)> {
        Ok((self.callback.into_bound(py), self.args.into_tuple(py)?))
    }

    /// Drops the references, for a thread that is attached: a `Py` would have to find that out.
    #[inline]
    pub fn dispose(self, py: Python<'_>) {
        drop(self.callback.into_bound(py));
        match self.args {
            Args::One(one) => drop(one.into_bound(py)),
            Args::Any(args) => drop(args.into_bound(py)),
        }
    }

    /// Shows the references to the garbage collector.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.callback)?;
        match &self.args {
            Args::One(one) => visit.call(one),
            Args::Any(args) => visit.call(args),
        }
    }
}

/// The parts of a handle, before they become an object.
pub struct HandleParts<'py> {
    pub(super) event_loop: Bound<'py, Loop>,
    pub(super) call: Invocation,
    pub(super) context: Py<PyAny>,
    pub(super) debug: Option<Box<DebugInfo>>,
}

impl<'py> HandleParts<'py> {
    /// Makes the parts of a handle that calls `callback(*args)` in `context`, by default a copy of the current one.
    #[inline(always)]
    pub fn new(
        event_loop: &Bound<'py, Loop>,
        callback: Bound<'py, PyAny>,
        args: impl Into<Args>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let py = event_loop.py();
        let context = match context {
            Some(context) if !context.is_none() => context.unbind(),
            _ => cpython::copy_context(py)?,
        };
        let debug = if event_loop.get().debug() {
            Some(DebugInfo::here(py)?)
        } else {
            None
        };
        Ok(Self {
            event_loop: event_loop.clone(),
            call: Invocation {
                callback: callback.unbind(),
                args: args.into(),
            },
            context,
            debug,
        })
    }

    /// Makes the handle, for any thread to cancel if `sharing` says so.
    #[inline]
    pub(super) fn into_handle(self, sharing: Sharing) -> Handle {
        Handle {
            event_loop: self.event_loop.unbind(),
            context: self.context,
            lock: HandleLock::new(sharing),
            state: AttachedCell::new(HandleState {
                call: Some(self.call),
                debug: self.debug,
            }),
        }
    }

    /// Makes the handle as a Python object.
    #[inline]
    pub fn create(self) -> PyResult<Bound<'py, Handle>> {
        let py = self.event_loop.py();
        cpython::create(py, || self.into_handle(Sharing::OneThread))
    }

    /// Makes the handle that `call_soon_threadsafe` returns: since Python 3.14, any thread may cancel it.
    pub fn create_thread_safe(self) -> PyResult<Bound<'py, Handle>> {
        let py = self.event_loop.py();
        let sharing = if cfg!(Py_3_14) {
            Sharing::AnyThread
        } else {
            Sharing::OneThread
        };
        cpython::create(py, || self.into_handle(sharing))
    }
}

impl Handle {
    /// Returns the callback and its arguments, unless the handle was cancelled.
    pub(super) fn call(&self, py: Python<'_>) -> Option<Invocation> {
        self.state
            .with(py, |state| Some(state.call.as_ref()?.clone_ref(py)))
    }

    /// Runs the callback unless it was cancelled. Its exceptions go to the loop's exception handler, except those that
    /// leave the loop.
    pub fn run(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let _locked = me.lock.lock(py)?;
        let Some(call) = me.call(py) else {
            return Ok(());
        };
        let outcome = cpython::in_context(me.context.bind(py), || call.run(py));
        match outcome {
            Ok(_) => {
                call.dispose(py);
                Ok(())
            }
            Err(error) if leaves_the_loop(py, &error) => Err(error),
            Err(error) => Self::report_call(slf, call, &error),
        }
    }

    /// Reports an exception of the callback to the loop's exception handler.
    #[cold]
    pub fn report(slf: &Bound<'_, Self>, error: &PyErr) -> PyResult<()> {
        match slf.get().call(slf.py()) {
            Some(call) => Self::report_call(slf, call, error),
            None => Ok(()),
        }
    }

    #[cold]
    fn report_call(slf: &Bound<'_, Self>, call: Invocation, error: &PyErr) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        Loop::report(me.event_loop.bind(py), error, |context| {
            let source = me.format_callback(py, call)?;
            context.set_item("message", format!("Exception in callback {source}"))?;
            context.set_item("handle", slf)?;
            match me.source_traceback(py) {
                Some(traceback) => context.set_item("source_traceback", traceback),
                None => Ok(()),
            }
        })
    }

    /// Formats `callback(args) at file:line` as the running version of asyncio does.
    pub(super) fn format_callback(&self, py: Python<'_>, call: Invocation) -> PyResult<String> {
        let (callback, args) = call.into_pair(py)?;
        let format = imports::format_callback_source(py)?;
        let text = if cfg!(Py_3_13) {
            let kwargs = PyDict::new(py);
            kwargs.set_item("debug", self.event_loop.get().debug())?;
            format.call((callback, args), Some(&kwargs))?
        } else {
            format.call1((callback, args))?
        };
        text.extract()
    }
}
