//! Watching descriptors: `add_reader`, `add_writer`; the table of the descriptors that belong to transports.

use std::collections::HashMap;
use std::os::fd::RawFd;

use pyo3::exceptions::{PyAttributeError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyTuple, PyWeakrefMethods, PyWeakrefReference};

use super::{Callback, Loop};
use crate::base::errors::os_error;
use crate::cpython;
use crate::kernel::handle::{Handle, HandleParts};

/// Weak references to transports by their descriptors: the table does not keep a transport alive.
pub type TransportTable = HashMap<RawFd, Py<PyWeakrefReference>>;

/// What a descriptor is watched for.
#[derive(Clone, Copy)]
pub enum Direction {
    Read,
    Write,
}

impl Loop {
    /// Runs `callback` whenever the descriptor is ready, in place of an earlier callback for this direction.
    pub fn watch(
        &self,
        py: Python<'_>,
        fd: RawFd,
        direction: Direction,
        callback: Callback,
    ) -> PyResult<()> {
        let replaced = self.core(py, |core| match direction {
            Direction::Read => core.set_reader(fd, callback),
            Direction::Write => core.set_writer(fd, callback),
        });
        self.forget_key(py, fd);
        let replaced = replaced.map_err(|error| {
            // The descriptor was closed: see `unwatch`.
            drop(self.core(py, |core| core.forget(fd)));
            os_error(py, &error)
        });
        cancel(py, replaced?).map(drop)
    }

    /// Stops watching the descriptor for this direction. Returns whether it was watched.
    pub fn unwatch(&self, py: Python<'_>, fd: RawFd, direction: Direction) -> PyResult<bool> {
        if self.closed() {
            return Ok(false);
        }
        let removed = self.core(py, |core| match direction {
            Direction::Read => core.remove_reader(fd),
            Direction::Write => core.remove_writer(fd),
        });
        if removed.is_err() {
            // The descriptor was closed. Another file will soon have its number, and must not be mistaken for it.
            drop(self.core(py, |core| core.forget(fd)));
        }
        self.forget_key(py, fd);
        self.forget_file(py, fd);
        cancel(py, removed.map_err(|error| os_error(py, &error))?)
    }

    /// Watches the descriptor of a file object and runs `callback(*args)` whenever it is ready.
    fn watch_handle<'py>(
        slf: &Bound<'py, Self>,
        file: &Bound<'py, PyAny>,
        direction: Direction,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Py<Handle>> {
        let py = slf.py();
        let me = slf.get();
        me.check_open()?;
        let fd = me.watched_fd(file)?;
        let handle = HandleParts::new(slf, callback, args, context)?
            .create()?
            .unbind();
        me.keep_file(fd, file);
        me.watch(py, fd, direction, Callback::Handle(handle.clone_ref(py)))
            .inspect_err(|_| me.forget_file(py, fd))?;
        Ok(handle)
    }

    /// Remembers that the descriptor belongs to a transport.
    pub fn register_transport(&self, fd: RawFd, transport: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = transport.py();
        let reference = PyWeakrefReference::new(transport)?.unbind();
        let old = self
            .transports
            .with(py, |table| table.insert(fd, reference));
        drop(old);
        Ok(())
    }

    /// Forgets the descriptor's transport.
    pub fn unregister_transport(&self, py: Python<'_>, fd: RawFd) {
        drop(self.take_transport(py, fd));
    }

    fn take_transport(&self, py: Python<'_>, fd: RawFd) -> Option<Py<PyWeakrefReference>> {
        self.transports.with(py, |table| table.remove(&fd))
    }

    /// Forgets a transport that goes away with its socket closed, unless the descriptor belongs to another transport by
    /// now.
    pub fn forget_transport(&self, fd: RawFd, transport: &Bound<'_, PyAny>) {
        let py = transport.py();
        let Some(known) = self.transports.get_bound(py, |table| table.get(&fd)) else {
            return;
        };
        // If the garbage collector finalizes the transport, it has cleared the weak reference before.
        let is_other = |other: Bound<'_, PyAny>| !other.is(transport);
        if !known.upgrade().is_some_and(is_other) {
            self.unregister_transport(py, fd);
        }
    }

    /// Raises `RuntimeError` if the descriptor belongs to a transport that is not closing.
    pub fn ensure_no_transport(
        slf: &Bound<'_, Self>,
        fd: RawFd,
        file: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = slf.py();
        let native = slf.get().transports.get_bound(py, |table| table.get(&fd));
        let transport = match native.and_then(|reference| reference.upgrade()) {
            Some(transport) => transport,
            // The standard library's own transports register themselves in this dictionary.
            None => slf
                .getattr(intern!(py, "_foreign_transports"))?
                .call_method1(intern!(py, "get"), (fd,))?,
        };
        if !transport.is_none()
            && !transport
                .call_method0(intern!(py, "is_closing"))?
                .is_truthy()?
        {
            return Err(PyRuntimeError::new_err(format!(
                "File descriptor {} is used by transport {}",
                file.repr()?,
                transport.repr()?
            )));
        }
        Ok(())
    }

    /// Returns the descriptor of an argument of `add_reader`. Raises `RuntimeError` if it belongs to a transport.
    fn free_fd(slf: &Bound<'_, Self>, file: &Bound<'_, PyAny>) -> PyResult<RawFd> {
        unchecked_fileno(file)?;
        let fd = slf.get().watched_fd(file)?;
        Self::ensure_no_transport(slf, fd, file)?;
        Ok(fd)
    }
}

/// Cancels the handle that no longer watches a descriptor. Returns whether there was a callback.
fn cancel(py: Python<'_>, callback: Option<Callback>) -> PyResult<bool> {
    if let Some(Callback::Handle(handle)) = &callback {
        handle.bind(py).call_method0(intern!(py, "cancel"))?;
    }
    Ok(callback.is_some())
}

/// Returns the descriptor of an `int` or of an object with `fileno()`, with the errors of `selectors`.
pub fn fileno(file: &Bound<'_, PyAny>) -> PyResult<RawFd> {
    let fd = unchecked_fileno(file)?;
    if fd < 0 {
        return Err(PyValueError::new_err(format!(
            "Invalid file descriptor: {fd}"
        )));
    }
    Ok(fd)
}

/// Returns the same without a check of the number, which is -1 for a closed socket.
fn unchecked_fileno(file: &Bound<'_, PyAny>) -> PyResult<RawFd> {
    if file.is_instance_of::<PyInt>() {
        return file.extract();
    }
    file.call_method0(intern!(file.py(), "fileno"))
        .and_then(|fd| fd.extract())
        .map_err(|error| invalid_file(file, error))
}

/// Returns the `ValueError` of `selectors` for an object without a usable `fileno()`. Other exceptions of `fileno()` are
/// returned as they are.
fn invalid_file(file: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    let py = file.py();
    let no_descriptor = error.is_instance_of::<PyAttributeError>(py)
        || error.is_instance_of::<PyTypeError>(py)
        || error.is_instance_of::<PyValueError>(py);
    if !no_descriptor {
        return error;
    }
    let text = match cpython::handling(py, &error, || file.repr()) {
        Ok(text) => format!("Invalid file object: {text}"),
        Err(error) => return error,
    };
    let raised = cpython::raised_while(py, &error, PyValueError::new_err(text));
    raised.set_cause(py, None); // raise … from None
    raised
}

#[pymethods]
impl Loop {
    /// Return the living native transports by their descriptors.
    #[pyo3(name = "_native_transports")]
    fn native_transports<'py>(&self, py: Python<'py>) -> HashMap<RawFd, Bound<'py, PyAny>> {
        let table = self.transports.with(py, |table| {
            let entries = table.iter();
            let entries: Vec<_> = entries
                .map(|(&fd, reference)| (fd, reference.clone_ref(py)))
                .collect();
            entries
        });
        let alive = table.into_iter().filter_map(|(fd, reference)| {
            let transport = reference.bind(py).upgrade()?;
            Some((fd, transport))
        });
        alive.collect()
    }

    /// Forget that a descriptor belongs to a native transport. Return whether it did.
    #[pyo3(name = "_forget_transport")]
    fn forget_transport_of(&self, py: Python<'_>, fd: RawFd) -> bool {
        self.take_transport(py, fd).is_some()
    }

    /// Call callback(*args) in every iteration in which fd can be read, instead of an earlier reader.
    ///
    /// fd is a descriptor or an object with fileno(). Raises ValueError if it is neither, RuntimeError if it belongs
    /// to a transport or the loop is closed, PermissionError for a regular file (epoll_ctl(2)).
    #[pyo3(signature = (fd, callback, *args))]
    fn add_reader<'py>(
        slf: &Bound<'py, Self>,
        fd: &Bound<'py, PyAny>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
    ) -> PyResult<()> {
        Self::free_fd(slf, fd)?;
        Self::watch_handle(slf, fd, Direction::Read, callback, args, None).map(drop)
    }

    /// No longer watch fd for reading. Return True if it was watched.
    fn remove_reader(slf: &Bound<'_, Self>, fd: &Bound<'_, PyAny>) -> PyResult<bool> {
        let fd = Self::free_fd(slf, fd)?;
        slf.get().unwatch(slf.py(), fd, Direction::Read)
    }

    /// Call callback(*args) in every iteration in which fd can be written; otherwise like add_reader().
    #[pyo3(signature = (fd, callback, *args))]
    fn add_writer<'py>(
        slf: &Bound<'py, Self>,
        fd: &Bound<'py, PyAny>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
    ) -> PyResult<()> {
        Self::free_fd(slf, fd)?;
        Self::watch_handle(slf, fd, Direction::Write, callback, args, None).map(drop)
    }

    /// No longer watch fd for writing. Return True if it was watched.
    fn remove_writer(slf: &Bound<'_, Self>, fd: &Bound<'_, PyAny>) -> PyResult<bool> {
        let fd = Self::free_fd(slf, fd)?;
        slf.get().unwatch(slf.py(), fd, Direction::Write)
    }

    #[pyo3(name = "_add_reader", signature = (fd, callback, *args, context = None))]
    fn add_reader_unchecked<'py>(
        slf: &Bound<'py, Self>,
        fd: &Bound<'py, PyAny>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Py<Handle>> {
        Self::watch_handle(slf, fd, Direction::Read, callback, args, context)
    }

    #[pyo3(name = "_add_writer", signature = (fd, callback, *args, context = None))]
    fn add_writer_unchecked<'py>(
        slf: &Bound<'py, Self>,
        fd: &Bound<'py, PyAny>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Py<Handle>> {
        Self::watch_handle(slf, fd, Direction::Write, callback, args, context)
    }

    #[pyo3(name = "_remove_reader")]
    fn remove_reader_unchecked(slf: &Bound<'_, Self>, fd: &Bound<'_, PyAny>) -> PyResult<bool> {
        let me = slf.get();
        me.unwatch(slf.py(), me.watched_fd(fd)?, Direction::Read)
    }

    #[pyo3(name = "_remove_writer")]
    fn remove_writer_unchecked(slf: &Bound<'_, Self>, fd: &Bound<'_, PyAny>) -> PyResult<bool> {
        let me = slf.get();
        me.unwatch(slf.py(), me.watched_fd(fd)?, Direction::Write)
    }

    #[pyo3(name = "_ensure_fd_no_transport")]
    fn ensure_fd_no_transport(slf: &Bound<'_, Self>, fd: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::free_fd(slf, fd).map(drop)
    }
}
