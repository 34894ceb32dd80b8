//! The loop's `sendfile` for a `SocketTransport`: the transport lends its socket to `sock_sendfile`.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::SocketTransport;
use crate::cpython;
use crate::io::connection::Transport;
use crate::io::sock_methods::inherited;
use crate::kernel::coroutine::Coroutine;
use crate::kernel::event_loop::{Direction, Loop};

/// A transport that has lent its socket: until this is dropped, it does not read, and the loop does not know that the
/// descriptor belongs to it.
struct Lent {
    event_loop: Py<Loop>,
    transport: Py<SocketTransport>,
    resume_reading: bool,
}

impl Lent {
    fn new(event_loop: &Bound<'_, Loop>, transport: &Bound<'_, SocketTransport>) -> PyResult<Self> {
        let py = event_loop.py();
        let resume_reading = transport.get().is_reading(py);
        SocketTransport::pause_reading(transport)?;
        // A paused transport may still be watched, and must not be called while the socket is lent.
        transport.get().stop_watching(py, Direction::Read)?;
        event_loop
            .get()
            .unregister_transport(py, transport.get().fd());
        Ok(Self {
            event_loop: event_loop.clone().unbind(),
            transport: transport.clone().unbind(),
            resume_reading,
        })
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        Python::attach(|py| {
            let transport = self.transport.bind(py);
            transport.get().reset_empty_waiter(py);
            let mut outcome = Ok(());
            if !transport.get().is_closing(py) {
                let fd = transport.get().fd();
                outcome = self.event_loop.get().register_transport(fd, transport);
            }
            if self.resume_reading {
                outcome = outcome.and(SocketTransport::resume_reading(transport));
            }
            if let Err(error) = outcome {
                error.write_unraisable(py, Some(transport));
            }
        });
    }
}

#[pymethods]
impl Loop {
    /// Sends a file over a transport once its buffer is empty. The loop's `sendfile` calls this.
    #[pyo3(name = "_sendfile_native")]
    fn sendfile_native(
        slf: Py<Self>,
        py: Python<'_>,
        transp: Py<PyAny>,
        file: Py<PyAny>,
        offset: Py<PyAny>,
        count: Py<PyAny>,
    ) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Loop._sendfile_native", async move |co| {
            let native = Python::attach(|py| transp.extract::<Py<SocketTransport>>(py).ok());
            let Some(native) = native else {
                let args = (slf, transp, file, offset, count);
                return inherited(&co, "_sendfile_native", args).await;
            };
            let (lent, drained) = Python::attach(|py| {
                let lent = Lent::new(slf.bind(py), native.bind(py))?;
                let drained = SocketTransport::make_empty_waiter(native.bind(py))?;
                PyResult::Ok((lent, drained))
            })?;
            co.wait(drained).await?;
            let sending = Python::attach(|py| {
                let kwargs = PyDict::new(py);
                kwargs.set_item("fallback", false)?;
                let sock = native.get().get_sock(py);
                let method = slf.bind(py).getattr(intern!(py, "sock_sendfile"))?;
                method
                    .call((sock, file, offset, count), Some(&kwargs))
                    .map(Bound::unbind)
            })?;
            let sent = co.wait(sending).await;
            Python::attach(|py| {
                cpython::finally(py, sent, || {
                    drop(lent);
                    Ok(())
                })
            })
        })
    }
}
