//! What has arrived, who waits for more, and back-pressure.

use ferrio::ReadBuffer;
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

/// How much a reader holds before it says that a line is too long, and half of what it holds before it has the
/// transport pause, in bytes.
pub(super) const DEFAULT_LIMIT: usize = 1 << 16;

/// The interior state.
#[derive(Default)]
pub(super) struct State {
    buffer: ReadBuffer,
    /// The buffer as Python code has it, once it has asked for it: then this is the one that counts.
    shared: Option<Py<PyByteArray>>,
    pub(super) limit: usize,
    pub(super) eof: bool,
    /// The future that a reading coroutine waits for.
    pub(super) waiter: Option<Py<PyAny>>,
    pub(super) exception: Option<Py<PyAny>>,
    pub(super) transport: Option<Py<PyAny>>,
    /// The transport was told to pause.
    pub(super) paused: bool,
    pub(super) source_traceback: Option<Py<PyAny>>,
}

/// The reading side of a stream (CPython: `asyncio.StreamReader`).
///
/// Arguments: limit, the most bytes before a separator, and half of what is buffered before the transport pauses; loop,
/// the event loop, by default the running one, or the policy's. Raises ValueError unless limit > 0.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct StreamReader {
    pub(super) home: AttachedOnce<Home>,
    pub(super) state: AttachedCell<State>,
}

/// What was delivered by a transport's read.
pub enum Fed {
    /// It is in the buffer.
    Taken,
    /// Python code has the buffer, or the reader is at its end: `feed_data` knows what to do.
    Refused(Vec<u8>),
}

impl StreamReader {
    /// The loop. Raises `RuntimeError` for a subclass whose `__init__` has not called this class's.
    pub(super) fn home(&self) -> PyResult<&Home> {
        self.home
            .get()
            .ok_or_else(|| PyRuntimeError::new_err("StreamReader object is not initialized."))
    }

    /// Runs `f` on the buffer. `f` must not reach Python.
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

    /// The same if Python code has asked for the buffer, and may have it still.
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

    /// The buffer as an object, which is the buffer as long as somebody has it.
    pub(super) fn get_buffer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>> {
        let shared = self.state.with(py, |state| {
            let shared = state.shared.as_ref();
            shared.map(|shared| shared.bind(py).clone())
        });
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

    /// Takes the first bytes out, as many as `end` says of all bytes and the limit.
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

    /// A reader that is fed without a call of `feed_data`: none of a subclass, and only while nobody has replaced that.
    #[inline]
    pub fn to_feed(reader: Bound<'_, PyAny>) -> Option<Bound<'_, Self>> {
        static FEED_DATA: Method = Method::new("feed_data");
        let reader = reader.cast_into_exact::<Self>().ok()?;
        FEED_DATA.is_native(&reader).then_some(reader)
    }

    /// Puts what a transport has read into the buffer, if that is possible without reaching Python, so that the bytes may
    /// be in a buffer that is in use. `delivered` has to follow.
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

    /// `feed_data`, the second half: whoever waits is told.
    #[inline]
    pub fn delivered(slf: &Bound<'_, Self>, fed: Fed) -> PyResult<()> {
        match fed {
            Fed::Taken => Self::after_feeding(slf),
            Fed::Refused(bytes) => Self::feed_data(slf, PyBytes::new(slf.py(), &bytes).as_any()),
        }
    }

    /// Tells the one who waits of what was fed, and has the transport pause if that was much.
    #[inline]
    fn after_feeding(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.wake_waiter(py)?;
        let len = me.buffer(py, |buffer| buffer.len())?;
        let transport = me.state.with(py, |state| {
            let much = !state.paused && len > state.limit.saturating_mul(2);
            let transport = state.transport.as_ref().filter(|_| much);
            transport.map(|transport| transport.bind(py).clone())
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
            // It cannot be paused: all there is has to be buffered, and it is not asked again.
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

    /// Has the transport go on, if it pauses and there is little left.
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

    /// Has the transport go on, if it pauses.
    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        let transport = self.state.with(py, |state| {
            let paused = std::mem::take(&mut state.paused);
            let transport = state.transport.as_ref().filter(|_| paused);
            transport.map(|transport| transport.bind(py).clone())
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

    /// A future that is done when there is more, or the end. `method` is who waits, for the message if somebody else
    /// does already.
    pub(super) fn wait_for_data(&self, py: Python<'_>, method: &str) -> PyResult<Py<PyAny>> {
        let (taken, eof) = self
            .state
            .with(py, |state| (state.waiter.is_some(), state.eof));
        if taken {
            return Err(PyRuntimeError::new_err(format!(
                "{method}() called while another coroutine is already waiting for incoming data"
            )));
        }
        if eof {
            return Err(PyAssertionError::new_err("_wait_for_data after EOF"));
        }
        // To wait while the transport pauses would be for ever.
        self.resume(py)?;
        let waiter = self.home()?.create_future(py)?.unbind();
        let kept = waiter.clone_ref(py);
        self.state.with(py, |state| state.waiter = Some(kept));
        Ok(waiter)
    }

    /// Forgets the future that a coroutine has waited for.
    #[inline]
    pub(super) fn forget_waiter(&self, py: Python<'_>) {
        drop(self.state.with(py, |state| state.waiter.take()));
    }

    /// Tells the one who waits for data or the end.
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
        // Initialised again it begins anew, on the loop that it has.
        let _ = me.home.set(py, home);
        let state = State {
            limit,
            source_traceback,
            ..State::default()
        };
        drop(me.state.replace(py, state));
        Ok(())
    }

    /// Return the exception that set_exception() was given, or None.
    pub(super) fn exception(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.with(py, |state| {
            let exception = state.exception.as_ref();
            exception.map(|exception| exception.clone_ref(py))
        })
    }

    /// Have reading raise the exception from now on, also the coroutine that waits; None that it does not any more.
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

    /// Set the transport that is paused when there is much in the buffer.
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

    /// Say that nothing will follow.
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
            // Whatever a bytearray can be extended by.
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
        if let Some(home) = self.home.get() {
            visit.call(home.as_any())?;
        }
        self.state.visit(|state| {
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

/// A limit as a number of bytes: one that is too large to count is none.
pub(super) fn as_limit(limit: &Bound<'_, PyAny>) -> PyResult<usize> {
    if limit.is_instance_of::<pyo3::types::PyInt>() {
        return Ok(limit.extract().unwrap_or(usize::MAX));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a limit that is no integer is a number of bytes all the same"
    )]
    Ok(limit.extract::<f64>()? as usize)
}
