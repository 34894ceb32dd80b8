//! `ferrio.Loop`: asyncio's event loop on the engine's [`LoopCore`].
//!
//! | file | concern |
//! |---|---|
//! | `callback` | [`Callback`], the payload of the core: everything that an iteration can run |
//! | `scheduling` | `call_soon`, `call_later`, `call_at`, `call_soon_threadsafe`, futures and tasks |
//! | `running` | `run_forever`, one iteration, stopping and closing |
//! | `asking` | iterations that ask a program's `_run_once`, clock, selector or list of timers |
//! | `polling` | the poll of an iteration, and when the GIL is released for it |
//! | `watching` | `add_reader`, `add_writer` and which descriptors belong to transports |
//! | `watched_files` | the objects by which descriptors are watched |
//! | `sockets` | `sock_recv`, `sock_sendall`, `sock_accept`, `sock_connect` |
//! | `datagrams` | `sock_recvfrom`, `sock_recvfrom_into`, `sock_sendto` |
//! | `sendfile` | files over transports |
//! | `pipes`, `processes` | transports over pipes, subprocesses |
//! | `serving` | `create_server`, accepting connections, making transports |
//! | `signals` | signal handlers and the wake-up descriptor |
//! | `last_task` | the task of the last step, which may stay the current one |
//! | `debug` | debug mode: checks, slow callbacks |
//! | `overrides` | methods that are not the loop's own |
//! | `queued`, `ready_queue` | what is queued as handles; `_ready` |
//! | `listed_timers` | `_scheduled` |
//! | `selector`, `self_pipe` | `_selector`; `_ssock`, `_csock` |
//!
//! Native is what runs for every callback, timer, descriptor, packet and connection that is accepted. What runs once
//! for a program or for an outgoing connection (name resolution, executors, the race of connection attempts, closing
//! asynchronous generators, reporting exceptions) the Python class inherits from the running Python's own asyncio,
//! which is the specification of it, patch release by patch release.
//!
//! The state is in small cells, each borrowed for a few instructions and never while Python code can run.

mod asking;
mod callback;
mod debug;
mod last_task;
mod listed_timers;
mod overrides;
mod polling;
mod queued;
mod ready_queue;
mod running;
mod scheduling;
mod selector;
mod self_pipe;
mod signals;
mod unflushed;
mod watched_files;
mod watching;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use ferrio::{Injector, LoopCore, ReceiveBatch};
use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

pub use self::callback::{Action, Callback, FutureDone, Notice, wake};
use self::listed_timers::ListedTimers;
use self::overrides::Overrides;
use self::polling::Looks;
pub use self::scheduling::{install_quick_methods, plain_seconds, time_after, time_at};
use self::selector::Selectable;
pub use self::selector::Selector;
use self::self_pipe::SelfPipe;
use self::signals::Signals;
pub use self::unflushed::Unflushed;
use self::watched_files::WatchedFiles;
pub use self::watching::Direction;
use self::watching::TransportTable;
use crate::base::cell::AttachedCell;
use crate::base::errors::os_error;
use crate::base::imports;
use crate::kernel::task::include_in_all_tasks;

/// Bytes of the buffer that transports and `sock_recv` read into: asyncio's `max_size`.
pub const READ_SIZE: usize = 256 * 1024;

/// No thread runs the loop.
const NO_THREAD: u64 = 0;

/// The native half of the event loop; `ferrio.Loop` is its Python face.
#[pyclass(module = "ferrio._ferrio", subclass, frozen, weakref)]
pub struct Loop {
    core: AttachedCell<LoopCore<Callback>>,
    injector: Arc<Injector<Callback>>,
    /// Transports with writes that leave at the end of the iteration.
    unflushed: AttachedCell<Vec<Unflushed>>,
    /// When to poll without releasing the GIL.
    looks: AttachedCell<Looks>,
    read_buffer: AttachedCell<Box<[u8]>>,
    /// For TLS, which runs Python code while it fills the buffer: taken, not borrowed.
    plaintext_buffer: AttachedCell<Vec<u8>>,
    receive_buffers: AttachedCell<Option<ReceiveBatch>>,
    transports: AttachedCell<TransportTable>,
    watched_files: AttachedCell<WatchedFiles>,
    signals: AttachedCell<Signals>,
    hooks: AttachedCell<Hooks>,
    listed_timers: AttachedCell<ListedTimers>,
    selectable: AttachedCell<Selectable>,
    self_pipe: AttachedCell<SelfPipe>,
    closed: AtomicBool,
    stopping: AtomicBool,
    debug: AtomicBool,
    /// `threading.get_ident()` of the thread that runs the loop, or [`NO_THREAD`].
    thread: AtomicU64,
    overrides: Overrides,
    #[cfg(not(Py_3_14))]
    last_task: last_task::LastTask,
}

/// What the user has set on the loop.
struct Hooks {
    task_factory: Option<Py<PyAny>>,
    /// The thread's hooks for asynchronous generators, to be restored when the loop stops.
    asyncgens: Option<Py<PyTuple>>,
    current_handle: Option<Py<PyAny>>,
    /// Seconds.
    slow_callback_duration: f64,
}

impl Loop {
    /// Runs `f` on the engine. `f` must not reach Python; references that it gives up must be returned and dropped
    /// outside.
    #[inline]
    pub fn core<R>(&self, py: Python<'_>, f: impl FnOnce(&mut LoopCore<Callback>) -> R) -> R {
        self.core.with(py, f)
    }

    /// Runs `f` on the buffer to read into, [`READ_SIZE`] bytes that belong to nobody between two calls.
    #[inline]
    pub fn with_read_buffer<R>(&self, py: Python<'_>, f: impl FnOnce(&mut [u8]) -> R) -> R {
        self.read_buffer.with(py, |buffer| f(buffer))
    }

    /// Runs `f` on the room for batches of datagrams, made when the first transport receives. Whoever receives takes it
    /// out, so that it is not borrowed while datagrams are delivered.
    #[inline]
    pub fn receive_buffers<R>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&mut Option<ReceiveBatch>) -> R,
    ) -> R {
        self.receive_buffers.with(py, f)
    }

    /// Takes the buffer for plaintext, at least [`READ_SIZE`] bytes; whoever takes it before it is returned gets another.
    pub fn take_plaintext_buffer(&self, py: Python<'_>) -> Vec<u8> {
        let buffer = self.plaintext_buffer.take(py);
        if buffer.is_empty() {
            vec![0; READ_SIZE]
        } else {
            buffer
        }
    }

    /// Returns the buffer for plaintext. One that has grown is not kept.
    pub fn return_plaintext_buffer(&self, py: Python<'_>, buffer: Vec<u8>) {
        if buffer.len() == READ_SIZE {
            drop(self.plaintext_buffer.replace(py, buffer));
        }
    }

    /// Queues a callback for the next iteration.
    #[inline]
    pub fn push(&self, py: Python<'_>, callback: Callback) {
        self.core(py, |core| core.push(callback));
    }

    /// Has the transport's writes leave at the end of this iteration. Returns it when no iteration is running.
    pub fn flush_later(&self, py: Python<'_>, transport: Unflushed) -> Option<Unflushed> {
        if !self.is_running() {
            return Some(transport);
        }
        self.unflushed
            .with(py, |transports| transports.push(transport));
        None
    }

    /// Whether debug mode is on.
    #[inline]
    pub fn debug(&self) -> bool {
        self.debug.load(Relaxed)
    }

    /// Whether `close` was called.
    #[inline]
    pub fn closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// Raises `RuntimeError` when the loop is closed.
    #[inline]
    pub fn check_open(&self) -> PyResult<()> {
        if self.closed() {
            return Err(PyRuntimeError::new_err("Event loop is closed"));
        }
        Ok(())
    }

    /// The thread that runs the loop.
    fn running_thread(&self) -> Option<u64> {
        Some(self.thread.load(Relaxed)).filter(|&thread| thread != NO_THREAD)
    }
}

#[pymethods]
impl Loop {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(
        cls: &Bound<'_, PyType>,
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let py = cls.py();
        imports::obey_patches(py)?.call0()?;
        let overrides = Overrides::of_class(cls)?;
        include_in_all_tasks(py)?;
        // What closing needs has to be there already: a loop may be closed when the interpreter no longer imports.
        imports::base_event_loop(py)?;
        imports::is_finalizing(py)?;
        let core = LoopCore::new().map_err(|error| os_error(py, &error))?;
        let injector = core.injector();
        Ok(Self {
            core: AttachedCell::new(core),
            injector,
            unflushed: AttachedCell::default(),
            looks: AttachedCell::default(),
            read_buffer: AttachedCell::new(vec![0; READ_SIZE].into_boxed_slice()),
            plaintext_buffer: AttachedCell::default(),
            receive_buffers: AttachedCell::default(),
            transports: AttachedCell::new(HashMap::new()),
            watched_files: AttachedCell::new(HashMap::new()),
            signals: AttachedCell::default(),
            hooks: AttachedCell::new(Hooks {
                task_factory: None,
                asyncgens: None,
                current_handle: None,
                slow_callback_duration: 0.1,
            }),
            listed_timers: AttachedCell::default(),
            selectable: AttachedCell::default(),
            self_pipe: AttachedCell::default(),
            closed: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            debug: AtomicBool::new(false),
            thread: AtomicU64::new(NO_THREAD),
            overrides,
            #[cfg(not(Py_3_14))]
            last_task: last_task::LastTask::default(),
        })
    }

    /// Return True if the event loop is running.
    pub fn is_running(&self) -> bool {
        self.running_thread().is_some()
    }

    /// Return True if the event loop was closed.
    fn is_closed(&self) -> bool {
        self.closed()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.core.visit(|core| {
            for callback in core.payloads() {
                callback.traverse(visit)?;
            }
            Ok(())
        })?;
        self.unflushed.visit(|transports| {
            transports
                .iter()
                .try_for_each(|transport| transport.traverse(visit))
        })?;
        self.transports.visit(|table| {
            table
                .values()
                .try_for_each(|reference| visit.call(reference))
        })?;
        self.watched_files
            .visit(|files| files.values().try_for_each(|file| visit.call(file)))?;
        self.signals.visit(|signals| signals.traverse(visit))?;
        self.listed_timers.visit(|timers| timers.traverse(visit))?;
        self.selectable
            .visit(|selectable| selectable.traverse(visit))?;
        self.self_pipe.visit(|pipe| pipe.traverse(visit))?;
        self.hooks.visit(|hooks| {
            visit.call(&hooks.task_factory)?;
            visit.call(&hooks.asyncgens)?;
            visit.call(&hooks.current_handle)
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| {
            let callbacks = self.core(py, LoopCore::close);
            let transports = self.unflushed.take(py);
            let tables = (self.transports.take(py), self.watched_files.take(py));
            let signals = self.signals.take(py);
            let hooks = self.hooks.with(py, |hooks| {
                (
                    hooks.task_factory.take(),
                    hooks.asyncgens.take(),
                    hooks.current_handle.take(),
                )
            });
            drop((callbacks, transports, tables, signals, hooks));
            let views = (self.listed_timers.take(py), self.selectable.take(py));
            drop((views, self.self_pipe.take(py)));
        });
    }
}
