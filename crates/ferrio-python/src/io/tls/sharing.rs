//! An `SSLObject` that the program has, and that another thread may use.
//!
//! `_ssl` releases the GIL while OpenSSL reads, writes, shakes hands or shuts down. OpenSSL allows no two calls on one
//! connection at a time, so a transport that drives the connection directly has to wait while another thread is inside
//! such a method, and the other way round. When a program asks for the `SSLObject`, a [`SharedConnection`] therefore takes
//! the place of the inner `_ssl` object, and both sides take turns. A connection whose `SSLObject` nobody has asked for
//! has one user, the transport, and pays for a test of a flag.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::cpython;

/// The lock of a connection. The thread that has it can take it again: callbacks run inside OpenSSL's calls.
#[derive(Default)]
pub struct Turns {
    taken: Mutex<bool>,
    given_back: Condvar,
    /// The identifier of the thread that has the lock, or 0.
    owner: AtomicU64,
}

/// The lock of a connection, taken until this is dropped.
pub struct Turn<'a>(&'a Turns);

impl Turns {
    /// Waits for the lock, with the GIL released. Returns `None` if the thread has it already.
    pub fn take(&self, py: Python<'_>) -> Option<Turn<'_>> {
        let thread = cpython::thread_ident();
        if self.owner.load(Relaxed) == thread {
            return None;
        }
        if !self.try_take() {
            py.detach(|| self.wait());
        }
        self.owner.store(thread, Relaxed);
        Some(Turn(self))
    }

    fn try_take(&self) -> bool {
        !std::mem::replace(&mut *self.lock(), true)
    }

    fn wait(&self) {
        let taken = self.lock();
        let taken = self.given_back.wait_while(taken, |taken| *taken);
        *taken.unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// The mutex is held for a few instructions only, and without the need for anything else.
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.owner.store(0, Relaxed);
        *self.0.lock() = false;
        self.0.given_back.notify_one();
    }
}

/// The stand-in for the inner `_ssl` object of an `SSLObject`: its methods wait for their turn.
#[pyclass(module = "ferrio", frozen)]
pub struct SharedConnection {
    connection: Py<PyAny>,
    turns: Arc<Turns>,
}

impl SharedConnection {
    /// Makes the stand-in for `connection`, whose other user takes the same turns.
    pub fn new(connection: Py<PyAny>, turns: Arc<Turns>) -> Self {
        Self { connection, turns }
    }

    fn call<'py>(
        &self,
        name: &Bound<'py, PyString>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = name.py();
        let method = self.connection.bind(py).getattr(name)?;
        let _turn = self.turns.take(py);
        method.call(args, kwargs)
    }
}

#[pymethods]
impl SharedConnection {
    #[pyo3(signature = (*args, **kwargs))]
    fn read<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.call(intern!(args.py(), "read"), args, kwargs)
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn write<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.call(intern!(args.py(), "write"), args, kwargs)
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn do_handshake<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.call(intern!(args.py(), "do_handshake"), args, kwargs)
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn shutdown<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.call(intern!(args.py(), "shutdown"), args, kwargs)
    }

    /// Everything else keeps the GIL and is the `_ssl` object's.
    fn __getattr__<'py>(&self, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        self.connection.bind(name.py()).getattr(name)
    }

    fn __setattr__(&self, name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.connection.bind(name.py()).setattr(name, value)
    }

    fn __delattr__(&self, name: &Bound<'_, PyString>) -> PyResult<()> {
        self.connection.bind(name.py()).delattr(name)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.connection.bind(py).repr()?.to_string())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.connection)
    }
}
