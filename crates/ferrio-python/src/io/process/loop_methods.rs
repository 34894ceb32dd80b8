//! The loop's method that starts a process for `subprocess_exec` and `subprocess_shell`, which are inherited from asyncio.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{Command, SubprocessTransport};
use crate::base::errors::leaves_the_loop;
use crate::cpython;
use crate::kernel::coroutine::Coroutine;
use crate::kernel::event_loop::Loop;

#[pymethods]
impl Loop {
    /// Start a process. The coroutine returns its transport once the pipes are connected.
    ///
    /// Keyword arguments are those of subprocess.Popen. Raises the exceptions of subprocess.Popen.
    #[pyo3(name = "_make_subprocess_transport", signature = (protocol, args, shell, stdin, stdout, stderr, bufsize, extra = None, **kwargs))]
    #[allow(clippy::too_many_arguments, reason = "asyncio's signature")]
    fn make_subprocess_transport(
        slf: Py<Self>,
        py: Python<'_>,
        protocol: Py<PyAny>,
        args: Py<PyAny>,
        shell: Py<PyAny>,
        stdin: Py<PyAny>,
        stdout: Py<PyAny>,
        stderr: Py<PyAny>,
        bufsize: Py<PyAny>,
        extra: Option<Py<PyDict>>,
        kwargs: Option<Py<PyDict>>,
    ) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Loop._make_subprocess_transport", async move |co| {
            let (transport, connected) = Python::attach(|py| {
                let command = Command {
                    args: args.bind(py),
                    shell: shell.bind(py),
                    streams: [stdin.bind(py), stdout.bind(py), stderr.bind(py)],
                    bufsize: bufsize.bind(py),
                    kwargs: kwargs.as_ref().map(|kwargs| kwargs.bind(py)),
                };
                let extra = extra.as_ref().map(|extra| extra.bind(py).clone());
                SubprocessTransport::start(slf.bind(py), protocol.bind(py), &command, extra)
            })?;
            let Err(error) = co.wait(connected).await else {
                return Ok(transport.into_any());
            };
            // A process whose pipes could not be connected, or whose start was cancelled, is killed and reaped.
            let exited = Python::attach(|py| {
                if leaves_the_loop(py, &error) {
                    return Ok(None);
                }
                cpython::handling(py, &error, || {
                    SubprocessTransport::close(transport.bind(py))?;
                    SubprocessTransport::exit_waiter(transport.bind(py))
                })
            })?;
            if let Some(exited) = exited {
                co.wait(exited).await?;
            }
            Err(error)
        })
    }
}
