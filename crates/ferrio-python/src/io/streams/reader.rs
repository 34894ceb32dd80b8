//! `StreamReader`: its buffer, the coroutine that waits for more, and back-pressure on the transport.
//!
//! The bytes are in Rust. A program that reads the attribute `_buffer` gets a `bytearray`, which is the buffer as long as
//! the program has a reference to it.

use ferrio::engine::ReadBuffer;
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyAssertionError, PyNotImplementedError, PyRuntimeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PySlice, PyTuple};

use crate::base::arguments::Omittable;
use crate::base::cell::{AttachedCell, AttachedOnce};
use crate::cpython;
use crate::cpython::subclasses::Method;
use crate::io::transport::SocketTransport;
use crate::kernel::event_loop::finish_with_none;
use crate::kernel::future::Home;
use crate::kernel::future::any::{fail, is_cancelled};

/// The default limit in bytes. A longer line is an error, and the transport is paused when the buffer has twice as many.
pub(super) const DEFAULT_LIMIT: usize = 1 << 16;

/// The interior state.
#[derive(Default)]
pub(super) struct State {
    buffer: ReadBuffer,
    /// The buffer as an object, once a program has asked for it. It replaces `buffer`.
    shared: Option<Py<PyByteArray>>,
    pub(super) limit: usize,
    pub(super) eof: bool,
    /// The future that a reading coroutine waits for.
    pub(super) waiter: Option<Py<PyAny>>,
    pub(super) exception: Option<Py<PyAny>>,
    pub(super) transport: Option<Py<PyAny>>,
    /// Whether the reader has paused the transport.
    pub(super) paused: bool,
    pub(super) source_traceback: Option<Py<PyAny>>,
}

/// The reading side of a stream (CPython: `asyncio.StreamReader`).
///
/// Arguments: limit, the largest number of bytes before a separator (the transport is paused when twice as many are
/// buffered); loop, the event loop, by default the running one or the policy's. Raises ValueError unless limit > 0.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct StreamReader {
    pub(super) home: AttachedOnce<Home>,
    pub(super) state: AttachedCell<State>,
}

/// The outcome of [`StreamReader::feed`].
pub enum Fed {
    /// The bytes are in the buffer.
    Taken,
    /// The bytes have to go through `feed_data`: a program has the buffer, or the stream has ended.
    Refused(Vec<u8>),
}

impl StreamReader {
    /// Returns the loop. Raises `RuntimeError` if the `__init__` of a subclass has not called this class's.
    pub(super) fn home(&self, py: Python<'_>) -> PyResult<&Home> {
        self.home
            .get(py)
            .ok_or_else(|| PyRuntimeError::new_err("StreamReader object is not initialized."))
    }

    /// Calls `f` with the buffer. `f` must not reach Python.
    #[inline]
    pub(super) fn buffer<R>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&mut ReadBuffer) -> R,
    ) -> PyResult<R> {
        let mut f = Some(f);
        let done = self
            .state
            .with(py, |state| match (&state.shared, f.take()) {
                (None, Some(now)) => Ok(now(&mut state.buffer)),
                (_, later) => Err(later),
            });
        match done {
            Ok(result) => Ok(result),
            Err(Some(f)) => self.shared_buffer(py, f),
            Err(None) => Err(PyRuntimeError::new_err("the reader is in use")),
        }
    }

    /// Calls `f` with the buffer after a program has asked for it. Takes the bytes back if the program has dropped it.
    #[cold]
    fn shared_buffer<R>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&mut ReadBuffer) -> R,
    ) -> PyResult<R> {
        let unshared = self.state.with(py, |state| {
            state
                .shared
                .take_if(|shared| cpython::is_only_reference(py, shared))
        });
        if let Some(bytes) = unshared {
            let bytes = bytes.bind(py).to_vec();
            return Ok(self.state.with(py, |state| {
                state.buffer.push(&bytes);
                f(&mut state.buffer)
            }));
        }
        let shared = self.get_buffer(py)?;
        let before = shared.to_vec();
        let mut buffer = ReadBuffer::new();
        buffer.push(&before);
        let result = f(&mut buffer);
        if buffer.bytes() != before {
            shared.set_item(PySlice::full(py), PyBytes::new(py, buffer.bytes()))?;
        }
        Ok(result)
    }

    /// Returns the buffer as an object, which is the buffer as long as the program has a reference to it.
    pub(super) fn get_buffer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>> {
        let shared = self.state.get_bound(py, |state| state.shared.as_ref());
        if let Some(shared) = shared {
            return Ok(shared);
        }
        let bytes = self.state.with(py, |state| {
            let bytes = state.buffer.bytes().to_vec();
            state.buffer.clear();
            bytes
        });
        let shared = PyByteArray::new(py, &bytes);
        self.set_buffer(shared.clone());
        Ok(shared)
    }

    pub(super) fn set_buffer(&self, shared: Bound<'_, PyByteArray>) {
        let py = shared.py();
        let old = self.state.with(py, |state| {
            state.buffer.clear();
            state.shared.replace(shared.unbind())
        });
        drop(old);
    }

    /// Takes bytes from the front of the buffer. `end` gets all bytes and the limit, and returns how many to take.
    #[inline]
    pub(super) fn take(
        &self,
        py: Python<'_>,
        end: impl FnOnce(&[u8], usize) -> Option<usize>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let limit = self.state.with(py, |state| state.limit);
        self.buffer(py, |buffer| {
            let end = end(buffer.bytes(), limit)?;
            let bytes = PyBytes::new(py, &buffer.bytes()[..end]);
            buffer.consume(end);
            Some(bytes.into_any().unbind())
        })
    }

    /// Returns the reader if it can be fed without a call of `feed_data`: it is of the exact class, and the method is not
    /// replaced.
    #[inline]
    pub fn to_feed(reader: Bound<'_, PyAny>) -> Option<Bound<'_, Self>> {
        static FEED_DATA: Method = Method::new("feed_data");
        let reader = reader.cast_into_exact::<Self>().ok()?;
        FEED_DATA.is_native(&reader).then_some(reader)
    }

    /// Appends bytes that a transport has received, if that is possible without a call of Python. So `bytes` may be part of a
    /// buffer that is borrowed. [`delivered`](Self::delivered) has to follow.
    #[inline]
    pub fn feed(&self, py: Python<'_>, bytes: &[u8]) -> Fed {
        self.state.with(py, |state| {
            if state.eof || state.shared.is_some() {
                return Fed::Refused(bytes.to_vec());
            }
            state.buffer.push(bytes);
            Fed::Taken
        })
    }

    /// Completes a [`feed`](Self::feed): wakes the coroutine that waits.
    #[inline]
    pub fn delivered(slf: &Bound<'_, Self>, fed: Fed) -> PyResult<()> {
        match fed {
            Fed::Taken => Self::after_feeding(slf),
            Fed::Refused(bytes) => Self::feed_data(slf, PyBytes::new(slf.py(), &bytes).as_any()),
        }
    }

    /// Wakes the coroutine that waits, and pauses the transport if more than twice the limit is buffered.
    #[inline]
    fn after_feeding(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.wake_waiter(py)?;
        let len = me.buffer(py, |buffer| buffer.len())?;
        let transport = me.state.get_bound(py, |state| {
            let is_too_much = !state.paused && len > state.limit.saturating_mul(2);
            state.transport.as_ref().filter(|_| is_too_much)
        });
        match transport {
            None => Ok(()),
            Some(transport) => Self::pause(slf, &transport),
        }
    }

    #[cold]
    fn pause(slf: &Bound<'_, Self>, transport: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        match transport.call_method0(intern!(py, "pause_reading")) {
            Ok(_) => {
                slf.get().state.with(py, |state| state.paused = true);
                Ok(())
            }
            // The transport cannot be paused. It is forgotten, and everything is buffered.
            Err(error) if error.is_instance_of::<PyNotImplementedError>(py) => {
                let old = slf.get().state.with(py, |state| state.transport.take());
                cpython::handling(py, &error, || {
                    drop(old);
                    Ok(())
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Resumes a paused transport if not more than the limit is buffered.
    #[inline]
    pub(super) fn maybe_resume(&self, py: Python<'_>) -> PyResult<()> {
        if !self.state.with(py, |state| state.paused) {
            return Ok(());
        }
        let len = self.buffer(py, |buffer| buffer.len())?;
        if self.state.with(py, |state| len <= state.limit) {
            self.resume(py)?;
        }
        Ok(())
    }

    /// Resumes a paused transport.
    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        let transport = self.state.get_bound(py, |state| {
            let paused = std::mem::take(&mut state.paused);
            state.transport.as_ref().filter(|_| paused)
        });
        match transport {
            None => Ok(()),
            Some(transport) => match transport.cast_exact::<SocketTransport>() {
                Ok(transport) => SocketTransport::resume_reading(transport),
                Err(_) => transport
                    .call_method0(intern!(py, "resume_reading"))
                    .map(drop),
            },
        }
    }

    /// Returns a future that is done when bytes or the end of the stream arrive. Raises `RuntimeError` if another coroutine
    /// waits; `method` stands in the message.
    pub(super) fn wait_for_data(&self, py: Python<'_>, method: &str) -> PyResult<Py<PyAny>> {
        let (is_waiting, eof) = self
            .state
            .with(py, |state| (state.waiter.is_some(), state.eof));
        if is_waiting {
            return Err(PyRuntimeError::new_err(format!(
                "{method}() called while another coroutine is already waiting for incoming data"
            )));
        }
        if eof {
            return Err(PyAssertionError::new_err("_wait_for_data after EOF"));
        }
        // With a paused transport the wait would never end.
        self.resume(py)?;
        let waiter = self.home(py)?.create_future(py)?.unbind();
        let kept = waiter.clone_ref(py);
        self.state.with(py, |state| state.waiter = Some(kept));
        Ok(waiter)
    }

    /// Drops the future of the coroutine that has waited.
    #[inline]
    pub(super) fn forget_waiter(&self, py: Python<'_>) {
        drop(self.state.with(py, |state| state.waiter.take()));
    }

    /// Wakes the coroutine that waits for bytes or the end of the stream.
    #[inline]
    pub(super) fn wake_waiter(&self, py: Python<'_>) -> PyResult<()> {
        match self.state.with(py, |state| state.waiter.take()) {
            Some(waiter) => finish_with_none(waiter.bind(py)),
            None => Ok(()),
        }
    }
}

#[pymethods]
impl StreamReader {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(limit=65536, loop=None)")]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            home: AttachedOnce::new(),
            state: AttachedCell::default(),
        }
    }

    #[pyo3(signature = (limit = Omittable(None), r#loop = None))]
    fn __init__(
        slf: &Bound<'_, Self>,
        limit: Omittable,
        r#loop: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let limit = match limit.0.map(|limit| limit.into_bound(py)) {
            None => DEFAULT_LIMIT,
            Some(limit) if limit.le(0)? => {
                return Err(PyValueError::new_err("Limit cannot be <= 0"));
            }
            Some(limit) => as_limit(&limit)?,
        };
        let home = Home::given_or_current(py, r#loop)?;
        let source_traceback = if home.debug(py)? {
            Some(crate::kernel::handle::source_traceback(py)?)
        } else {
            None
        };
        // A second call of `__init__` resets everything but the loop.
        let _ = me.home.set(py, home);
        let state = State {
            limit,
            source_traceback,
            ..State::default()
        };
        drop(me.state.replace(py, state));
        Ok(())
    }

    /// Return the exception that was set by set_exception(), or None.
    pub(super) fn exception(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.exception.as_ref())
    }

    /// Make reading raise the exception from now on, also in the coroutine that waits. None removes the exception.
    pub(super) fn set_exception(&self, py: Python<'_>, exc: Bound<'_, PyAny>) -> PyResult<()> {
        let kept = (!exc.is_none()).then(|| exc.clone().unbind());
        let (old, waiter) = self.state.with(py, |state| {
            let old = std::mem::replace(&mut state.exception, kept);
            (old, state.waiter.take())
        });
        drop(old);
        match waiter.map(|waiter| waiter.into_bound(py)) {
            Some(waiter) if !is_cancelled(&waiter)? => fail(&waiter, exc),
            _ => Ok(()),
        }
    }

    /// Set the transport that is paused when too much is buffered.
    pub(super) fn set_transport(&self, transport: Bound<'_, PyAny>) -> PyResult<()> {
        let py = transport.py();
        let transport = transport.unbind();
        let refused = self.state.with(py, |state| {
            if state.transport.is_some() {
                return Some(transport);
            }
            state.transport = Some(transport);
            None
        });
        match refused {
            None => Ok(()),
            Some(_) => Err(PyAssertionError::new_err("Transport already set")),
        }
    }

    #[pyo3(name = "_replace_transport")]
    pub(super) fn replace_transport(&self, transport: Bound<'_, PyAny>) -> PyResult<()> {
        let py = transport.py();
        let transport = transport.unbind();
        let old = self.state.with(py, |state| match state.transport {
            Some(_) => Ok(state.transport.replace(transport)),
            None => Err(transport),
        });
        match old {
            Ok(_) => Ok(()),
            Err(_) => Err(PyAssertionError::new_err("Transport not set")),
        }
    }

    /// Mark the end of the stream.
    pub(super) fn feed_eof(&self, py: Python<'_>) -> PyResult<()> {
        self.state.with(py, |state| state.eof = true);
        self.wake_waiter(py)
    }

    /// Return True if feed_eof() was called and the buffer is empty.
    fn at_eof(&self, py: Python<'_>) -> PyResult<bool> {
        let empty = self.buffer(py, |buffer| buffer.is_empty())?;
        Ok(empty && self.state.with(py, |state| state.eof))
    }

    /// Append bytes (any bytes-like object) to the buffer. Raises AssertionError after feed_eof().
    pub(super) fn feed_data(slf: &Bound<'_, Self>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.state.with(py, |state| state.eof) {
            return Err(PyAssertionError::new_err("feed_data after feed_eof"));
        }
        if !data.is_truthy()? {
            return Ok(());
        }
        if let Ok(data) = data.cast::<PyBytes>() {
            me.buffer(py, |buffer| buffer.push(data.as_bytes()))?;
        } else {
            // Any object by which a `bytearray` can be extended.
            let bytes = PyByteArray::new(py, b"");
            bytes.call_method1(intern!(py, "extend"), (data,))?;
            let bytes = bytes.to_vec();
            me.buffer(py, |buffer| buffer.push(&bytes))?;
        }
        Self::after_feeding(slf)
    }

    #[pyo3(name = "_wakeup_waiter")]
    fn wakeup_waiter(&self, py: Python<'_>) -> PyResult<()> {
        self.wake_waiter(py)
    }

    #[pyo3(name = "_maybe_resume_transport")]
    fn maybe_resume_transport(&self, py: Python<'_>) -> PyResult<()> {
        self.maybe_resume(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(home) = self.home.get(&visit) {
            visit.call(home.as_any())?;
        }
        self.state.visit(&visit, |state| {
            visit.call(&state.shared)?;
            visit.call(&state.waiter)?;
            visit.call(&state.exception)?;
            visit.call(&state.transport)?;
            visit.call(&state.source_traceback)
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.state.take(py)));
    }
}

/// Converts a limit to a number of bytes. A number that is too large saturates.
pub(super) fn as_limit(limit: &Bound<'_, PyAny>) -> PyResult<usize> {
    if limit.is_instance_of::<pyo3::types::PyInt>() {
        return Ok(limit.extract().unwrap_or(usize::MAX));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "asyncio takes any number as a limit"
    )]
    Ok(limit.extract::<f64>()? as usize)
}
