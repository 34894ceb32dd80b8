//! [`Session`]: the `ssl.SSLObject` of a connection, and the two ways to drive it.
//!
//! The direct way calls OpenSSL on the connection behind the object ([`SslConnection`]). The other way calls the object's
//! methods. Data goes the direct way unless the connection cannot be had, or `_ssl` has to see each call: with a message
//! callback or a key log, it keeps the exceptions of these until its method returns. Everything else, and each failure,
//! goes through the methods, so that exceptions are Python's own.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::sharing::{ConnectionGuard, ConnectionLock, SharedConnection};
use crate::base::imports;
use crate::cpython::openssl::{Progress, SslConnection};
use crate::io::outgoing::Data;

/// Whether new connections may be driven directly. Tests switch this off.
static DIRECT_ALLOWED: AtomicBool = AtomicBool::new(true);

/// Sets whether new connections may be driven directly.
pub fn allow_direct(allowed: bool) {
    DIRECT_ALLOWED.store(allowed, Relaxed);
}

/// The outcome of a read.
pub enum Received {
    /// The number of bytes of plaintext.
    Data(usize),
    /// More ciphertext has to arrive first.
    Again,
    /// The peer has closed its side with `close_notify`.
    Closed,
}

/// Ciphertext to send.
pub enum Ciphertext<'py> {
    /// Ciphertext of a connection that is driven directly.
    Vec(Vec<u8>),
    /// Ciphertext that a method of the memory BIO has returned.
    Bytes(Bound<'py, PyBytes>),
}

impl<'py> Ciphertext<'py> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Vec(data) => data.is_empty(),
            Self::Bytes(data) => data.as_bytes().is_empty(),
        }
    }

    pub fn into_bytes(self, py: Python<'py>) -> Bound<'py, PyBytes> {
        match self {
            Self::Vec(data) => PyBytes::new(py, &data),
            Self::Bytes(data) => data,
        }
    }
}

impl<'py> From<Ciphertext<'py>> for Data<'py> {
    fn from(data: Ciphertext<'py>) -> Self {
        match data {
            Ciphertext::Vec(data) => Self::Owned(data.into_boxed_slice()),
            Ciphertext::Bytes(data) => Self::Bytes(data),
        }
    }
}

/// A TLS session over memory BIOs. It is immutable and lives as long as the protocol.
pub struct Session {
    object: Py<PyAny>,
    incoming: Py<PyAny>,
    outgoing: Py<PyAny>,
    direct: Option<SslConnection>,
    /// Whether the program has the `SSLObject`, so that `lock` has to be taken.
    is_shared: AtomicBool,
    lock: Arc<ConnectionLock>,
}

impl Session {
    /// Makes an `SSLObject` by the context.
    pub fn new(
        context: &Bound<'_, PyAny>,
        server_side: bool,
        server_hostname: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let py = context.py();
        let memory_bio = imports::memory_bio(py)?;
        let incoming = memory_bio.call0()?;
        let outgoing = memory_bio.call0()?;
        let kwargs = PyDict::new(py);
        kwargs.set_item(intern!(py, "server_side"), server_side)?;
        kwargs.set_item(intern!(py, "server_hostname"), server_hostname)?;
        let object = context.call_method(
            intern!(py, "wrap_bio"),
            (&incoming, &outgoing),
            Some(&kwargs),
        )?;
        let direct = if DIRECT_ALLOWED.load(Relaxed) {
            connection(&object, &incoming, &outgoing)?
        } else {
            None
        };
        let session = Self {
            object: object.unbind(),
            incoming: incoming.unbind(),
            outgoing: outgoing.unbind(),
            direct,
            is_shared: AtomicBool::new(false),
            lock: Arc::default(),
        };
        // `_ssl` hands the object to this callback.
        let callback = context.getattr_opt(intern!(py, "sni_callback"))?;
        if callback.is_some_and(|callback| !callback.is_none()) {
            session.share(py)?;
        }
        Ok(session)
    }

    /// Returns the `ssl.SSLObject`.
    pub fn object<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.object.bind(py)
    }

    /// Returns the `ssl.MemoryBIO` of received ciphertext.
    pub fn incoming(&self) -> &Py<PyAny> {
        &self.incoming
    }

    /// Returns the `ssl.MemoryBIO` of ciphertext to send.
    pub fn outgoing(&self) -> &Py<PyAny> {
        &self.outgoing
    }

    /// Whether the OpenSSL connection is driven directly.
    pub fn is_direct(&self) -> bool {
        self.direct.is_some()
    }

    /// Returns the OpenSSL connection, if it is driven directly and the transport is its only user.
    pub fn unshared(&self) -> Option<&SslConnection> {
        self.direct
            .as_ref()
            .filter(|_| !self.is_shared.load(Relaxed))
    }

    /// Prepares for a program that gets the `SSLObject`, and may use it in another thread.
    pub fn share(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_shared.load(Relaxed) {
            return Ok(());
        }
        let (object, name) = (self.object.bind(py), intern!(py, "_sslobj"));
        // A context of the program's own may make other objects.
        if object.is_instance(imports::ssl_object(py)?)? {
            let connection = object.getattr(name)?;
            let shared = SharedConnection::new(connection.unbind(), self.lock.clone());
            object.setattr(name, Py::new(py, shared)?)?;
        }
        self.is_shared.store(true, Relaxed);
        Ok(())
    }

    /// Waits for the lock of the connection, with the GIL released, if the program has the `SSLObject`.
    fn lock(&self, py: Python<'_>) -> Option<ConnectionGuard<'_>> {
        if self.is_shared.load(Relaxed) {
            self.lock.acquire(py)
        } else {
            None
        }
    }

    /// Appends received ciphertext.
    pub fn feed(&self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        let _guard = self.lock(py);
        if let Some(connection) = &self.direct {
            return connection.feed(py, data);
        }
        let data = PyBytes::new(py, data);
        self.incoming
            .call_method1(py, intern!(py, "write"), (data,))?;
        Ok(())
    }

    /// Returns the number of bytes of ciphertext that were received and not decrypted.
    pub fn incoming_len(&self, py: Python<'_>) -> PyResult<usize> {
        let _guard = self.lock(py);
        match &self.direct {
            Some(connection) => Ok(connection.incoming_len(py)),
            None => self
                .incoming
                .getattr(py, intern!(py, "pending"))?
                .extract(py),
        }
    }

    /// Returns the number of bytes of ciphertext to send.
    pub fn outgoing_len(&self, py: Python<'_>) -> PyResult<usize> {
        let _guard = self.lock(py);
        match &self.direct {
            Some(connection) => Ok(connection.outgoing_len(py)),
            None => self
                .outgoing
                .getattr(py, intern!(py, "pending"))?
                .extract(py),
        }
    }

    /// Whether it is certain that nothing can be read before more ciphertext arrives.
    pub fn is_exhausted(&self, py: Python<'_>) -> bool {
        let _guard = self.lock(py);
        match &self.direct {
            Some(connection) => connection.is_exhausted(py),
            None => false,
        }
    }

    /// Takes the ciphertext to send, if there is any.
    pub fn drain<'py>(&self, py: Python<'py>) -> PyResult<Option<Ciphertext<'py>>> {
        let _guard = self.lock(py);
        let data = if let Some(connection) = &self.direct {
            Ciphertext::Vec(connection.drain(py))
        } else {
            let data = self.outgoing.bind(py).call_method0(intern!(py, "read"))?;
            Ciphertext::Bytes(data.cast_into()?)
        };
        Ok((!data.is_empty()).then_some(data))
    }

    /// Decrypts into the buffer. Python code may run inside, and may use the buffer.
    pub fn read(&self, py: Python<'_>, buffer: &[Cell<u8>]) -> PyResult<Received> {
        let _guard = self.lock(py);
        if let Some(connection) = &self.direct {
            match connection.read(py, buffer)? {
                Progress::Done(count) => return Ok(Received::Data(count)),
                Progress::Again => return Ok(Received::Again),
                // The end, or an error: the method below raises Python's own exception.
                Progress::Other => (),
            }
        }
        let object = self.object.bind(py);
        match object.call_method1(intern!(py, "read"), (buffer.len(),)) {
            Ok(data) => {
                let data: Bound<'_, PyBytes> = data.cast_into()?;
                let data = data.as_bytes();
                for (cell, byte) in buffer.iter().zip(data) {
                    cell.set(*byte);
                }
                Ok(match data.len() {
                    0 => Received::Closed,
                    count => Received::Data(count),
                })
            }
            Err(error) if is_again(py, &error)? => Ok(Received::Again),
            Err(error) => Err(error),
        }
    }

    /// Encrypts data. Returns the number of bytes taken, or `None` if ciphertext has to arrive first: then the next call has
    /// to begin with the same bytes. Python code may run inside.
    pub fn write(&self, py: Python<'_>, data: &[u8]) -> PyResult<Option<usize>> {
        let _guard = self.lock(py);
        if let Some(connection) = &self.direct {
            match connection.write(py, data)? {
                Progress::Done(count) => return Ok(Some(count)),
                Progress::Again => return Ok(None),
                Progress::Other => (),
            }
        }
        let data = PyBytes::new(py, data);
        match self
            .object
            .bind(py)
            .call_method1(intern!(py, "write"), (data,))
        {
            Ok(count) => Ok(Some(count.extract()?)),
            Err(error) if is_again(py, &error)? => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Calls `do_handshake()` or `unwrap()`.
    pub fn advance(&self, py: Python<'_>, method: &str) -> PyResult<Advance> {
        match self.object.bind(py).call_method0(method) {
            Ok(_) => Ok(Advance::Done),
            Err(error) if is_again(py, &error)? => Ok(Advance::Again(error)),
            Err(error) => Err(error),
        }
    }

    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)?;
        visit.call(&self.incoming)?;
        visit.call(&self.outgoing)?;
        match &self.direct {
            Some(connection) => visit.call(connection.owner()),
            None => Ok(()),
        }
    }
}

/// The progress of `do_handshake()` or `unwrap()`.
pub enum Advance {
    Done,
    /// The method has to be called again when more ciphertext has arrived. Holds the exception that says so.
    Again(PyErr),
}

/// Whether an SSL call has to be repeated when more ciphertext has arrived: asyncio's `SSLAgainErrors`.
fn is_again(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    Ok(error.matches(py, imports::ssl_again_errors(py)?)?)
}

/// Returns the OpenSSL connection behind an `SSLObject`, if driving it directly makes no difference to the program.
fn connection(
    object: &Bound<'_, PyAny>,
    incoming: &Bound<'_, PyAny>,
    outgoing: &Bound<'_, PyAny>,
) -> PyResult<Option<SslConnection>> {
    let py = object.py();
    let class = object.get_type();
    let original = imports::ssl_object(py)?;
    // The methods of a subclass have to be called.
    for method in [intern!(py, "read"), intern!(py, "write")] {
        if !class.getattr(method)?.is(&original.getattr(method)?) {
            return Ok(None);
        }
    }
    let Some(owner) = object.getattr_opt(intern!(py, "_sslobj"))? else {
        return Ok(None);
    };
    // A context may delegate `wrap_bio` to another one, so the context is the one of the object.
    let context = owner.getattr(intern!(py, "context"))?;
    for callback in [intern!(py, "_msg_callback"), intern!(py, "keylog_filename")] {
        match context.getattr_opt(callback)? {
            Some(callback) if callback.is_none() => (),
            _ => return Ok(None),
        }
    }
    Ok(SslConnection::of(&owner, &context, incoming, outgoing))
}
