//! A handle's callback with its arguments, and the call.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::cpython;

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
