//! [`Callback`]: everything that an iteration can run, in one queue and without a box.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::{Listener, Loop};
use crate::base::errors::leaves_the_loop;
use crate::io::datagram::DatagramTransport;
use crate::io::pipe::{ReadPipeTransport, WritePipeTransport};
use crate::io::process::SubprocessTransport;
use crate::io::transport::SocketTransport;
use crate::kernel::future::{Future, Outcome};
use crate::kernel::handle::Handle;
use crate::kernel::observer::Observer;
use crate::kernel::task::{Next, Task};
use crate::waiting::timeouts::Timeout;
use crate::{base::imports, cpython};

/// What `add_done_callback` of a future that is done was given.
pub struct FutureDone {
    pub future: Py<PyAny>,
    pub callback: Py<PyAny>,
    pub context: Py<PyAny>,
}

const _: () = assert!(size_of::<Callback>() == 16, "two words");

/// A future is done that a combinator waits for.
pub struct Notice {
    pub observer: Observer,
    pub future: Py<PyAny>,
}

/// A payload of the loop's core: two words, which pass in registers. One more, and each goes through memory on its way
/// from the queue to where it runs, in pieces of different sizes, for which the processor waits: 20 ns.
pub enum Callback {
    /// What a user scheduled, or has watch a descriptor.
    Handle(Py<Handle>),
    /// A task that is to go on: its first step, or one after a bare `yield`.
    Step(Py<Task>),
    /// A task whose future is done.
    Wakeup(Py<Task>),
    /// What `add_done_callback` of a future that is done was given.
    FutureDone(Box<FutureDone>),
    /// A future is done that a combinator waits for.
    Notify(Box<Notice>),
    /// The time of a `timeout()` block is up.
    Expire(Py<Timeout>),
    /// A transport's socket can be read.
    Readable(Py<SocketTransport>),
    /// A transport's socket can be written.
    Writable(Py<SocketTransport>),
    /// A transport's datagram socket can be read, or has something left to deliver.
    DatagramReadable(Py<DatagramTransport>),
    /// A transport's datagram socket can be written.
    DatagramWritable(Py<DatagramTransport>),
    /// A transport's pipe can be read.
    PipeReadable(Py<ReadPipeTransport>),
    /// A transport's pipe can be written.
    PipeWritable(Py<WritePipeTransport>),
    /// The other end of a transport's pipe is closed.
    PeerClosed(Py<WritePipeTransport>),
    /// A transport's process has exited.
    ChildExited(Py<SubprocessTransport>),
    /// A listening socket has connections to accept.
    Accept(Py<Listener>),
    /// The descriptor that a future waits for is ready.
    Wake(Py<PyAny>),
    /// Signals have arrived.
    Signals,
    /// A handle that is not ferrio's, which a program has queued.
    Foreign(Py<PyAny>),
    /// A descriptor is ready that a program has registered, with data that are not asyncio's pair of handles: its key.
    ForeignKey(Py<PyAny>),
}

impl Callback {
    /// The same callback once more: a watched descriptor gives one for each event.
    pub fn duplicate(&self, py: Python<'_>) -> Self {
        match self {
            Self::Handle(handle) => Self::Handle(handle.clone_ref(py)),
            Self::Step(task) => Self::Step(task.clone_ref(py)),
            Self::Wakeup(task) => Self::Wakeup(task.clone_ref(py)),
            Self::FutureDone(done) => Self::FutureDone(Box::new(FutureDone {
                future: done.future.clone_ref(py),
                callback: done.callback.clone_ref(py),
                context: done.context.clone_ref(py),
            })),
            Self::Notify(notice) => Self::Notify(Box::new(Notice {
                observer: notice.observer.clone_ref(py),
                future: notice.future.clone_ref(py),
            })),
            Self::Expire(timeout) => Self::Expire(timeout.clone_ref(py)),
            Self::Readable(transport) => Self::Readable(transport.clone_ref(py)),
            Self::Writable(transport) => Self::Writable(transport.clone_ref(py)),
            Self::DatagramReadable(transport) => Self::DatagramReadable(transport.clone_ref(py)),
            Self::DatagramWritable(transport) => Self::DatagramWritable(transport.clone_ref(py)),
            Self::PipeReadable(transport) => Self::PipeReadable(transport.clone_ref(py)),
            Self::PipeWritable(transport) => Self::PipeWritable(transport.clone_ref(py)),
            Self::PeerClosed(transport) => Self::PeerClosed(transport.clone_ref(py)),
            Self::ChildExited(transport) => Self::ChildExited(transport.clone_ref(py)),
            Self::Accept(listener) => Self::Accept(listener.clone_ref(py)),
            Self::Wake(future) => Self::Wake(future.clone_ref(py)),
            Self::Signals => Self::Signals,
            Self::Foreign(handle) => Self::Foreign(handle.clone_ref(py)),
            Self::ForeignKey(key) => Self::ForeignKey(key.clone_ref(py)),
        }
    }

    /// Runs the callback. Returns only the exceptions that leave `run_forever`.
    #[inline]
    pub fn run(self, event_loop: &Bound<'_, Loop>) -> PyResult<()> {
        let py = event_loop.py();
        if let Self::Step(task) = self {
            return Self::run_task(task.into_bound(py), Task::on_ready, event_loop);
        }
        Loop::leave_last_task(event_loop)?;
        match self {
            // Reports what the callback raises itself, with the handle.
            Self::Handle(handle) => Handle::run(&handle.into_bound(py)),
            Self::Wakeup(task) => Self::run_task(task.into_bound(py), Task::on_wakeup, event_loop),
            other => other.run_other(event_loop),
        }
    }

    /// Runs what is neither a handle nor a task.
    fn run_other(self, event_loop: &Bound<'_, Loop>) -> PyResult<()> {
        let py = event_loop.py();
        let outcome = match &self {
            Self::Handle(_) | Self::Step(_) | Self::Wakeup(_) => Ok(()),
            Self::FutureDone(done) => {
                let (callback, future) = (done.callback.bind(py), done.future.bind(py));
                let call = || cpython::call_one(callback, future).map(drop);
                match cpython::in_context(done.context.bind(py), call) {
                    Err(error) if !leaves_the_loop(py, &error) => {
                        return self.report_done_callback(event_loop, &error);
                    }
                    outcome => return outcome,
                }
            }
            Self::Notify(notice) => notice.observer.notify(notice.future.bind(py)),
            Self::Expire(timeout) => Timeout::on_expiry(timeout.bind(py)),
            Self::Readable(transport) => SocketTransport::on_readable(transport.bind(py)),
            Self::Writable(transport) => SocketTransport::on_writable(transport.bind(py)),
            Self::DatagramReadable(transport) => DatagramTransport::on_readable(transport.bind(py)),
            Self::DatagramWritable(transport) => DatagramTransport::on_writable(transport.bind(py)),
            Self::PipeReadable(transport) => ReadPipeTransport::on_readable(transport.bind(py)),
            Self::PipeWritable(transport) => WritePipeTransport::on_writable(transport.bind(py)),
            Self::PeerClosed(transport) => WritePipeTransport::on_peer_closed(transport.bind(py)),
            Self::ChildExited(transport) => SubprocessTransport::on_exit(transport.bind(py)),
            Self::Accept(listener) => Listener::on_readable(listener.bind(py)),
            Self::Wake(future) => wake(future.bind(py)),
            Self::Signals => Loop::on_signals(event_loop),
            // Such a handle reports by itself what its callback raises.
            Self::Foreign(handle) => return run_foreign(handle.bind(py)),
            // `_process_events` is called so that asyncio's own unpacking of the data raises its error, as it does there
            // when the descriptor is ready, or a program's own method handles the key.
            Self::ForeignKey(key) => {
                let method = intern!(py, "_process_events");
                return event_loop.call_method1(method, ([(key, 0)],)).map(drop);
            }
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(error) if leaves_the_loop(py, &error) => Err(error),
            Err(error) => self.report(event_loop, &error),
        }
    }

    /// Runs a step of a task, whose errors are nearly always its own.
    #[inline]
    fn run_task(
        task: Bound<'_, Task>,
        step: impl FnOnce(&Bound<'_, Task>) -> PyResult<Next>,
        event_loop: &Bound<'_, Loop>,
    ) -> PyResult<()> {
        match step(&task) {
            Ok(Next::Soon) => {
                event_loop.get().push(task.py(), Self::Step(task.unbind()));
                Ok(())
            }
            Ok(Next::Later) => Ok(()),
            Err(error) if leaves_the_loop(task.py(), &error) => Err(error),
            Err(error) => Self::Step(task.unbind()).report(event_loop, &error),
        }
    }

    /// Reports what a future's callback has raised as asyncio does, which calls it through a handle.
    #[cold]
    fn report_done_callback(&self, event_loop: &Bound<'_, Loop>, error: &PyErr) -> PyResult<()> {
        let py = event_loop.py();
        let handle = self.duplicate(py).into_handle(event_loop)?;
        match handle.cast::<Handle>() {
            Ok(handle) => Handle::report(handle, error),
            Err(_) => self.report(event_loop, error),
        }
    }

    #[cold]
    fn report(&self, event_loop: &Bound<'_, Loop>, error: &PyErr) -> PyResult<()> {
        Loop::report(event_loop, error, |context| {
            let text = self.describe(event_loop.py())?;
            context.set_item("message", format!("Exception in callback {text}"))
        })
    }

    /// How the slow-callback warning and the exception handler name the callback.
    pub fn describe(&self, py: Python<'_>) -> PyResult<String> {
        match self {
            Self::Handle(handle) => imports::format_handle(py)?.call1((handle,))?.extract(),
            Self::Step(task) | Self::Wakeup(task) => Ok(task.bind(py).repr()?.to_string()),
            Self::FutureDone(done) => imports::format_callback_source(py)?
                .call1((&done.callback, (&done.future,)))?
                .extract(),
            Self::Notify(notice) => Ok(format!("the end of {}", notice.future.bind(py).repr()?)),
            Self::Expire(timeout) => Ok(format!("expiry of {}", timeout.bind(py).repr()?)),
            Self::Readable(transport) => Ok(format!("reading from {}", transport.bind(py).repr()?)),
            Self::Writable(transport) => Ok(format!("writing to {}", transport.bind(py).repr()?)),
            Self::DatagramReadable(transport) => {
                Ok(format!("reading from {}", transport.bind(py).repr()?))
            }
            Self::DatagramWritable(transport) => {
                Ok(format!("writing to {}", transport.bind(py).repr()?))
            }
            Self::PipeReadable(transport) => {
                Ok(format!("reading from {}", transport.bind(py).repr()?))
            }
            Self::PipeWritable(transport) => {
                Ok(format!("writing to {}", transport.bind(py).repr()?))
            }
            Self::PeerClosed(transport) => {
                Ok(format!("losing the peer of {}", transport.bind(py).repr()?))
            }
            Self::ChildExited(transport) => Ok(format!("reaping {}", transport.bind(py).repr()?)),
            Self::Accept(listener) => {
                Ok(format!("accepting from {}", listener.get().describe(py)?))
            }
            Self::Wake(future) => Ok(format!("waking {}", future.bind(py).repr()?)),
            Self::Signals => Ok("signal handlers".into()),
            Self::Foreign(handle) => imports::format_handle(py)?.call1((handle,))?.extract(),
            Self::ForeignKey(key) => Ok(format!("events of {}", key.bind(py).repr()?)),
        }
    }

    /// Shows the references to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Handle(handle) => visit.call(handle),
            Self::Step(task) | Self::Wakeup(task) => visit.call(task),
            Self::FutureDone(done) => {
                visit.call(&done.future)?;
                visit.call(&done.callback)?;
                visit.call(&done.context)
            }
            Self::Notify(notice) => {
                notice.observer.traverse(visit)?;
                visit.call(&notice.future)
            }
            Self::Expire(timeout) => visit.call(timeout),
            Self::Readable(transport) | Self::Writable(transport) => visit.call(transport),
            Self::DatagramReadable(transport) | Self::DatagramWritable(transport) => {
                visit.call(transport)
            }
            Self::PipeReadable(transport) => visit.call(transport),
            Self::PipeWritable(transport) | Self::PeerClosed(transport) => visit.call(transport),
            Self::ChildExited(transport) => visit.call(transport),
            Self::Accept(listener) => visit.call(listener),
            Self::Wake(future) => visit.call(future),
            Self::Signals => Ok(()),
            Self::Foreign(object) | Self::ForeignKey(object) => visit.call(object),
        }
    }
}

/// Runs a handle that is not ferrio's unless it was cancelled. A program may register a descriptor for an event without one.
fn run_foreign(handle: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = handle.py();
    if handle.is_none() || handle.getattr(intern!(py, "_cancelled"))?.is_truthy()? {
        return Ok(());
    }
    handle.call_method0(intern!(py, "_run")).map(drop)
}

/// Finishes a future with `None` unless it is done.
pub fn wake(future: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = future.py();
    if let Ok(native) = future.cast_exact::<Future>() {
        if native.get().is_done(py) {
            return Ok(());
        }
        return Future::finish(native, Outcome::Returned(py.None()));
    }
    if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
        future.call_method1(intern!(py, "set_result"), (py.None(),))?;
    }
    Ok(())
}
