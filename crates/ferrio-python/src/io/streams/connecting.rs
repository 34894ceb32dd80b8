//! A new connection of a server, and the end of its handler.

use pyo3::PyTraverseError;
use pyo3::exceptions::PyException;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::protocol::StreamReaderProtocol;
use super::reader::StreamReader;
use super::writer::StreamWriter;
use crate::kernel::done_callback::{DoneCallback, DoneCallbackKind};
use crate::kernel::future::Home;
use crate::kernel::future::any::{Ended, ended};
use crate::{base::imports, cpython};

static HANDLED: DoneCallbackKind = DoneCallbackKind::of(
    "StreamReaderProtocol.connection_made.<locals>.callback",
    |callback, task| {
        callback
            .object(task.py())
            .cast::<ConnectionHandler>()?
            .get()
            .on_done(task)
    },
);

impl StreamReaderProtocol {
    /// Passes the transport to the reader, and on a server calls the function with the reader and a writer.
    pub(super) fn on_connection_made(
        slf: &Bound<'_, Self>,
        transport: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.set_transport(py, Some(transport.clone().unbind()));
        let reader = me.reader(py);
        if let Some(reader) = &reader {
            set_transport(reader, transport)?;
        }
        me.note_tls(transport)?;
        let callback = me.state.get_bound(py, |state| state.callback.as_ref());
        if let Some(callback) = callback {
            Self::call_server(slf, transport, reader, &callback)?;
        }
        Ok(())
    }

    /// Calls the function of a server. If it returns a coroutine, makes a task of it.
    fn call_server<'py>(
        slf: &Bound<'py, Self>,
        transport: &Bound<'py, PyAny>,
        reader: Option<Bound<'py, PyAny>>,
        callback: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let home = me.home(py)?;
        let writer = StreamWriter::create(
            transport.clone(),
            slf.clone().into_any(),
            reader.clone(),
            home.as_any().bind(py).clone(),
        )?;
        let writer = writer.into_any();
        if keeps_writer(py)? {
            let kept = writer.clone().unbind();
            drop(me.state.with(py, |state| state.writer.replace(kept)));
        }
        let handler = ConnectionHandler {
            event_loop: home.as_any().clone_ref(py),
            transport: transport.clone().unbind(),
        };
        let result = match callback.call1((reader, writer)) {
            Ok(result) => result,
            Err(error) if error.is_instance_of::<PyException>(py) => {
                return cpython::handling(py, &error, || {
                    handler.failed(error.value(py).clone().into_any())?;
                    me.set_strong_reader(py, None);
                    Ok(())
                });
            }
            Err(error) => return Err(error),
        };
        if imports::is_coroutine(py)?.call1((&result,))?.is_truthy()? {
            let event_loop = home.as_any().bind(py);
            let task = event_loop.call_method1(intern!(py, "create_task"), (result,))?;
            me.set_task(py, Some(task.clone().unbind()));
            DoneCallback::new(&HANDLED, &Bound::new(py, handler)?).attach(&task)?;
        }
        me.set_strong_reader(py, None);
        Ok(())
    }

    /// Notes whether the transport uses TLS.
    fn note_tls(&self, transport: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = transport.py();
        let name = intern!(py, "sslcontext");
        let context = transport.call_method1(intern!(py, "get_extra_info"), (name,))?;
        let over_ssl = !context.is_none();
        self.state.with(py, |state| state.over_ssl = over_ssl);
        Ok(())
    }
}

#[pymethods]
impl StreamReaderProtocol {
    /// Use the transport of another writer from now on, before Python 3.13.
    #[cfg(not(Py_3_13))]
    #[pyo3(name = "_replace_writer")]
    fn replace_writer(&self, writer: Bound<'_, PyAny>) -> PyResult<()> {
        let py = writer.py();
        let transport = writer.getattr(intern!(py, "transport"))?;
        self.set_transport(py, Some(transport.clone().unbind()));
        self.set_stream_writer(py, Some(writer.unbind()));
        self.note_tls(&transport)
    }

    #[pyo3(name = "_replace_transport")]
    pub(super) fn replace_transport(&self, transport: Bound<'_, PyAny>) -> PyResult<()> {
        let py = transport.py();
        self.set_transport(py, Some(transport.clone().unbind()));
        self.note_tls(&transport)?;
        match self.reader(py) {
            Some(reader) => reader
                .call_method1(intern!(py, "_replace_transport"), (transport,))
                .map(drop),
            None => Ok(()),
        }
    }
}

fn set_transport(reader: &Bound<'_, PyAny>, transport: &Bound<'_, PyAny>) -> PyResult<()> {
    match reader.cast_exact::<StreamReader>() {
        Ok(reader) => reader.get().set_transport(transport.clone()),
        Err(_) => reader
            .call_method1(intern!(reader.py(), "set_transport"), (transport,))
            .map(drop),
    }
}

/// Whether the protocol keeps its writer alive, as in the asyncio of this Python. Then a dropped writer is not collected, and
/// no warning is issued.
fn keeps_writer(py: Python<'_>) -> PyResult<bool> {
    imports::stream_reader_protocol_class(py)?.hasattr(intern!(py, "_replace_writer"))
}

/// The object of the done-callback of a task that handles a connection: reports a failure and closes the connection.
#[pyclass(module = "ferrio", frozen)]
pub struct ConnectionHandler {
    event_loop: Py<PyAny>,
    transport: Py<PyAny>,
}

impl ConnectionHandler {
    /// Closes the connection unless the task has returned.
    pub fn on_done(&self, task: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = task.py();
        match ended(task)? {
            Ended::Cancelled => self.close(py),
            Ended::Raised(error) => self.failed(error),
            Ended::Not | Ended::Returned(_) => Ok(()),
        }
    }

    fn failed(&self, error: Bound<'_, PyAny>) -> PyResult<()> {
        let py = error.py();
        let context = PyDict::new(py);
        context.set_item("message", "Unhandled exception in client_connected_cb")?;
        context.set_item("exception", error)?;
        context.set_item("transport", &self.transport)?;
        Home::of(self.event_loop.bind(py)).report(py, &context)?;
        self.close(py)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.transport.call_method0(py, intern!(py, "close"))?;
        Ok(())
    }
}

#[pymethods]
impl ConnectionHandler {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.transport)
    }
}
