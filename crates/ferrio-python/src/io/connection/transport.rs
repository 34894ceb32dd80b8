//! [`Transport`]: the life of a transport over a descriptor, from `connection_made` to `connection_lost`.

use std::ffi::CStr;
use std::os::fd::RawFd;

use pyo3::PyClass;
use pyo3::exceptions::PyOSError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::types::{PyDict, PyTuple};

use super::{Connection, TransportPhase};
use crate::base::errors::leaves_the_loop;
use crate::io::fatal_error::fail;
use crate::kernel::event_loop::{Direction, Loop};
use crate::{base::imports, base::warning, cpython};

/// A transport over a descriptor.
///
/// The methods without a body and those that say "by default" are where asyncio's transports differ.
pub trait Transport: PyClass<Frozen = True> + Sync + Sized {
    /// The directions in which the loop watches the descriptor for this transport.
    const DIRECTIONS: &'static [Direction] = &[Direction::Write, Direction::Read];

    /// Returns the transport's loop.
    fn event_loop<'py>(&self, py: Python<'py>) -> &Bound<'py, Loop>;

    /// Returns the descriptor's number. After the transport has closed it, another file may have this number.
    fn fd(&self) -> RawFd;

    /// Runs `f` on the state. `f` must not reach Python.
    fn connection<R>(&self, py: Python<'_>, f: impl FnOnce(&mut Connection) -> R) -> R;

    /// Returns the protocol, until `connection_lost` was called.
    fn protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>>;

    /// Returns the socket, or the file object of a pipe, until it is closed.
    fn file<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>>;

    /// Returns the representation, also while the transport is being finalized.
    fn describe(&self, py: Python<'_>) -> String;

    /// Returns the function of `ferrio._warnings` that warns about an unclosed transport.
    fn warning_function(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>>;

    /// Sends the data that was written in this iteration of the loop; by default there is none.
    fn send_collected(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Ok(())
    }

    /// Drops all buffered data; by default there is none.
    fn discard(&self, _py: Python<'_>) {}

    /// Returns whether an exception that ends the connection is not worth a report: by default, if it is an `OSError`.
    fn is_expected(exception: &Bound<'_, PyAny>) -> bool {
        exception.is_instance_of::<PyOSError>()
    }

    /// Returns the context in which `connection_lost` is called; `None`, the default, means a copy of the current one.
    fn closing_context<'py>(&self, _py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        None
    }

    /// Tells the loop that the descriptor belongs to no transport any more; by default the loop does not know it.
    fn unregister(_slf: &Bound<'_, Self>) {}

    /// Tells the server that the connection has ended; by default there is none.
    fn detach_server(_slf: &Bound<'_, Self>) -> PyResult<()> {
        Ok(())
    }

    /// Connects another protocol; by default, this only replaces the old one.
    fn replace_protocol(&self, protocol: Bound<'_, PyAny>) -> PyResult<()> {
        let py = protocol.py();
        let old = self.connection(py, |connection| {
            connection.protocol.replace(protocol.unbind())
        });
        drop(old);
        Ok(())
    }

    fn phase(&self, py: Python<'_>) -> TransportPhase {
        self.connection(py, |connection| connection.phase)
    }

    fn set_phase(&self, py: Python<'_>, phase: TransportPhase) {
        self.connection(py, |connection| connection.phase = phase);
    }

    /// Schedules `connection_made`, then the transport's method `start`, then the waiter's result.
    ///
    /// So reading begins, and the task that awaits the connection resumes, only after `connection_made` was called.
    fn begin<'py>(
        slf: &Bound<'py, Self>,
        protocol: &Bound<'py, PyAny>,
        start: Option<&str>,
        waiter: Option<Bound<'py, PyAny>>,
        context: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let event_loop = slf.get().event_loop(py);
        let soon = |callback: Bound<'py, PyAny>, args: Bound<'py, PyTuple>| {
            event_loop.get().check_open()?;
            Loop::schedule(event_loop, callback, args, context.cloned())
        };
        let connection_made = protocol.getattr(intern!(py, "connection_made"))?;
        soon(connection_made, PyTuple::new(py, [slf])?)?;
        if let Some(start) = start {
            soon(slf.as_any().getattr(start)?, PyTuple::empty(py))?;
        }
        if let Some(waiter) = waiter {
            let args = PyTuple::new(py, [&waiter, py.None().bind(py)])?;
            soon(imports::set_result_unless_cancelled(py)?.clone(), args)?;
        }
        Ok(())
    }

    /// Stops watching the descriptor in one direction.
    fn stop_watching(&self, py: Python<'_>, direction: Direction) -> PyResult<()> {
        let event_loop = self.event_loop(py).get();
        event_loop.unwatch(py, self.fd(), direction).map(drop)
    }

    /// Logs a message about the transport (`%r`) in debug mode.
    fn log(slf: &Bound<'_, Self>, level: &str, message: &str) -> PyResult<()> {
        let py = slf.py();
        if slf.get().event_loop(py).get().debug() {
            imports::logger(py)?.call_method1(level, (message, slf))?;
        }
        Ok(())
    }

    /// Calls `pause_writing` or `resume_writing`. An exception goes to the loop's exception handler.
    fn call_flow_method(slf: &Bound<'_, Self>, method: &str) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let Some(protocol) = me.protocol(py) else {
            return Ok(());
        };
        match protocol.call_method0(method) {
            Ok(_) => Ok(()),
            Err(error) if leaves_the_loop(py, &error) => Err(error),
            Err(error) => Loop::report(me.event_loop(py), &error, |context| {
                context.set_item("message", format!("protocol.{method}() failed"))?;
                context.set_item("transport", slf)?;
                context.set_item("protocol", protocol)
            }),
        }
    }

    /// Ends the connection because of an error that was caught.
    #[cold]
    fn fail(slf: &Bound<'_, Self>, error: &PyErr, message: &str) -> PyResult<()> {
        fail(slf.py(), error, |exception| {
            Self::fatal_error(slf, exception, message)
        })
    }

    /// Reports an exception to the loop's exception handler and ends the connection: asyncio's `_fatal_error`.
    ///
    /// An expected exception is only logged, in debug mode.
    fn fatal_error(
        slf: &Bound<'_, Self>,
        exception: &Bound<'_, PyAny>,
        message: &str,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let event_loop = me.event_loop(py);
        if !Self::is_expected(exception) {
            let context = PyDict::new(py);
            context.set_item("message", message)?;
            context.set_item("exception", exception)?;
            context.set_item("transport", slf)?;
            context.set_item("protocol", me.protocol(py))?;
            Loop::call_exception_handler(event_loop, &context)?;
        } else if event_loop.get().debug() {
            let kwargs = PyDict::new(py);
            kwargs.set_item("exc_info", true)?;
            let args = ("%r: %s", slf, message);
            imports::logger(py)?.call_method("debug", args, Some(&kwargs))?;
        }
        Self::force_close(slf, Some(exception.clone().unbind()))
    }

    /// Sends the data that was written in this iteration as far as the kernel takes it, and drops the rest.
    fn abort_with(slf: &Bound<'_, Self>, exception: Option<Py<PyAny>>) -> PyResult<()> {
        Self::send_collected(slf)?;
        Self::force_close(slf, exception)
    }

    /// Drops buffered data and schedules `connection_lost`, unless that was done before.
    fn force_close(slf: &Bound<'_, Self>, exception: Option<Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.phase(py).is_lost() {
            return Ok(());
        }
        me.set_phase(py, TransportPhase::Lost);
        me.discard(py);
        for &direction in Self::DIRECTIONS {
            me.stop_watching(py, direction)?;
        }
        Self::schedule_connection_lost(slf, exception)
    }

    /// Has the loop call `_call_connection_lost` in the next iteration.
    fn schedule_connection_lost(
        slf: &Bound<'_, Self>,
        exception: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let event_loop = me.event_loop(py);
        event_loop.get().check_open()?;
        let callback = slf.as_any().getattr(intern!(py, "_call_connection_lost"))?;
        let args = PyTuple::new(py, [exception])?;
        Loop::schedule(event_loop, callback, args, me.closing_context(py))
    }

    /// Ends the connection once `connection_lost` is due: asyncio's `_call_connection_lost`. By default, this is
    /// [`Transport::end_connection`] and nothing more.
    fn lose_connection(slf: &Bound<'_, Self>, exception: Option<Py<PyAny>>) -> PyResult<()> {
        Self::end_connection(slf, exception)
    }

    /// Calls `connection_lost`, closes the file and lets go of the protocol.
    fn end_connection(slf: &Bound<'_, Self>, exception: Option<Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let notified = match me.protocol(py) {
            Some(protocol) => protocol
                .call_method1(intern!(py, "connection_lost"), (exception,))
                .map(drop),
            None => Ok(()),
        };
        cpython::finally(py, notified, || {
            let (file, protocol) = me.connection(py, |connection| {
                connection.phase = TransportPhase::Closed;
                connection.take_references()
            });
            Self::unregister(slf);
            let closed = match file {
                Some(file) => file.call_method0(py, intern!(py, "close")).map(drop),
                None => Ok(()),
            };
            drop(protocol);
            closed.and(Self::detach_server(slf))
        })
    }
}

impl<T: Transport> cpython::Finalize for T {
    #[inline]
    fn is_settled(slf: &Bound<'_, Self>) -> bool {
        let connection = |connection: &mut Connection| connection.file.is_none();
        slf.get().connection(slf.py(), connection)
    }

    const WARNER: Option<&'static CStr> = Some(c"_warn");

    /// Warns about an unclosed transport and closes its file.
    fn finalize(slf: &Bound<'_, Self>, warner: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if T::is_settled(slf) {
            return Ok(());
        }
        let text = format!("unclosed transport {}", me.describe(py));
        let function = T::warning_function(py);
        warning::warn(function, text, Some(slf.as_any()), warner)?;
        T::unregister(slf);
        if let Some(file) = me.file(py) {
            file.call_method0(intern!(py, "close"))?;
        }
        T::detach_server(slf)
    }
}
