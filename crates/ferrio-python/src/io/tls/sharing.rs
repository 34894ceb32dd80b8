//! An `SSLObject` that the program has, and that another thread may use.
//!
//! `_ssl` releases the GIL while OpenSSL reads, writes, shakes hands or shuts down. OpenSSL allows no two calls on one
//! connection at a time, so a transport that drives the connection directly has to wait while another thread is inside
//! such a method, and the other way round. When a program asks for the `SSLObject`, a [`SharedConnection`] therefore takes
//! the place of the inner `_ssl` object, and both sides acquire a [`ConnectionLock`]. A connection whose `SSLObject` nobody has asked for
//! has one user, the transport, and pays for a test of a flag.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::cpython;

/// The lock of a connection. The thread that has it can acquire it again, since callbacks run inside OpenSSL's calls.
#[derive(Default)]
pub struct ConnectionLock {
    locked: Mutex<bool>,
    released: Condvar,
    /// The identifier of the thread that has the lock, or 0.
    owner: AtomicU64,
}

/// Releases the lock of a connection when dropped.
pub struct ConnectionGuard<'a>(&'a ConnectionLock);

impl ConnectionLock {
    /// Waits for the lock, with the GIL released. Returns `None` if the thread has it already.
    pub fn acquire(&self, py: Python<'_>) -> Option<ConnectionGuard<'_>> {
        let thread = cpython::thread_ident();
        if self.owner.load(Relaxed) == thread {
            return None;
        }
        if !self.try_acquire() {
            py.detach(|| self.wait());
        }
        self.owner.store(thread, Relaxed);
        Some(ConnectionGuard(self))
    }

    fn try_acquire(&self) -> bool {
        !std::mem::replace(&mut *self.mutex(), true)
    }

    fn wait(&self) {
        let locked = self.mutex();
        let locked = self.released.wait_while(locked, |locked| *locked);
        *locked.unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Locks the mutex around the flag. It is held for a few instructions, in which no other lock is acquired.
    fn mutex(&self) -> MutexGuard<'_, bool> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionGuard<'_> {
    fn drop(&mut self) {
        self.0.owner.store(0, Relaxed);
        *self.0.mutex() = false;
        self.0.released.notify_one();
    }
}

/// The stand-in for the inner `_ssl` object of an `SSLObject`: the methods that release the GIL hold the
/// connection's lock.
#[pyclass(module = "ferrio", frozen)]
pub struct SharedConnection {
    connection: Py<PyAny>,
    lock: Arc<ConnectionLock>,
}

impl SharedConnection {
    /// Makes the stand-in for `connection`, whose other user acquires the same lock.
    pub fn new(connection: Py<PyAny>, lock: Arc<ConnectionLock>) -> Self {
        Self { connection, lock }
    }

    fn call<'py>(
        &self,
        name: &Bound<'py, PyString>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = name.py();
        let method = self.connection.bind(py).getattr(name)?;
        let _guard = self.lock.acquire(py);
        method.call(args, kwargs)
    }
}

/// Defines the methods of `_ssl`'s object that release the GIL: each holds the lock during the call.
macro_rules! locked_methods {
    ($($name:ident)*) => {
        $(
            #[pymethods]
            impl SharedConnection {
                #[pyo3(signature = (*args, **kwargs))]
                fn $name<'py>(
                    &self,
                    args: &Bound<'py, PyTuple>,
                    kwargs: Option<&Bound<'py, PyDict>>,
                ) -> PyResult<Bound<'py, PyAny>> {
                    self.call(intern!(args.py(), stringify!($name)), args, kwargs)
                }
            }
        )*
    };
}
locked_methods!(read write do_handshake shutdown);

#[pymethods]
impl SharedConnection {
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
