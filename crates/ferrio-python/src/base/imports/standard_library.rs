//! The names of the standard library that the bindings use, each imported once. The start of a process and the TLS
//! handshake import a few more themselves.
//!
//! [`import_all`] runs while the package is imported, for two reasons: the names then still stand for asyncio's own objects,
//! which `ferrio.accelerate()` replaces later; and no import is needed while the interpreter ends, when imports fail.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyType};

/// Declares functions that return `module.name`, imported at the first call, and one function that imports all of them.
macro_rules! imports {
    ($all:ident: $($(#[$doc:meta])* $function:ident => $module:literal, $name:literal;)*) => {
        /// Imports all names. A missing one is an error only where it is used: a Python may be built without `ssl`.
        fn $all(py: Python<'_>) {
            $(drop($function(py));)*
        }

        $(
        $(#[$doc])*
        pub fn $function(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
            static CACHE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            CACHE.import(py, $module, $name)
        }
        )*
    };
}

imports! { import_common:
    /// asyncio's transport over a TCP or Unix socket: the `__class__` of ferrio's transports.
    transport_class => "asyncio.selector_events", "_SelectorSocketTransport";
    /// The `__class__` of ferrio's transports over the reading end of a pipe.
    read_transport_class => "asyncio", "ReadTransport";
    /// The `__class__` of ferrio's transports of processes.
    subprocess_transport_class => "asyncio", "SubprocessTransport";
    /// The `__class__` of the protocol of the pipe to a process.
    write_subprocess_pipe_proto => "asyncio.base_subprocess", "WriteSubprocessPipeProto";
    /// The `__class__` of the protocols of the pipes from a process.
    read_subprocess_pipe_proto => "asyncio.base_subprocess", "ReadSubprocessPipeProto";
    /// asyncio's transport of processes. Its code tells how this patch release behaves.
    base_subprocess_transport => "asyncio.base_subprocess", "BaseSubprocessTransport";
    /// The base class, beside `asyncio.Transport`, of the `__class__` of ferrio's datagram transports.
    datagram_transport_class => "asyncio", "DatagramTransport";
    /// `asyncio.BaseTransport`.
    base_transport => "asyncio", "BaseTransport";
    /// `weakref.WeakSet`.
    weak_set => "weakref", "WeakSet";
    /// `asyncio.BufferedProtocol`.
    buffered_protocol => "asyncio", "BufferedProtocol";
    /// The `__class__` of ferrio's handles.
    handle_class => "asyncio", "Handle";
    /// The class of the handles that `call_soon_threadsafe` returns since Python 3.14.
    thread_safe_handle_class => "asyncio.events", "_ThreadSafeHandle";
    /// The `__class__` of ferrio's timer handles.
    timer_handle_class => "asyncio", "TimerHandle";
    /// The `__class__` of ferrio's servers.
    server_class => "asyncio.base_events", "Server";
    /// asyncio's future: the `__class__` of ferrio's.
    future_class => "_asyncio", "Future";
    /// asyncio's task: the `__class__` of ferrio's.
    task_class => "_asyncio", "Task";
    /// asyncio's task group: the `__class__` of ferrio's.
    task_group_class => "asyncio", "TaskGroup";
    /// The enumeration of the states of a timeout.
    timeout_state => "asyncio.timeouts", "_State";
    /// asyncio's timeout: the `__class__` of ferrio's.
    timeout_class => "asyncio.timeouts", "Timeout";
    /// Returns the loop of a future of any class.
    get_loop_of => "asyncio.futures", "_get_loop";
    /// Returns the representation of a future.
    future_repr => "asyncio.base_futures", "_future_repr";
    /// Returns the representation of a task.
    task_repr => "asyncio.base_tasks", "_task_repr";
    /// Returns the frames of a task.
    task_get_stack => "asyncio.base_tasks", "_task_get_stack";
    /// Prints the frames of a task.
    task_print_stack => "asyncio.base_tasks", "_task_print_stack";
    /// asyncio's `get_running_loop`, which raises if no loop runs.
    get_running_loop_or_raise => "_asyncio", "get_running_loop";
    /// The implementation of `asyncio.current_task` in Python, which knows the tasks that are written in Python.
    py_current_task => "asyncio.tasks", "_py_current_task";
    /// Makes a task the current one of its loop.
    enter_task => "_asyncio", "_enter_task";
    /// Undoes `enter_task`.
    leave_task => "_asyncio", "_leave_task";
    /// `round`.
    round => "builtins", "round";
    /// `ExceptionGroup`.
    exception_group => "builtins", "ExceptionGroup";
    /// `asyncio.isfuture`.
    is_future => "asyncio.base_futures", "isfuture";
    /// `inspect.isawaitable`.
    is_awaitable => "inspect", "isawaitable";
    /// asyncio's `ensure_future`, which makes a task of any awaitable.
    ensure_future => "asyncio", "ensure_future";
    /// `BaseExceptionGroup`.
    base_exception_group => "builtins", "BaseExceptionGroup";
    /// `asyncio.InvalidStateError`.
    invalid_state_error => "asyncio", "InvalidStateError";
    /// `asyncio.tasks._GatheringFuture`.
    gathering_future_class => "asyncio.tasks", "_GatheringFuture";
    /// `types.GenericAlias`.
    generic_alias => "types", "GenericAlias";
    /// `types.CoroutineType`.
    coroutine_type => "types", "CoroutineType";
    /// `types.GeneratorType`.
    generator_type => "types", "GeneratorType";
    /// `asyncio._register_task`, which libraries with tasks of their own call.
    register_task => "asyncio", "_register_task";
    /// `asyncio.sleep`.
    sleep => "asyncio", "sleep";
    /// `asyncio.BaseEventLoop`, whose code for a process or a connection is called.
    base_event_loop => "asyncio", "BaseEventLoop";
    /// asyncio's `_set_running_loop`, which sets the running loop of the thread.
    set_running_loop => "_asyncio", "_set_running_loop";
    /// asyncio's `_get_running_loop`, which returns the running loop of the thread, or `None`.
    get_running_loop => "_asyncio", "_get_running_loop";
    /// The class that asyncio's loop on Unix derives from.
    base_selector_event_loop => "asyncio.selector_events", "BaseSelectorEventLoop";
    /// The class of the registrations of a selector.
    selector_key => "selectors", "SelectorKey";
    /// `heapq.heapify`.
    heapify => "heapq", "heapify";
    /// Sets the name of a task, if the class of the task has names.
    set_task_name => "asyncio.tasks", "_set_task_name";
    /// `asyncio.iscoroutine`.
    is_coroutine => "asyncio.coroutines", "iscoroutine";
    /// `inspect.signature`.
    signature => "inspect", "signature";
    /// `inspect.iscoroutinefunction`.
    is_coroutine_function => "inspect", "iscoroutinefunction";
    /// Returns the text for a callback and the place where it is defined.
    format_callback_source => "asyncio.format_helpers", "_format_callback_source";
    /// Returns the stack that debug mode stores as the source traceback.
    extract_stack => "asyncio.format_helpers", "extract_stack";
    /// Returns the text for a handle in the warning of a slow callback.
    format_handle => "asyncio.base_events", "_format_handle";
    /// `asyncio.IncompleteReadError`.
    incomplete_read_error => "asyncio", "IncompleteReadError";
    /// `asyncio.LimitOverrunError`.
    limit_overrun_error => "asyncio", "LimitOverrunError";
    /// asyncio's stream reader: the `__class__` of ferrio's.
    stream_reader_class => "asyncio", "StreamReader";
    /// asyncio's stream writer: the `__class__` of ferrio's.
    stream_writer_class => "asyncio", "StreamWriter";
    /// asyncio's protocol between a transport and a stream reader: the `__class__` of ferrio's.
    stream_reader_protocol_class => "asyncio", "StreamReaderProtocol";
    /// asyncio's lock: the `__class__` of ferrio's.
    lock_class => "asyncio", "Lock";
    /// asyncio's event: the `__class__` of ferrio's.
    event_class => "asyncio", "Event";
    /// asyncio's condition: the `__class__` of ferrio's.
    condition_class => "asyncio", "Condition";
    /// asyncio's semaphore: the `__class__` of ferrio's.
    semaphore_class => "asyncio", "Semaphore";
    /// asyncio's bounded semaphore: the `__class__` of ferrio's.
    bounded_semaphore_class => "asyncio", "BoundedSemaphore";
    /// asyncio's barrier: the `__class__` of ferrio's.
    barrier_class => "asyncio", "Barrier";
    /// asyncio's queue: the `__class__` of ferrio's.
    queue_class => "asyncio", "Queue";
    /// asyncio's priority queue: the `__class__` of ferrio's.
    priority_queue_class => "asyncio", "PriorityQueue";
    /// asyncio's last-in-first-out queue: the `__class__` of ferrio's.
    lifo_queue_class => "asyncio", "LifoQueue";
    /// The enumeration of the states of a barrier.
    barrier_state => "asyncio.locks", "_BarrierState";
    /// `asyncio.BrokenBarrierError`.
    broken_barrier_error => "asyncio", "BrokenBarrierError";
    /// `asyncio.QueueEmpty`.
    queue_empty => "asyncio", "QueueEmpty";
    /// `asyncio.QueueFull`.
    queue_full => "asyncio", "QueueFull";
    /// `collections.deque`.
    deque => "collections", "deque";
    /// `heapq.heappush`.
    heappush => "heapq", "heappush";
    /// `heapq.heappop`.
    heappop => "heapq", "heappop";
    /// `asyncio.CancelledError`.
    cancelled_error => "asyncio", "CancelledError";
    /// The read-only view of a socket that `get_extra_info('socket')` returns.
    transport_socket => "asyncio.trsock", "TransportSocket";
    /// asyncio's TLS protocol: the `__class__` of ferrio's.
    ssl_protocol => "asyncio.sslproto", "SSLProtocol";
    /// asyncio's TLS transport: the `__class__` of ferrio's.
    ssl_transport => "asyncio.sslproto", "_SSLProtocolTransport";
    /// The module `asyncio.sslproto`, in which a program may have replaced names.
    ssl_protocol_module => "asyncio", "sslproto";
    /// The exceptions of an SSL call that has to be repeated when more data has arrived.
    ssl_again_errors => "asyncio.sslproto", "SSLAgainErrors";
    /// Makes the SSL context of a client that passes none.
    create_transport_context => "asyncio.sslproto", "_create_transport_context";
    /// `ssl.SSLError`.
    ssl_error => "ssl", "SSLError";
    /// `ssl.CertificateError`.
    certificate_error => "ssl", "CertificateError";
    /// `ssl.MemoryBIO`.
    memory_bio => "ssl", "MemoryBIO";
    /// `ssl.SSLObject`.
    ssl_object => "ssl", "SSLObject";
    /// `types.SimpleNamespace`.
    simple_namespace => "types", "SimpleNamespace";
    /// `memoryview`.
    memory_view => "builtins", "memoryview";
    /// Disables Nagle's algorithm on a TCP socket.
    set_nodelay => "asyncio.base_events", "_set_nodelay";
    /// Finishes a future unless it was cancelled.
    set_result_unless_cancelled => "asyncio.futures", "_set_result_unless_cancelled";
    /// The enumeration of the ways in which a transport can send a file.
    sendfile_mode => "asyncio.constants", "_SendfileMode";
    /// `asyncio.SelectorEventLoop`, whose methods for servers and connections ferrio calls. It is read from its private
    /// name, which `ferrio.install()` and other packages leave alone.
    selector_event_loop => "asyncio.unix_events", "_UnixSelectorEventLoop";
    /// asyncio's logger.
    logger => "asyncio.log", "logger";
    /// The dictionary of the module `warnings`.
    warnings_names => "warnings", "__dict__";
    /// `sys.get_coroutine_origin_tracking_depth`.
    get_coroutine_origin_tracking_depth => "sys", "get_coroutine_origin_tracking_depth";
    /// `sys.get_asyncgen_hooks`.
    get_asyncgen_hooks => "sys", "get_asyncgen_hooks";
    /// `sys.set_asyncgen_hooks`.
    set_asyncgen_hooks => "sys", "set_asyncgen_hooks";
    /// `sys.is_finalizing`.
    is_finalizing => "sys", "is_finalizing";
    /// `signal.set_wakeup_fd`.
    set_wakeup_fd => "signal", "set_wakeup_fd";
    /// `signal.signal`.
    signal => "signal", "signal";
    /// `signal.siginterrupt`.
    siginterrupt => "signal", "siginterrupt";
    /// `signal.valid_signals`.
    valid_signals => "signal", "valid_signals";
    /// `signal.default_int_handler`.
    default_int_handler => "signal", "default_int_handler";
    /// `signal.SIG_DFL`.
    sig_dfl => "signal", "SIG_DFL";
    /// asyncio's signal handler that does nothing, so that a signal is reported by the wake-up descriptor only.
    sighandler_noop => "asyncio.unix_events", "_sighandler_noop";
    /// `socket.socket`.
    socket => "socket", "socket";
    /// `_socket.socket`, the base class of `socket.socket` in C.
    c_socket => "_socket", "socket";
    /// `os.fsdecode`.
    fsdecode => "os", "fsdecode";
    /// `os.strerror`.
    strerror => "os", "strerror";
    /// `threading.main_thread`.
    main_thread => "threading", "main_thread";
    /// `threading.current_thread`.
    current_thread => "threading", "current_thread";
}

#[cfg(Py_3_12)]
imports! { import_since_3_12:
    /// asyncio's own `get_event_loop`.
    get_event_loop => "_asyncio", "get_event_loop";
    /// asyncio's own `current_task`.
    current_task => "_asyncio", "current_task";
    /// Makes another task the current one, and returns the one before.
    swap_current_task => "_asyncio", "_swap_current_task";
}

#[cfg(Py_3_14)]
imports! { import_since_3_14:
    /// asyncio's `future_add_to_awaited_by`, for futures of asyncio's class.
    future_add_to_awaited_by => "_asyncio", "future_add_to_awaited_by";
    /// asyncio's `future_discard_from_awaited_by`, for futures of asyncio's class.
    future_discard_from_awaited_by => "_asyncio", "future_discard_from_awaited_by";
}

#[cfg(not(Py_3_12))]
imports! { import_before_3_12:
    /// asyncio's own `_get_event_loop`, which its functions use.
    get_event_loop => "_asyncio", "_get_event_loop";
    /// asyncio's own `current_task`.
    current_task => "asyncio.tasks", "current_task";
}

#[cfg(not(Py_3_14))]
imports! { import_before_3_14:
    /// The dictionary of the current task of each loop.
    current_tasks => "_asyncio", "_current_tasks";
}

/// Imports all names that the bindings use.
pub fn import_all(py: Python<'_>) {
    import_common(py);
    #[cfg(Py_3_12)]
    import_since_3_12(py);
    #[cfg(Py_3_14)]
    import_since_3_14(py);
    #[cfg(not(Py_3_12))]
    import_before_3_12(py);
    #[cfg(not(Py_3_14))]
    import_before_3_14(py);
    drop(names_of_tasks(py));
    drop(names_of_futures(py));
}

/// Returns the class that a program has put into a module of asyncio in place of asyncio's class or ferrio's, if it has.
///
/// `names` is the dictionary of the module, and `name` the name of the class in it.
#[inline]
pub fn replaced_class<'py>(
    names: &Bound<'py, PyDict>,
    name: &Bound<'py, PyString>,
    original: &Bound<'py, PyAny>,
    native: &Bound<'py, PyType>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let class = names.get_item(name)?;
    Ok(class.filter(|class| !class.is(original) && !class.is(native)))
}

/// Returns the dictionary of the module `asyncio.tasks`.
#[inline]
pub fn names_of_tasks(py: Python<'_>) -> PyResult<&Bound<'_, PyDict>> {
    static NAMES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    names_of(py, &NAMES, "asyncio.tasks")
}

/// Returns the dictionary of the module `asyncio.futures`.
#[inline]
pub fn names_of_futures(py: Python<'_>) -> PyResult<&Bound<'_, PyDict>> {
    static NAMES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    names_of(py, &NAMES, "asyncio.futures")
}

#[inline]
fn names_of<'py>(
    py: Python<'py>,
    cache: &'py PyOnceLock<Py<PyDict>>,
    module: &str,
) -> PyResult<&'py Bound<'py, PyDict>> {
    let names = cache.get_or_try_init(py, || PyResult::Ok(py.import(module)?.dict().unbind()))?;
    Ok(names.bind(py))
}

/// Returns asyncio's child watcher that uses threads, one for the whole process. It is used where the kernel has no `pidfd`.
pub fn threaded_child_watcher(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static WATCHER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let name = if cfg!(Py_3_14) {
        "_ThreadedChildWatcher"
    } else {
        "ThreadedChildWatcher"
    };
    let watcher = WATCHER.get_or_try_init(py, || {
        // On Python 3.12 and 3.13, `asyncio.ThreadedChildWatcher` warns, and the name in this module does not.
        let class = py.import("asyncio.unix_events")?.getattr(name)?;
        class.call0().map(Bound::unbind)
    })?;
    Ok(watcher.bind(py))
}
