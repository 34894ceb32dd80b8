//! `StreamWriter`: the writing side of a stream.

use std::ffi::CStr;

use pyo3::PyTraverseError;
use pyo3::exceptions::PyAssertionError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::protocol::StreamReaderProtocol;
use super::reader::StreamReader;
use crate::base::attributes::object_attribute;
use crate::base::cell::AttachedCell;
use crate::cpython::subclasses::{class_of, has_own};
use crate::io::transport::SocketTransport;
use crate::kernel::coroutine::{Body, Call, Coroutine, Step, Wait, body};
use crate::waiting::sync::Returns;
use crate::{base::imports, base::warning, cpython};

/// The interior state.
#[derive(Default)]
struct State {
    transport: Option<Py<PyAny>>,
    protocol: Option<Py<PyAny>>,
    reader: Option<Py<PyAny>>,
    event_loop: Option<Py<PyAny>>,
    /// The value of `_complete_fut`, once a program has asked for it.
    complete: Option<Py<PyAny>>,
}

/// The writing side of a stream (CPython: `asyncio.StreamWriter`).
///
/// Arguments: transport; protocol, for whose flow control drain() waits; reader, a StreamReader whose exception drain()
/// raises, or None; loop, the event loop.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct StreamWriter {
    state: AttachedCell<State>,
}

impl State {
    fn new(
        transport: Bound<'_, PyAny>,
        protocol: Bound<'_, PyAny>,
        reader: Option<Bound<'_, PyAny>>,
        event_loop: Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        if let Some(reader) = &reader
            && !reader.is_instance_of::<StreamReader>()
            && !reader.is_instance(imports::stream_reader_class(reader.py())?)?
        {
            return Err(PyAssertionError::new_err("the reader is no StreamReader"));
        }
        Ok(Self {
            transport: Some(transport.unbind()),
            protocol: Some(protocol.unbind()),
            reader: reader.map(Bound::unbind),
            event_loop: Some(event_loop.unbind()),
            complete: None,
        })
    }
}

impl StreamWriter {
    /// Makes a writer for a connection that a server has accepted.
    pub(super) fn create<'py>(
        transport: Bound<'py, PyAny>,
        protocol: Bound<'py, PyAny>,
        reader: Option<Bound<'py, PyAny>>,
        event_loop: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Self>> {
        let py = transport.py();
        let state = State::new(transport, protocol, reader, event_loop)?;
        let state = AttachedCell::new(state);
        Bound::new(py, Self { state })
    }

    /// Returns the transport. Raises `AssertionError` if the garbage collector has cleared the writer.
    #[inline]
    fn transport<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let transport = self.state.get_bound(py, |state| state.transport.as_ref());
        transport.ok_or_else(|| PyAssertionError::new_err("the writer has no transport"))
    }

    fn protocol<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        let protocol = self.get_protocol(py);
        protocol.unwrap_or_else(|| py.None()).into_bound(py)
    }

    /// Raises the exception of the reader, if it has one.
    #[inline]
    fn check_reader(&self, py: Python<'_>) -> PyResult<()> {
        let reader = self.state.get_bound(py, |state| state.reader.as_ref());
        let Some(reader) = reader else {
            return Ok(());
        };
        let exception = match reader.cast_exact::<StreamReader>() {
            Ok(reader) => reader
                .get()
                .exception(py)
                .map(|exception| exception.into_bound(py)),
            Err(_) => Some(reader.call_method0(intern!(py, "exception"))?),
        };
        match exception.filter(|exception| !exception.is_none()) {
            None => Ok(()),
            Some(exception) => Err(cpython::raise(exception)),
        }
    }

    #[inline]
    fn is_transport_closing(&self, py: Python<'_>) -> PyResult<bool> {
        let transport = self.transport(py)?;
        match transport.cast_exact::<SocketTransport>() {
            Ok(transport) => Ok(transport.get().is_closing(py)),
            Err(_) => self
                .call_transport(py, intern!(py, "is_closing"), ())?
                .is_truthy(),
        }
    }

    /// Calls a method of the transport. The transport may be a writer itself: a cycle of them ends with a `RecursionError`.
    fn call_transport<'py>(
        &self,
        py: Python<'py>,
        method: &Bound<'py, PyString>,
        args: impl pyo3::call::PyCallArgs<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let transport = self.transport(py)?;
        cpython::deeper(py, || transport.call_method1(method, args))?
    }

    /// Waits while the protocol pauses writing, as a step of a coroutine.
    #[inline]
    fn wait_for_room(&self, py: Python<'_>) -> PyResult<Step> {
        let protocol = self.protocol(py);
        if let Ok(native) = protocol.cast::<StreamReaderProtocol>()
            && !has_own::<StreamReaderProtocol>(&protocol, intern!(protocol.py(), "_drain_helper"))?
        {
            return StreamReaderProtocol::drain(native);
        }
        let helper = protocol.call_method0(intern!(py, "_drain_helper"))?;
        Ok(Returns::None.after(helper.unbind()))
    }
}

/// The rest of `drain` on a transport that is closing: it has yielded once, so that `connection_lost` could run.
struct DrainAfterYield(Py<StreamWriter>);

impl Wait for DrainAfterYield {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        outcome?;
        self.0.get().wait_for_room(py)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }
}

fn drain(writer: &Bound<'_, StreamWriter>) -> PyResult<Step> {
    let py = writer.py();
    let me = writer.get();
    me.check_reader(py)?;
    if me.is_transport_closing(py)? {
        return Ok(Step::Yield(Box::new(DrainAfterYield(
            writer.clone().unbind(),
        ))));
    }
    me.wait_for_room(py)
}

fn wait_closed(writer: &Bound<'_, StreamWriter>) -> PyResult<Step> {
    let py = writer.py();
    let protocol = writer.get().protocol(py);
    let closed = protocol.call_method1(intern!(py, "_get_close_waiter"), (writer,))?;
    Ok(Returns::None.after(closed.unbind()))
}

impl StreamWriter {
    pub const DRAIN: Body = body!("StreamWriter.drain", |writer: StreamWriter| drain(writer));
    pub const WAIT_CLOSED: Body = body!("StreamWriter.wait_closed", |writer: StreamWriter| {
        wait_closed(writer)
    });
}

#[pymethods]
impl StreamWriter {
    #[new]
    #[pyo3(
        signature = (*_args, **_kwargs),
        text_signature = "(transport, protocol, reader, loop)"
    )]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            state: AttachedCell::default(),
        }
    }

    #[pyo3(signature = (transport, protocol, reader, r#loop))]
    fn __init__(
        &self,
        transport: Bound<'_, PyAny>,
        protocol: Bound<'_, PyAny>,
        reader: Option<Bound<'_, PyAny>>,
        r#loop: Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = transport.py();
        let state = State::new(transport, protocol, reader, r#loop)?;
        drop(self.state.replace(py, state));
        Ok(())
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let py = slf.py();
        let me = slf.get();
        let name = slf.get_type().name()?;
        let transport = me.transport(py)?;
        // A cycle of objects ends with a `RecursionError`.
        let transport = cpython::deeper(py, || transport.repr())??;
        Ok(match me.get_reader(py) {
            None => format!("<{name} transport={transport}>"),
            Some(reader) => {
                format!(
                    "<{name} transport={transport} reader={}>",
                    cpython::deeper(py, || reader.bind(py).repr())??
                )
            }
        })
    }

    /// The transport that the writer writes to.
    #[getter(transport)]
    fn transport_property<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.transport(py)
    }

    /// Write bytes-like data, which is sent as soon as the kernel takes it. Raises the exceptions of the transport's write().
    fn write(&self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = data.py();
        let transport = self.transport(py)?;
        match transport.cast_exact::<SocketTransport>() {
            Ok(transport) => SocketTransport::write(transport, data),
            Err(_) => self
                .call_transport(py, intern!(py, "write"), (data,))
                .map(drop),
        }
    }

    /// Write an iterable of bytes-like objects.
    fn writelines(&self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = data.py();
        self.call_transport(py, intern!(py, "writelines"), (data,))
            .map(drop)
    }

    /// Close the writing side once all data has been sent.
    fn write_eof<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.call_transport(py, intern!(py, "write_eof"), ())
    }

    /// Return True if the transport can close its writing side only.
    fn can_write_eof<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.call_transport(py, intern!(py, "can_write_eof"), ())
    }

    /// Close the connection once all data has been sent.
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.call_transport(py, intern!(py, "close"), ())
    }

    /// Return True if the connection is closing or closed.
    fn is_closing(&self, py: Python<'_>) -> PyResult<bool> {
        self.is_transport_closing(py)
    }

    /// Wait until the connection is closed. Raises the exception with which it was lost.
    fn wait_closed(slf: Py<Self>) -> Call {
        Self::WAIT_CLOSED.call(slf.into_any(), None)
    }

    /// Return the transport's information of this name, or default if there is none.
    #[pyo3(signature = (name, default = None))]
    fn get_extra_info<'py>(
        &self,
        name: Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = name.py();
        self.call_transport(py, intern!(py, "get_extra_info"), (name, default))
    }

    /// Wait until the transport takes more data. Raises the reader's exception, and ConnectionResetError if the connection
    /// is lost.
    fn drain(slf: Py<Self>) -> Call {
        Self::DRAIN.call(slf.into_any(), None)
    }

    /// Upgrade this connection to TLS.
    ///
    /// Arguments: sslcontext, an ssl.SSLContext; server_hostname, to check the certificate; ssl_handshake_timeout and
    /// ssl_shutdown_timeout in seconds. Raises the exceptions of loop.start_tls().
    #[pyo3(signature = (sslcontext, *, server_hostname = None, ssl_handshake_timeout = None, ssl_shutdown_timeout = None))]
    fn start_tls(
        slf: Py<Self>,
        py: Python<'_>,
        sslcontext: Py<PyAny>,
        server_hostname: Option<Py<PyAny>>,
        ssl_handshake_timeout: Option<Py<PyAny>>,
        ssl_shutdown_timeout: Option<Py<PyAny>>,
    ) -> PyResult<Py<Coroutine>> {
        let options = PyDict::new(py);
        options.set_item("server_hostname", server_hostname)?;
        options.set_item("ssl_handshake_timeout", ssl_handshake_timeout)?;
        options.set_item("ssl_shutdown_timeout", ssl_shutdown_timeout)?;
        let options = options.unbind();
        Coroutine::create(py, "StreamWriter.start_tls", async move |co| {
            let drained = Python::attach(|py| slf.call_method0(py, intern!(py, "drain")))?;
            co.wait(drained).await?;
            let (protocol, started) =
                Python::attach(|py| slf.bind(py).get().begin_tls(py, sslcontext, options))?;
            let transport = co.wait(started).await?;
            Python::attach(|py| {
                slf.get().set_transport(py, Some(transport.clone_ref(py)));
                let protocol = protocol.bind(py);
                let replace = intern!(py, "_replace_transport");
                if protocol.hasattr(replace)? {
                    protocol.call_method1(replace, (transport,))?;
                } else {
                    protocol.call_method1(intern!(py, "_replace_writer"), (slf,))?;
                }
                Ok(py.None())
            })
        })
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(class_of::<Self>(
            slf,
            imports::stream_writer_class(slf.py())?,
        ))
    }

    /// A future that is done: asyncio's writers have it and no longer use it.
    #[getter(_complete_fut)]
    fn get_complete<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let existing = self.state.get_bound(py, |state| state.complete.as_ref());
        let (None, Some(event_loop)) = (&existing, self.get_loop(py)) else {
            return Ok(existing);
        };
        let complete = event_loop
            .bind(py)
            .call_method0(intern!(py, "create_future"))?;
        complete.call_method1(intern!(py, "set_result"), (py.None(),))?;
        self.set_complete(py, Some(complete.clone().unbind()));
        Ok(Some(complete))
    }

    #[setter(_complete_fut)]
    fn set_complete(&self, py: Python<'_>, complete: Option<Py<PyAny>>) {
        let replace = |old: &mut _| std::mem::replace(old, complete);
        let old = self.state.with(py, |state| replace(&mut state.complete));
        drop(old);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.visit(&visit, |state| {
            visit.call(&state.transport)?;
            visit.call(&state.protocol)?;
            visit.call(&state.reader)?;
            visit.call(&state.event_loop)?;
            visit.call(&state.complete)
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.state.take(py)));
    }
}

object_attribute!(
    StreamWriter,
    transport,
    _transport,
    get_transport,
    set_transport
);
object_attribute!(
    StreamWriter,
    protocol,
    _protocol,
    get_protocol,
    set_protocol
);
object_attribute!(StreamWriter, reader, _reader, get_reader, set_reader);
object_attribute!(StreamWriter, event_loop, _loop, get_loop, set_loop);

impl StreamWriter {
    /// Calls `loop.start_tls`. Returns the protocol and the coroutine.
    fn begin_tls(
        &self,
        py: Python<'_>,
        sslcontext: Py<PyAny>,
        options: Py<PyDict>,
    ) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
        let protocol = self.protocol(py);
        let callback = protocol.getattr(intern!(py, "_client_connected_cb"))?;
        let options = options.bind(py);
        options.set_item(intern!(py, "server_side"), !callback.is_none())?;
        let event_loop = self.get_loop(py).unwrap_or_else(|| py.None());
        let args = (self.transport(py)?, &protocol, sslcontext);
        let start_tls = intern!(py, "start_tls");
        let started = event_loop.call_method(py, start_tls, args, Some(options))?;
        Ok((protocol.unbind(), started))
    }
}

impl cpython::Finalize for StreamWriter {
    const WARNER: Option<&'static CStr> = if cfg!(Py_3_13) {
        Some(c"warnings")
    } else {
        None
    };

    /// Closes a writer that the program has not closed, and issues a `ResourceWarning`.
    fn finalize(slf: &Bound<'_, Self>, warner: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let (Some(_), Some(event_loop)) = (me.get_transport(py), me.get_loop(py)) else {
            return Ok(());
        };
        if me.is_transport_closing(py)? {
            return Ok(());
        }
        let is_closed = event_loop.call_method0(py, intern!(py, "is_closed"))?;
        let (place, text) = if is_closed.is_truthy(py)? {
            let place = imports::warn_of_writer_of_closed_loop(py);
            (place, "loop is closed".to_owned())
        } else {
            slf.call_method0(intern!(py, "close"))?;
            (
                imports::warn_of_writer(py),
                format!("unclosed {}", slf.repr()?),
            )
        };
        warning::warn(place, text, None, warner)
    }
}
