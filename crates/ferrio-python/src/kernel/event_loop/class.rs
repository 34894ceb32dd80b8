//! The class [`Loop`]: its state, and how a loop is made.

use super::callback::Callback;
use super::listed_timers::ListedTimers;
use super::overrides::Overrides;
use super::polling::Looks;
use super::selector::SelectorState;
use super::self_pipe::SelfPipe;
use super::signals::Signals;
use super::unflushed::Unflushed;
use super::watched_files::WatchedFiles;
use super::watching::TransportTable;
use crate::base::cell::AttachedCell;
use crate::base::errors::os_error;
use crate::base::imports;
use crate::kernel::task::include_in_all_tasks;
use ferrio::engine::{Injector, LoopCore, ReceiveBatch};
use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The size in bytes of the buffer that transports and `sock_recv` read into: asyncio's `max_size`.
pub const READ_SIZE: usize = 256 * 1024;

/// The value of `Loop::thread` while no thread runs the loop.
pub(super) const NO_THREAD: u64 = 0;

/// The native half of the event loop; `ferrio.Loop` is the Python class derived from it.
#[pyclass(module = "ferrio._ferrio", subclass, frozen, weakref)]
pub struct Loop {
    pub(super) core: AttachedCell<LoopCore<Callback>>,
    /// The way into the queue for other threads.
    pub(super) injector: Arc<Injector<Callback>>,
    /// The transports with writes to send at the end of the iteration.
    pub(super) unflushed: AttachedCell<Vec<Unflushed>>,
    /// When to poll without releasing the GIL.
    pub(super) looks: AttachedCell<Looks>,
    pub(super) read_buffer: AttachedCell<Box<[u8]>>,
    /// The buffer for TLS, which runs Python code while it fills the buffer: it is taken out, not borrowed.
    pub(super) plaintext_buffer: AttachedCell<Vec<u8>>,
    pub(super) receive_buffers: AttachedCell<Option<ReceiveBatch>>,
    pub(super) transports: AttachedCell<TransportTable>,
    pub(super) watched_files: AttachedCell<WatchedFiles>,
    pub(super) signals: AttachedCell<Signals>,
    pub(super) hooks: AttachedCell<Hooks>,
    pub(super) listed_timers: AttachedCell<ListedTimers>,
    pub(super) selector_state: AttachedCell<SelectorState>,
    pub(super) self_pipe: AttachedCell<SelfPipe>,
    pub(super) closed: AtomicBool,
    pub(super) stopping: AtomicBool,
    pub(super) debug: AtomicBool,
    /// `threading.get_ident()` of the thread that runs the loop, or [`NO_THREAD`].
    pub(super) thread: AtomicU64,
    pub(super) overrides: Overrides,
    #[cfg(not(Py_3_14))]
    pub(super) last_task: super::last_task::LastTask,
}

/// Attributes of the loop that are rarely used.
pub(super) struct Hooks {
    pub(super) task_factory: Option<Py<PyAny>>,
    /// The thread's hooks for asynchronous generators, to restore when the loop stops.
    pub(super) asyncgens: Option<Py<PyTuple>>,
    /// The handle that is running, in debug mode.
    pub(super) current_handle: Option<Py<PyAny>>,
    /// In seconds.
    pub(super) slow_callback_duration: f64,
}

impl Loop {
    /// Runs `f` on the engine. `f` must not reach Python: it returns references that it gives up, for the caller to drop.
    #[inline]
    pub fn core<R>(&self, py: Python<'_>, f: impl FnOnce(&mut LoopCore<Callback>) -> R) -> R {
        self.core.with(py, f)
    }

    /// Runs `f` on the read buffer of [`READ_SIZE`] bytes. Its content is not kept between two calls.
    #[inline]
    pub fn with_read_buffer<R>(&self, py: Python<'_>, f: impl FnOnce(&mut [u8]) -> R) -> R {
        self.read_buffer.with(py, |buffer| f(buffer))
    }

    /// Runs `f` on the buffers for batches of datagrams, which the first transport that receives makes. A transport takes
    /// them out while it delivers datagrams, so that they are not borrowed then.
    #[inline]
    pub fn receive_buffers<R>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&mut Option<ReceiveBatch>) -> R,
    ) -> R {
        self.receive_buffers.with(py, f)
    }

    /// Takes the buffer for plaintext, of at least [`READ_SIZE`] bytes. Makes a new one while the buffer is taken.
    pub fn take_plaintext_buffer(&self, py: Python<'_>) -> Vec<u8> {
        let buffer = self.plaintext_buffer.take(py);
        if buffer.is_empty() {
            vec![0; READ_SIZE]
        } else {
            buffer
        }
    }

    /// Gives the buffer for plaintext back. One that has grown is freed.
    pub fn return_plaintext_buffer(&self, py: Python<'_>, buffer: Vec<u8>) {
        if buffer.len() == READ_SIZE {
            drop(self.plaintext_buffer.replace(py, buffer));
        }
    }

    /// Puts a callback into the queue for the next iteration.
    #[inline]
    pub fn push(&self, py: Python<'_>, callback: Callback) {
        self.core(py, |core| core.push(callback));
    }

    /// Whether debug mode is on.
    #[inline]
    pub fn debug(&self) -> bool {
        self.debug.load(Relaxed)
    }

    /// Whether the loop is closed.
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
        // `close` needs these, and may be called when the interpreter can no longer import anything.
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
            selector_state: AttachedCell::default(),
            self_pipe: AttachedCell::default(),
            closed: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            debug: AtomicBool::new(false),
            thread: AtomicU64::new(NO_THREAD),
            overrides,
            #[cfg(not(Py_3_14))]
            last_task: super::last_task::LastTask::default(),
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
        self.core.visit(&visit, |core| {
            for callback in core.payloads() {
                callback.traverse(visit)?;
            }
            Ok(())
        })?;
        self.unflushed.visit(&visit, |transports| {
            transports
                .iter()
                .try_for_each(|transport| transport.traverse(visit))
        })?;
        self.transports.visit(&visit, |table| {
            table
                .values()
                .try_for_each(|reference| visit.call(reference))
        })?;
        self.watched_files.visit(&visit, |files| {
            files.values().try_for_each(|file| visit.call(file))
        })?;
        self.signals
            .visit(&visit, |signals| signals.traverse(visit))?;
        self.listed_timers
            .visit(&visit, |timers| timers.traverse(visit))?;
        self.selector_state
            .visit(&visit, |selector_state| selector_state.traverse(visit))?;
        self.self_pipe.visit(&visit, |pipe| pipe.traverse(visit))?;
        self.hooks.visit(&visit, |hooks| {
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
            let views = (self.listed_timers.take(py), self.selector_state.take(py));
            drop((views, self.self_pipe.take(py)));
        });
    }
}
