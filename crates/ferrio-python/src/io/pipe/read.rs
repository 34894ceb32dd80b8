//! `ReadPipeTransport`: the reading end of a pipe.

use std::ffi::CStr;

use ferrio::Interest;
use pyo3::PyTraverseError;
use pyo3::exceptions::PyOSError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use super::end::{End, Ends, PipePhase};
use crate::base::cell::AttachedCell;
use crate::base::errors::os_error;
use crate::io::incoming::Arrival;
use crate::io::process::PipeProtocol;
use crate::io::protocol::{fail, report_error};
use crate::io::streams::{StreamReader, StreamReaderProtocol};
use crate::kernel::event_loop::{Action, Callback, Direction, Loop, READ_SIZE};
use crate::{base::imports, cpython};

static READABLE: Action = Action::of("reading from", |object| {
    ReadPipeTransport::on_readable(object.cast()?)
});

/// Whether the protocol wants what arrives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Flowing,
    Paused,
}

struct State {
    reading: Reading,
    /// The context in which `data_received` runs: that of whoever began or resumed reading.
    context: Py<PyAny>,
}

/// A transport over the reading end of a pipe.
#[pyclass(module = "ferrio", frozen, weakref, dict)]
pub struct ReadPipeTransport {
    end: End,
    state: AttachedCell<State>,
}

impl ReadPipeTransport {
    /// Makes a transport and schedules `connection_made`, then reading, then the waiter.
    pub fn open<'py>(event_loop: &Bound<'py, Loop>, ends: Ends<'py>) -> PyResult<Bound<'py, Self>> {
        let py = event_loop.py();
        let end = End::new(
            event_loop,
            &ends,
            "Pipe transport is for pipes/sockets only.",
        )?;
        let state = AttachedCell::new(State {
            reading: Reading::Flowing,
            context: cpython::copy_context(py)?,
        });
        let transport = Bound::new(py, Self { end, state })?;
        transport
            .get()
            .end
            .begin(&transport, Some("_start_reading"), ends)?;
        Ok(transport)
    }

    /// The loop calls this when the pipe can be read.
    pub fn on_readable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.is_reading(py) {
            // pause_reading leaves the descriptor watched, since most pauses end before anything arrives, and a system
            // call each way would be wasted on them.
            return me.end.stop_watching(py, Direction::Read);
        }
        let Some(protocol) = me.end.protocol(py) else {
            return me.end.stop_watching(py, Direction::Read);
        };
        let context = me.state.with(py, |state| state.context.clone_ref(py));
        cpython::in_context(context.bind(py), || Self::receive(slf, &protocol))
    }

    fn receive(slf: &Bound<'_, Self>, protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let read =
            |buffer: &mut [u8]| Ok(rustix::io::read(cpython::borrow_fd(me.end.fd())?, buffer)?);
        let event_loop = me.end.event_loop(py);
        let reader = StreamReaderProtocol::reader_behind(protocol)
            .or_else(|| PipeProtocol::reader_behind(protocol));
        let arrival = if let Some(reader) = reader {
            let arrival =
                Arrival::read_with(event_loop, read, |bytes| reader.get().feed(py, bytes));
            arrival.map(|arrival| arrival.map(|fed| StreamReader::delivered(&reader, fed)))
        } else {
            let data_received = intern!(py, "data_received");
            let deliver =
                |data: Bound<'_, PyBytes>| cpython::call_method(protocol, data_received, [&data]);
            Arrival::read(event_loop, read).map(|arrival| arrival.map(deliver))
        };
        match arrival {
            // What the protocol raises is reported as any callback's; the transport stays open, as asyncio's does.
            Ok(Arrival::Data(delivered)) => delivered,
            Ok(Arrival::Eof) => Self::receive_eof(slf, protocol),
            Ok(Arrival::Nothing) => Ok(()),
            Err(error) => {
                let error = os_error(py, &error);
                fail(py, &error, |exc| {
                    Self::fatal_error(slf, exc, "Fatal read error on pipe transport")
                })
            }
        }
    }

    fn receive_eof(slf: &Bound<'_, Self>, protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.end.log(slf, "info", "%r was closed by peer")?;
        me.end.set_phase(py, PipePhase::Lost);
        me.end.stop_watching(py, Direction::Read)?;
        let eof_received = protocol.getattr(intern!(py, "eof_received"))?;
        let event_loop = me.end.event_loop(py);
        Loop::schedule(event_loop, eof_received, PyTuple::empty(py), None)?;
        me.end.schedule_connection_lost(slf, None)
    }

    /// Ends the connection because of an error.
    fn fatal_error(slf: &Bound<'_, Self>, exc: &Bound<'_, PyAny>, message: &str) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // A terminal whose other side is closed answers EIO.
        let is_usual = exc.is_instance_of::<PyOSError>()
            && exc
                .getattr(intern!(py, "errno"))
                .and_then(|errno| errno.eq(libc::EIO))
                .unwrap_or(false);
        let event_loop = me.end.event_loop(py);
        let protocol = me.end.protocol(py);
        report_error(event_loop, slf, protocol.as_ref(), exc, message, is_usual)?;
        Self::force_close(slf, Some(exc.clone().unbind()))
    }

    /// Schedules `connection_lost`, once.
    fn force_close(slf: &Bound<'_, Self>, exception: Option<Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.end.is_open(py) {
            return Ok(());
        }
        me.end.set_phase(py, PipePhase::Lost);
        me.end.stop_watching(py, Direction::Read)?;
        me.end.schedule_connection_lost(slf, exception)
    }

    /// Has the loop watch for data to arrive, unless that is not wanted.
    fn watch_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let event_loop = me.end.event_loop(py).get();
        let fd = me.end.fd();
        let watched = event_loop.core(py, |core| {
            core.reader(fd)
                .is_some_and(|callback| callback.is_action(&READABLE, slf))
        });
        if watched || !me.is_reading(py) {
            return Ok(());
        }
        let callback = Callback::action(&READABLE, slf);
        event_loop.watch(py, fd, Direction::Read, callback)
    }

    fn describe(&self, py: Python<'_>) -> String {
        self.end.describe(py, "ReadPipeTransport", |event_loop| {
            let interest = event_loop.core(py, |core| core.interest(self.end.fd()));
            // A paused transport is still watched, see `on_readable`.
            let polling = self.is_reading(py) && interest.contains(Interest::READ);
            if polling { "polling" } else { "idle" }.to_owned()
        })
    }
}

#[pymethods]
impl ReadPipeTransport {
    /// Return True if the transport is neither paused nor closing.
    fn is_reading(&self, py: Python<'_>) -> bool {
        self.end.is_open(py)
            && self
                .state
                .with(py, |state| state.reading == Reading::Flowing)
    }

    /// Stop calling data_received() until resume_reading(). Does nothing if paused or closing.
    fn pause_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.is_reading(py) {
            return Ok(());
        }
        me.state.with(py, |state| state.reading = Reading::Paused);
        me.end.log(slf, "debug", "%r pauses reading")
    }

    /// Go on after pause_reading(). Does nothing if not paused or if closing.
    fn resume_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.end.is_open(py) || me.is_reading(py) {
            return Ok(());
        }
        let context = cpython::copy_context(py)?;
        let old = me.state.with(py, |state| {
            state.reading = Reading::Flowing;
            std::mem::replace(&mut state.context, context)
        });
        drop(old);
        Self::watch_reading(slf)?;
        me.end.log(slf, "debug", "%r resumes reading")
    }

    /// Close the pipe; connection_lost(None) is called.
    fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::force_close(slf, None)
    }

    /// Return True if the transport is closing or closed.
    fn is_closing(&self, py: Python<'_>) -> bool {
        !self.end.is_open(py)
    }

    /// Return the information called name ('pipe'), or default if there is none.
    #[pyo3(signature = (name, default = None))]
    fn get_extra_info<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        slf.get().end.extra_info(slf, name, default)
    }

    /// Set the protocol that is told from now on.
    fn set_protocol(&self, protocol: Bound<'_, PyAny>) {
        self.end.set_protocol(protocol);
    }

    /// Return the protocol, or None once the connection is lost.
    #[getter(_protocol)]
    fn get_protocol_attribute(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.get_protocol(py)
    }

    /// Return the protocol, or None once the connection is lost.
    fn get_protocol(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.end.protocol(py).map(Bound::unbind)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        self.describe(py)
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(imports::read_transport_class(slf.py())?.clone().unbind())
    }

    #[pyo3(name = "_start_reading")]
    fn start_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::watch_reading(slf)
    }

    #[pyo3(name = "_call_connection_lost")]
    fn call_connection_lost(&self, py: Python<'_>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        self.end.lose_connection(py, exc)
    }

    #[pyo3(name = "_close")]
    fn close_with(slf: &Bound<'_, Self>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        Self::force_close(slf, exc)
    }

    #[pyo3(name = "_fatal_error", signature = (exc, message = "Fatal error on pipe transport"))]
    fn fatal_error_method(
        slf: &Bound<'_, Self>,
        exc: &Bound<'_, PyAny>,
        message: &str,
    ) -> PyResult<()> {
        Self::fatal_error(slf, exc, message)
    }

    #[getter(_loop)]
    fn get_loop(&self, py: Python<'_>) -> Option<Py<Loop>> {
        (self.end.phase(py) != PipePhase::Closed).then(|| self.end.event_loop(py).clone().unbind())
    }

    #[getter(_pipe)]
    fn get_pipe(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.end.file(py)
    }

    #[setter(_pipe)]
    fn set_pipe(&self, py: Python<'_>, pipe: Option<Py<PyAny>>) {
        self.end.set_file(py, pipe);
    }

    #[classattr]
    #[pyo3(name = "max_size")]
    const MAX_SIZE: usize = READ_SIZE;

    /// Receive once, as when something has arrived.
    #[pyo3(name = "_read_ready")]
    fn read_ready(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_readable(slf)
    }

    /// Watch a descriptor while the transport reads.
    #[pyo3(name = "_add_reader")]
    fn add_reader(&self, fd: Bound<'_, PyAny>, callback: Bound<'_, PyAny>) -> PyResult<()> {
        let py = fd.py();
        if self.is_reading(py) {
            let event_loop = self.end.event_loop(py);
            event_loop.call_method1(intern!(py, "_add_reader"), (fd, callback))?;
        }
        Ok(())
    }

    #[getter(_fileno)]
    fn get_fileno(&self) -> i32 {
        self.end.fd()
    }

    #[getter(_extra)]
    fn get_extra(&self, py: Python<'_>) -> Py<PyDict> {
        self.end.extra(py)
    }

    #[getter(_closing)]
    fn get_closing(&self, py: Python<'_>) -> bool {
        self.is_closing(py)
    }

    #[getter(_paused)]
    fn get_paused(&self, py: Python<'_>) -> bool {
        self.state
            .with(py, |state| state.reading == Reading::Paused)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.end.traverse(visit)?;
        self.state.visit(|state| visit.call(&state.context))
    }

    fn __clear__(&self) {
        Python::attach(|py| self.end.clear(py));
    }
}

impl cpython::Finalize for ReadPipeTransport {
    #[inline]
    fn is_settled(slf: &Bound<'_, Self>) -> bool {
        slf.get().end.is_disposed(slf.py())
    }

    const WARNER: Option<&'static CStr> = Some(c"_warn");

    fn finalize(slf: &Bound<'_, Self>, warner: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        slf.get()
            .end
            .forget(slf, imports::warn_of_read_pipe(slf.py()), warner)
    }
}
