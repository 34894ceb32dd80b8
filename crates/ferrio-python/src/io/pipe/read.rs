//! `ReadPipeTransport`: the reading end of a pipe.

use std::os::fd::RawFd;

use ferrio::engine::Interest;
use pyo3::PyTraverseError;
use pyo3::exceptions::PyOSError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::common::{Pipe, PipeArguments, describe, pipe_methods};
use crate::base::cell::AttachedCell;
use crate::base::errors::os_error;
use crate::io::connection::{Connection, Transport, TransportPhase, transport_accessors};
use crate::io::incoming::Arrival;
use crate::io::process::PipeProtocol;
use crate::io::streams::{StreamReader, StreamReaderProtocol};
use crate::kernel::event_loop::{Action, Callback, Direction, Loop, READ_SIZE};
use crate::{base::imports, cpython};

static READABLE: Action = Action::of("reading from", |object| {
    ReadPipeTransport::on_readable(object.cast()?)
});

/// Whether received data is delivered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Flowing,
    Paused,
}

struct State {
    connection: Connection,
    reading: Reading,
    /// The context in which `data_received` runs: a copy of the one in which the transport was made or reading resumed.
    context: Py<PyAny>,
}

/// A transport over the reading end of a pipe.
#[pyclass(module = "ferrio", frozen, weakref, dict)]
pub struct ReadPipeTransport {
    event_loop: Py<Loop>,
    fd: RawFd,
    state: AttachedCell<State>,
}

impl ReadPipeTransport {
    /// Makes a transport and schedules `connection_made`, then the start of reading, then the waiter's result.
    pub fn open<'py>(
        event_loop: &Bound<'py, Loop>,
        arguments: PipeArguments<'py>,
    ) -> PyResult<Bound<'py, Self>> {
        let py = event_loop.py();
        let pipe = Pipe::new(&arguments, "Pipe transport is for pipes/sockets only.")?;
        let state = AttachedCell::new(State {
            connection: pipe.connection,
            reading: Reading::Flowing,
            context: cpython::copy_context(py)?,
        });
        let transport = Self {
            event_loop: event_loop.clone().unbind(),
            fd: pipe.fd,
            state,
        };
        let transport = Bound::new(py, transport)?;
        let start = Some("_start_reading");
        Self::begin(
            &transport,
            &arguments.protocol,
            start,
            arguments.waiter,
            None,
        )?;
        Ok(transport)
    }

    /// Receives once. The loop calls this when the pipe is readable.
    pub fn on_readable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.is_reading(py) {
            // pause_reading leaves the descriptor watched: most pauses end before anything arrives, and do not deserve two
            // system calls.
            return me.stop_watching(py, Direction::Read);
        }
        let Some(protocol) = me.protocol(py) else {
            return me.stop_watching(py, Direction::Read);
        };
        let context = me.state.with(py, |state| state.context.clone_ref(py));
        cpython::in_context(context.bind(py), || Self::receive(slf, &protocol))
    }

    fn receive(slf: &Bound<'_, Self>, protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let read = |buffer: &mut [u8]| Ok(rustix::io::read(cpython::borrow_fd(me.fd)?, buffer)?);
        let event_loop = me.event_loop(py);
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
            // An exception of the protocol is reported like that of any callback. As in asyncio, the transport stays open.
            Ok(Arrival::Data(delivered)) => delivered,
            Ok(Arrival::Eof) => Self::receive_eof(slf, protocol),
            Ok(Arrival::Nothing) => Ok(()),
            Err(error) => {
                let error = os_error(py, &error);
                Self::fail(slf, &error, "Fatal read error on pipe transport")
            }
        }
    }

    fn receive_eof(slf: &Bound<'_, Self>, protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        Self::log(slf, "info", "%r was closed by peer")?;
        me.set_phase(py, TransportPhase::Lost);
        me.stop_watching(py, Direction::Read)?;
        let eof_received = protocol.getattr(intern!(py, "eof_received"))?;
        let event_loop = me.event_loop(py);
        Loop::schedule(event_loop, eof_received, PyTuple::empty(py), None)?;
        Self::schedule_connection_lost(slf, None)
    }

    /// Has the loop watch for data, unless it does already, or the transport is paused or closing.
    fn watch_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let event_loop = me.event_loop(py).get();
        let fd = me.fd;
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
}

impl Transport for ReadPipeTransport {
    const DIRECTIONS: &'static [Direction] = &[Direction::Read];

    transport_accessors!();

    fn describe(&self, py: Python<'_>) -> String {
        describe(self, py, "ReadPipeTransport", |interest| {
            // A paused transport may still be watched, see `on_readable`.
            let polling = self.is_reading(py) && interest.contains(Interest::READ);
            if polling { "polling" } else { "idle" }.to_owned()
        })
    }

    fn warning_function(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
        imports::warn_of_read_pipe(py)
    }

    /// Only `EIO` is expected: the error of a terminal whose other side is closed.
    fn is_expected(exception: &Bound<'_, PyAny>) -> bool {
        exception.is_instance_of::<PyOSError>()
            && exception
                .getattr(intern!(exception.py(), "errno"))
                .and_then(|errno| errno.eq(libc::EIO))
                .unwrap_or(false)
    }
}

#[pymethods]
impl ReadPipeTransport {
    /// Return True if the transport is neither paused nor closing.
    fn is_reading(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| {
            state.connection.phase == TransportPhase::Open && state.reading == Reading::Flowing
        })
    }

    /// Stop calling data_received() until resume_reading(). Does nothing if paused or closing.
    fn pause_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.is_reading(py) {
            return Ok(());
        }
        me.state.with(py, |state| state.reading = Reading::Paused);
        Self::log(slf, "debug", "%r pauses reading")
    }

    /// Go on after pause_reading(). Does nothing if not paused or if closing.
    fn resume_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.phase(py) != TransportPhase::Open || me.is_reading(py) {
            return Ok(());
        }
        let context = cpython::copy_context(py)?;
        let old = me.state.with(py, |state| {
            state.reading = Reading::Flowing;
            std::mem::replace(&mut state.context, context)
        });
        drop(old);
        Self::watch_reading(slf)?;
        Self::log(slf, "debug", "%r resumes reading")
    }

    /// Close the pipe; connection_lost(None) is called.
    fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::force_close(slf, None)
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(imports::read_transport_class(slf.py())?.clone().unbind())
    }

    #[pyo3(name = "_start_reading")]
    fn start_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::watch_reading(slf)
    }

    #[pyo3(name = "_close")]
    fn close_with(slf: &Bound<'_, Self>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        Self::force_close(slf, exc)
    }

    #[classattr]
    #[pyo3(name = "max_size")]
    const MAX_SIZE: usize = READ_SIZE;

    /// Receive once, as if the kernel had reported data.
    #[pyo3(name = "_read_ready")]
    fn read_ready(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_readable(slf)
    }

    /// Watch a descriptor if the transport is reading.
    #[pyo3(name = "_add_reader")]
    fn add_reader(&self, fd: Bound<'_, PyAny>, callback: Bound<'_, PyAny>) -> PyResult<()> {
        let py = fd.py();
        if self.is_reading(py) {
            let event_loop = self.event_loop.bind(py);
            event_loop.call_method1(intern!(py, "_add_reader"), (fd, callback))?;
        }
        Ok(())
    }

    #[getter(_paused)]
    fn get_paused(&self, py: Python<'_>) -> bool {
        self.state
            .with(py, |state| state.reading == Reading::Paused)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        self.state.visit(&visit, |state| {
            state.connection.traverse(visit)?;
            visit.call(&state.context)
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.connection(py, Connection::take_references)));
    }
}

pipe_methods!(ReadPipeTransport);
