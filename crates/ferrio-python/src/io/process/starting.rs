//! Starting a process: `subprocess.Popen`, then the pipes.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCFunction, PyDict, PyString, PyTuple};

use super::exit::Watch;
use super::{PipeProtocol, ProcessPhase, ProtocolCalls, State, Stream, SubprocessTransport};
use crate::base::cell::AttachedCell;
use crate::base::errors::leaves_the_loop;
use crate::cpython;
use crate::kernel::coroutine::{Co, Coroutine};
use crate::kernel::event_loop::Loop;

/// `subprocess.PIPE`.
const PIPE: i32 = -1;

/// For each standard stream of a process, the attribute of `subprocess.Popen` and the loop's method that connects it.
const STREAMS: [(&str, &str); 3] = [
    ("stdin", "connect_write_pipe"),
    ("stdout", "connect_read_pipe"),
    ("stderr", "connect_read_pipe"),
];

/// The arguments of `subprocess.Popen`.
pub struct Command<'a, 'py> {
    pub args: &'a Bound<'py, PyAny>,
    pub shell: &'a Bound<'py, PyAny>,
    /// `stdin`, `stdout`, `stderr`.
    pub streams: [&'a Bound<'py, PyAny>; 3],
    pub bufsize: &'a Bound<'py, PyAny>,
    /// All other arguments.
    pub kwargs: Option<&'a Bound<'py, PyDict>>,
}

impl<'py> Command<'_, 'py> {
    /// Starts the process.
    fn run(&self) -> PyResult<Bound<'py, PyAny>> {
        let py = self.args.py();
        let kwargs = match self.kwargs {
            Some(kwargs) => kwargs.copy()?,
            None => PyDict::new(py),
        };
        kwargs.set_item("shell", self.shell)?;
        for ((name, _), stream) in STREAMS.iter().zip(self.streams) {
            kwargs.set_item(name, stream)?;
        }
        kwargs.set_item("universal_newlines", false)?;
        kwargs.set_item("bufsize", self.bufsize)?;
        // The class is looked up each time, since programs replace it.
        let popen = py.import("subprocess")?.getattr("Popen")?;
        popen.call((self.args,), Some(&kwargs))
    }

    /// Returns the name of the program for the debug log.
    fn program(&self) -> PyResult<Bound<'py, PyAny>> {
        if self.args.is_instance_of::<PyBytes>() || self.args.is_instance_of::<PyString>() {
            Ok(self.args.clone())
        } else {
            self.args.get_item(0)
        }
    }
}

impl SubprocessTransport {
    /// Starts the process and watches for its exit. Returns the transport, and a future that is done when its pipes are
    /// connected and `connection_made` is scheduled.
    pub fn start<'py>(
        event_loop: &Bound<'py, Loop>,
        protocol: &Bound<'py, PyAny>,
        command: &Command<'_, 'py>,
        extra: Option<Bound<'py, PyDict>>,
    ) -> PyResult<(Py<Self>, Py<PyAny>)> {
        let py = event_loop.py();
        let waiter = Loop::create_future(event_loop)?.into_any();
        let popen = command.run()?;
        let pid = popen.getattr(intern!(py, "pid"))?;
        let extra = extra.unwrap_or_else(|| PyDict::new(py));
        extra.set_item(intern!(py, "subprocess"), &popen)?;
        let mut streams: [Stream; 3] = Default::default();
        for (stream, argument) in streams.iter_mut().zip(command.streams) {
            if argument.eq(PIPE)? {
                *stream = Stream::Connecting;
            }
        }
        let transport = Bound::new(
            py,
            Self {
                event_loop: event_loop.clone().unbind(),
                extra: extra.unbind(),
                state: AttachedCell::new(State {
                    phase: ProcessPhase::Open,
                    protocol: Some(protocol.clone().unbind()),
                    popen: Some(popen.clone().unbind()),
                    pid: Some(pid.clone().unbind()),
                    returncode: None,
                    streams,
                    calls: ProtocolCalls::Kept(Vec::new()),
                    waiters: Some(Vec::new()),
                    finished: false,
                    watch: Watch::Over,
                    context: None,
                }),
            },
        )?;
        let begun = (|| {
            let log_args = ("process %r created: pid %s", command.program()?, &pid);
            Self::log(&transport, "debug", log_args)?;
            Self::watch_exit(&transport)?;
            let connecting = Self::connect_pipes(&transport, &popen, &waiter)?;
            event_loop
                .call_method1(intern!(py, "create_task"), (connecting,))
                .map(drop)
        })();
        if let Err(error) = begun {
            cpython::handling(py, &error, || Self::close(&transport))?;
            return Err(error);
        }
        Ok((transport.unbind(), waiter.unbind()))
    }

    /// Makes the coroutine that connects the pipes and finishes the waiter.
    fn connect_pipes(
        slf: &Bound<'_, Self>,
        popen: &Bound<'_, PyAny>,
        waiter: &Bound<'_, PyAny>,
    ) -> PyResult<Py<Coroutine>> {
        let transport = slf.clone().unbind();
        let popen = popen.clone().unbind();
        let waiter = waiter.clone().unbind();
        let name = "SubprocessTransport._connect_pipes";
        Coroutine::create(slf.py(), name, async move |co| {
            let outcome = connect_each(&co, &transport, &popen).await;
            Python::attach(|py| {
                let waiter = waiter.bind(py);
                let finish = |method, argument: Bound<'_, PyAny>| {
                    if !waiter.call_method0("cancelled")?.is_truthy()? {
                        waiter.call_method1(method, (argument,))?;
                    }
                    Ok(py.None())
                };
                match outcome.and_then(|()| Self::begin_calls(transport.bind(py))) {
                    Ok(()) => finish("set_result", py.None().into_bound(py)),
                    Err(error) if leaves_the_loop(py, &error) => Err(error),
                    Err(error) => cpython::handling(py, &error, || {
                        abandon_pipes(transport.bind(py), popen.bind(py))?;
                        finish("set_exception", error.value(py).clone().into_any())
                    }),
                }
            })
        })
    }

    /// Schedules `connection_made` and the calls that were kept for after it.
    fn begin_calls(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let event_loop = me.event_loop(py);
        event_loop.get().check_open()?;
        let kept = me.state.with(py, |state| {
            std::mem::replace(&mut state.calls, ProtocolCalls::Scheduled)
        });
        if let Some(protocol) = me.protocol(py) {
            let connection_made = protocol.getattr(intern!(py, "connection_made"))?;
            Loop::schedule(event_loop, connection_made, PyTuple::new(py, [slf])?, None)?;
        }
        if let ProtocolCalls::Kept(calls) = kept {
            for call in calls {
                let (method, args) = (call.method.into_bound(py), call.args.into_bound(py));
                Loop::schedule(event_loop, method, args, None)?;
            }
        }
        Ok(())
    }
}

/// Connects the pipes that `Popen` has made, one after the other.
async fn connect_each(
    co: &Co,
    transport: &Py<SubprocessTransport>,
    popen: &Py<PyAny>,
) -> PyResult<()> {
    for (fd, (attribute, connect)) in STREAMS.into_iter().enumerate() {
        let connecting = Python::attach(|py| {
            let file = popen.bind(py).getattr(attribute)?;
            if file.is_none() {
                return PyResult::Ok(None);
            }
            let process = transport.clone_ref(py);
            let factory = PyCFunction::new_closure(py, None, None, move |args, _| {
                let py = args.py();
                Py::new(py, PipeProtocol::new(process.clone_ref(py), fd))
            })?;
            let event_loop = transport.get().event_loop(py);
            let connecting = event_loop.call_method1(connect, (factory, file))?;
            Ok(Some(connecting.unbind()))
        })?;
        let Some(connecting) = connecting else {
            continue;
        };
        let pair = co.wait(connecting).await?;
        Python::attach(|py| {
            let pipe = pair.bind(py).get_item(1)?.cast_into::<PipeProtocol>()?;
            let stream = Stream::Connected(pipe.unbind());
            let old = transport.get().state.with(py, |state| {
                std::mem::replace(&mut state.streams[fd], stream)
            });
            drop(old);
            PyResult::Ok(())
        })?;
    }
    Ok(())
}

/// Closes every pipe, whether it is connected or not.
fn abandon_pipes(
    transport: &Bound<'_, SubprocessTransport>,
    popen: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let py = transport.py();
    for pipe in transport.get().pipes(py).into_iter().flatten() {
        pipe.get().close(py)?;
    }
    for (attribute, _) in STREAMS {
        let file = popen.getattr(attribute)?;
        if !file.is_none() {
            file.call_method0(intern!(py, "close"))?;
        }
    }
    Ok(())
}
