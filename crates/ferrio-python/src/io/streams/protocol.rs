//! `StreamReaderProtocol`: feeds a reader with what a transport receives, and is the flow control of writing.

use std::collections::VecDeque;

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyAssertionError, PyConnectionResetError, PyRuntimeError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyWeakrefMethods, PyWeakrefReference};

use super::reader::StreamReader;
use super::set_loop_attribute;
use crate::base::attributes::{flag_attribute, object_attribute};
use crate::base::cell::{AttachedCell, AttachedOnce};
use crate::cpython::subclasses::{Method, class_of, has_own};
use crate::kernel::coroutine::{Body, Call, Step, Wait, body};
use crate::kernel::event_loop::finish_with_none;
use crate::kernel::future::Home;
use crate::kernel::future::any::{fail, is_done, retrieve_exception};
use crate::{base::imports, cpython};

/// The interior state.
#[derive(Default)]
pub(super) struct State {
    /// A weak reference to the reader.
    pub(super) reader: Option<Py<PyWeakrefReference>>,
    /// The reader of a server's protocol until the connection is made: nothing else keeps it alive until then.
    pub(super) strong_reader: Option<Py<PyAny>>,
    pub(super) transport: Option<Py<PyAny>>,
    /// The function that a server calls for each connection.
    pub(super) callback: Option<Py<PyAny>>,
    /// The task of the coroutine that the function has returned.
    pub(super) task: Option<Py<PyAny>>,
    /// The writer, if the asyncio of this Python keeps it alive.
    pub(super) writer: Option<Py<PyAny>>,
    /// The future that is done when the connection is lost.
    closed: Option<Py<PyAny>>,
    pub(super) source_traceback: Option<Py<PyAny>>,
    /// The futures of the coroutines that wait in `drain`.
    drain_waiters: VecDeque<Py<PyAny>>,
    pub(super) over_ssl: bool,
    paused: bool,
    connection_lost: bool,
}

/// A protocol that feeds a StreamReader (CPython: `asyncio.StreamReaderProtocol`).
///
/// Arguments: stream_reader; client_connected_cb, a server's function or coroutine function that is called with the
/// reader and a writer for each connection; loop, by default the running one, or the policy's.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct StreamReaderProtocol {
    home: AttachedOnce<Home>,
    pub(super) state: AttachedCell<State>,
}

impl StreamReaderProtocol {
    /// Returns the loop. Raises `RuntimeError` if the `__init__` of a subclass has not called this class's.
    pub(super) fn home(&self, py: Python<'_>) -> PyResult<&Home> {
        self.home.get(py).ok_or_else(|| {
            PyRuntimeError::new_err("StreamReaderProtocol object is not initialized.")
        })
    }

    /// Returns the reader, if it is alive.
    #[inline]
    pub(super) fn reader<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let reader = self.state.get_bound(py, |state| state.reader.as_ref());
        reader?.upgrade()
    }

    /// Whether received bytes may go to the reader without a call of `data_received`.
    pub fn takes_bytes(slf: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(slf.is_instance_of::<Self>()
            && !has_own::<Self>(slf, intern!(slf.py(), "data_received"))?)
    }

    /// Returns the reader of a transport's protocol if received bytes may go to it directly: both are of the exact classes,
    /// and the methods are not replaced.
    #[inline]
    pub fn reader_behind<'py>(protocol: &Bound<'py, PyAny>) -> Option<Bound<'py, StreamReader>> {
        Self::native_reader(protocol.cast_exact::<Self>().ok()?)
    }

    /// Returns the reader of a protocol for which [`takes_bytes`](Self::takes_bytes) holds, under the same conditions.
    #[inline]
    pub fn native_reader<'py>(slf: &Bound<'py, Self>) -> Option<Bound<'py, StreamReader>> {
        static DATA_RECEIVED: Method = Method::new("data_received");
        if slf.is_exact_instance_of::<Self>() && !DATA_RECEIVED.is_native(slf) {
            return None;
        }
        StreamReader::to_feed(slf.get().reader(slf.py())?)
    }

    /// Returns the future that is done when the connection is lost.
    pub(super) fn closed(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.closed.as_ref())
    }

    /// Runs `drain` as a step of a coroutine: waits while writing is paused.
    pub(super) fn drain(slf: &Bound<'_, Self>) -> PyResult<Step> {
        let py = slf.py();
        let me = slf.get();
        let (lost, paused) = me
            .state
            .with(py, |state| (state.connection_lost, state.paused));
        if lost {
            return Err(PyConnectionResetError::new_err("Connection lost"));
        }
        if !paused {
            return Ok(Step::none(py));
        }
        let waiter = me.home(py)?.create_future(py)?.unbind();
        let kept = waiter.clone_ref(py);
        me.state
            .with(py, |state| state.drain_waiters.push_back(kept));
        let draining = Draining {
            protocol: slf.clone().unbind(),
            waiter: waiter.clone_ref(py),
        };
        Ok(Step::Wait(waiter, Box::new(draining)))
    }

    /// Returns the futures of the coroutines that wait in `drain`. Each coroutine removes its future when it is resumed.
    fn drain_waiters<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyAny>> {
        self.state.with(py, |state| {
            let waiters = state.drain_waiters.iter();
            waiters.map(|waiter| waiter.bind(py).clone()).collect()
        })
    }

    fn log_debug(slf: &Bound<'_, Self>, text: &str) -> PyResult<()> {
        let py = slf.py();
        if slf.get().home(py)?.debug(py)? {
            imports::logger(py)?.call_method1(intern!(py, "debug"), (text, slf))?;
        }
        Ok(())
    }
}

/// The rest of `drain`, once its future is done or cancelled.
struct Draining {
    protocol: Py<StreamReaderProtocol>,
    waiter: Py<PyAny>,
}

impl Wait for Draining {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let removed = self.protocol.get().state.with(py, |state| {
            let waiters = &mut state.drain_waiters;
            let index = waiters.iter().position(|waiter| waiter.is(&self.waiter));
            index.and_then(|index| waiters.remove(index))
        });
        drop(removed);
        outcome?;
        Ok(Step::none(py))
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.protocol)?;
        visit.call(&self.waiter)
    }
}

#[pymethods]
impl StreamReaderProtocol {
    #[new]
    #[pyo3(
        signature = (*_args, **_kwargs),
        text_signature = "(stream_reader, client_connected_cb=None, loop=None)"
    )]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            home: AttachedOnce::new(),
            state: AttachedCell::default(),
        }
    }

    #[pyo3(signature = (stream_reader, client_connected_cb = None, r#loop = None))]
    fn __init__(
        slf: &Bound<'_, Self>,
        stream_reader: Option<Bound<'_, PyAny>>,
        client_connected_cb: Option<Py<PyAny>>,
        r#loop: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // A second call of `__init__` resets everything but the loop.
        let _ = me.home.set(py, Home::given_or_current(py, r#loop)?);
        let mut state = State {
            closed: Some(me.home(py)?.create_future(py)?.unbind()),
            ..State::default()
        };
        if let Some(reader) = stream_reader {
            state.reader = Some(PyWeakrefReference::new(&reader)?.unbind());
            let traceback = reader.getattr(intern!(py, "_source_traceback"))?;
            state.source_traceback =
                Some(traceback.unbind()).filter(|traceback| !traceback.is_none(py));
            if client_connected_cb.is_some() {
                state.strong_reader = Some(reader.unbind());
            }
        }
        state.callback = client_connected_cb;
        drop(me.state.replace(py, state));
        Ok(())
    }

    /// Pass the transport to the reader, and on a server call client_connected_cb.
    fn connection_made(slf: &Bound<'_, Self>, transport: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::on_connection_made(slf, transport)
    }

    /// Pass the end of the stream or the exception to the reader and to coroutines that wait in drain().
    fn connection_lost(slf: &Bound<'_, Self>, exc: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if let Some(reader) = me.reader(py) {
            match &exc {
                None => reader.call_method0(intern!(py, "feed_eof"))?,
                Some(exc) => reader.call_method1(intern!(py, "set_exception"), (exc,))?,
            };
        }
        if let Some(closed) = me.closed(py).map(|closed| closed.into_bound(py))
            && !is_done(&closed)?
        {
            match &exc {
                None => finish_with_none(&closed)?,
                Some(exc) => fail(&closed, exc.clone())?,
            }
        }
        let paused = me.state.with(py, |state| {
            state.connection_lost = true;
            state.paused
        });
        if paused {
            for waiter in me.drain_waiters(py) {
                match &exc {
                    _ if is_done(&waiter)? => {}
                    None => finish_with_none(&waiter)?,
                    Some(exc) => fail(&waiter, exc.clone())?,
                }
            }
        }
        let old = me.state.with(py, |state| {
            let transport = (state.transport.take(), state.task.take());
            (state.reader.take(), state.writer.take(), transport)
        });
        drop(old);
        Ok(())
    }

    /// Pass received bytes to the reader.
    fn data_received(slf: &Bound<'_, Self>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let Some(reader) = slf.get().reader(py) else {
            return Ok(());
        };
        match StreamReader::to_feed(reader.clone()) {
            Some(reader) => StreamReader::feed_data(&reader, data),
            None => reader
                .call_method1(intern!(py, "feed_data"), (data,))
                .map(drop),
        }
    }

    /// Pass the end of the stream to the reader. Return True, so that the connection stays open for writing, unless it uses
    /// TLS.
    fn eof_received(&self, py: Python<'_>) -> PyResult<bool> {
        if let Some(reader) = self.reader(py) {
            reader.call_method0(intern!(py, "feed_eof"))?;
        }
        Ok(!self.state.with(py, |state| state.over_ssl))
    }

    /// Make drain() wait from now on.
    fn pause_writing(slf: &Bound<'_, Self>) -> PyResult<()> {
        let before = slf
            .get()
            .state
            .with(slf.py(), |state| std::mem::replace(&mut state.paused, true));
        if before {
            return Err(PyAssertionError::new_err(()));
        }
        Self::log_debug(slf, "%r pauses writing")
    }

    /// Wake the coroutines that wait in drain().
    fn resume_writing(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.state.with(py, |state| std::mem::take(&mut state.paused)) {
            return Err(PyAssertionError::new_err(()));
        }
        Self::log_debug(slf, "%r resumes writing")?;
        me.drain_waiters(py)
            .iter()
            .try_for_each(|waiter| finish_with_none(waiter))
    }

    #[pyo3(name = "_drain_helper")]
    fn drain_helper(slf: Py<Self>) -> Call {
        const DRAIN: Body = body!(
            "FlowControlMixin._drain_helper",
            |protocol: StreamReaderProtocol| StreamReaderProtocol::drain(protocol)
        );
        DRAIN.call(slf.into_any(), None)
    }

    #[pyo3(name = "_get_close_waiter")]
    fn get_close_waiter(&self, py: Python<'_>, stream: &Bound<'_, PyAny>) -> Option<Py<PyAny>> {
        let _ = stream;
        self.closed(py)
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let asyncio_class = imports::stream_reader_protocol_class(slf.py())?;
        Ok(class_of::<Self>(slf, asyncio_class))
    }

    #[getter(_loop)]
    fn get_loop(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.home(py)?.as_any().clone_ref(py))
    }

    #[setter(_loop)]
    fn set_loop(&self, event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
        set_loop_attribute(&self.home, event_loop)
    }

    #[getter(_stream_reader)]
    fn get_stream_reader(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.reader(py).map(Bound::unbind)
    }

    #[getter(_stream_reader_wr)]
    fn get_stream_reader_wr(&self, py: Python<'_>) -> Option<Py<PyWeakrefReference>> {
        self.state.get_ref(py, |state| state.reader.as_ref())
    }

    #[setter(_stream_reader_wr)]
    fn set_stream_reader_wr(&self, py: Python<'_>, reference: Option<Py<PyWeakrefReference>>) {
        let replace = |old: &mut _| std::mem::replace(old, reference);
        let old = self.state.with(py, |state| replace(&mut state.reader));
        drop(old);
    }

    /// Always False: a reader is kept alive until the connection is made, so that no connection has to be rejected.
    #[getter(_reject_connection)]
    fn get_reject_connection(&self) -> bool {
        false
    }

    #[setter(_drain_waiters)]
    fn set_drain_waiters(&self, waiters: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = waiters.py();
        let waiters: VecDeque<_> = waiters
            .try_iter()?
            .map(|waiter| waiter.map(Bound::unbind))
            .collect::<PyResult<_>>()?;
        let replace = |old: &mut _| std::mem::replace(old, waiters);
        let old = self
            .state
            .with(py, |state| replace(&mut state.drain_waiters));
        drop(old);
        Ok(())
    }

    #[getter(_drain_waiters)]
    fn get_drain_waiters(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let waiters = self.drain_waiters(py);
        Ok(imports::deque(py)?.call1((waiters,))?.unbind())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(home) = self.home.get(&visit) {
            visit.call(home.as_any())?;
        }
        self.state.visit(&visit, |state| {
            visit.call(&state.reader)?;
            visit.call(&state.strong_reader)?;
            visit.call(&state.transport)?;
            visit.call(&state.callback)?;
            visit.call(&state.task)?;
            visit.call(&state.writer)?;
            visit.call(&state.closed)?;
            visit.call(&state.source_traceback)?;
            let mut waiters = state.drain_waiters.iter();
            waiters.try_for_each(|waiter| visit.call(waiter))
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.state.take(py)));
    }
}

impl cpython::Finalize for StreamReaderProtocol {
    /// Marks the exception of the future `closed` as retrieved, so that it is not logged when the future is collected.
    fn finalize(slf: &Bound<'_, Self>, _: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let py = slf.py();
        match slf.get().closed(py) {
            Some(closed) => retrieve_exception(closed.bind(py)),
            None => Ok(()),
        }
    }
}

flag_attribute!(
    StreamReaderProtocol,
    over_ssl,
    _over_ssl,
    get_over_ssl,
    set_over_ssl
);
flag_attribute!(
    StreamReaderProtocol,
    paused,
    _paused,
    get_paused,
    set_paused
);
flag_attribute!(
    StreamReaderProtocol,
    connection_lost,
    _connection_lost,
    get_connection_lost,
    set_connection_lost
);
object_attribute!(
    StreamReaderProtocol,
    writer,
    _stream_writer,
    get_stream_writer,
    set_stream_writer
);
object_attribute!(
    StreamReaderProtocol,
    transport,
    _transport,
    get_transport,
    set_transport
);
object_attribute!(StreamReaderProtocol, task, _task, get_task, set_task);
object_attribute!(
    StreamReaderProtocol,
    closed,
    _closed,
    get_closed,
    set_closed
);
object_attribute!(
    StreamReaderProtocol,
    callback,
    _client_connected_cb,
    get_callback,
    set_callback
);
object_attribute!(
    StreamReaderProtocol,
    strong_reader,
    _strong_reader,
    get_strong_reader,
    set_strong_reader
);
object_attribute!(
    StreamReaderProtocol,
    source_traceback,
    _source_traceback,
    get_source_traceback,
    set_source_traceback
);
