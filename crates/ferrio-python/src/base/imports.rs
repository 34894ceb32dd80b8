//! The standard library's names that the bindings use, each imported once, all listed here.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyType};

/// Declares functions that give `module.name`, imported at the first call, and one that imports all of them.
macro_rules! imports {
    ($all:ident: $($(#[$doc:meta])* $function:ident => $module:literal, $name:literal;)*) => {
        /// Imports all names at once. One that is not there, for `ssl` may be missing, is an error where it is used.
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
    /// The base class whose `__class__` ferrio's transports answer.
    transport_class => "asyncio.selector_events", "_SelectorSocketTransport";
    /// The base class whose `__class__` ferrio's transports over reading ends of pipes answer.
    read_transport_class => "asyncio", "ReadTransport";
    /// The base class whose `__class__` ferrio's transports of processes answer.
    subprocess_transport_class => "asyncio", "SubprocessTransport";
    /// The class whose `__class__` the protocols of a process's pipes answer: the one to the process.
    write_subprocess_pipe_proto => "asyncio.base_subprocess", "WriteSubprocessPipeProto";
    /// The class whose `__class__` the protocols of a process's pipes answer: those from the process.
    read_subprocess_pipe_proto => "asyncio.base_subprocess", "ReadSubprocessPipeProto";
    /// asyncio's own transport of processes, which says what this patch release does.
    base_subprocess_transport => "asyncio.base_subprocess", "BaseSubprocessTransport";
    /// What the class that ferrio's datagram transports answer as `__class__` is, besides `asyncio.Transport`.
    datagram_transport_class => "asyncio", "DatagramTransport";
    /// `asyncio.BaseTransport`.
    base_transport => "asyncio", "BaseTransport";
    /// `weakref.WeakSet`.
    weak_set => "weakref", "WeakSet";
    /// `asyncio.BufferedProtocol`.
    buffered_protocol => "asyncio", "BufferedProtocol";
    /// The class whose `__class__` ferrio's handles answer.
    handle_class => "asyncio", "Handle";
    /// The class of `call_soon_threadsafe`'s handles, since Python 3.14.
    thread_safe_handle_class => "asyncio.events", "_ThreadSafeHandle";
    /// The class whose `__class__` ferrio's timer handles answer.
    timer_handle_class => "asyncio", "TimerHandle";
    /// The class whose `__class__` ferrio's servers answer.
    server_class => "asyncio.base_events", "Server";
    /// asyncio's own future, whatever stands at its public name: ferrio's answer it as `__class__`.
    future_class => "_asyncio", "Future";
    /// asyncio's own task, likewise.
    task_class => "_asyncio", "Task";
    /// asyncio's own task group, likewise.
    task_group_class => "ferrio._own", "TaskGroup";
    /// The enumeration of a timeout's states.
    timeout_state => "asyncio.timeouts", "_State";
    /// asyncio's own timeout, likewise.
    timeout_class => "asyncio.timeouts", "Timeout";
    /// The loop of a future of any class.
    get_loop_of => "asyncio.futures", "_get_loop";
    /// asyncio's representation of a future.
    future_repr => "asyncio.base_futures", "_future_repr";
    /// asyncio's representation of a task.
    task_repr => "asyncio.base_tasks", "_task_repr";
    /// The frames of a task.
    task_get_stack => "asyncio.base_tasks", "_task_get_stack";
    /// Prints the frames of a task.
    task_print_stack => "asyncio.base_tasks", "_task_print_stack";
    /// asyncio's own `get_running_loop`.
    get_running_loop_or_raise => "_asyncio", "get_running_loop";
    /// The same for tasks written in Python.
    py_current_task => "asyncio.tasks", "_py_current_task";
    /// Makes a task its loop's current one.
    enter_task => "_asyncio", "_enter_task";
    /// Undoes `enter_task`.
    leave_task => "_asyncio", "_leave_task";
    /// `round`.
    round => "builtins", "round";
    /// `ExceptionGroup`.
    exception_group => "builtins", "ExceptionGroup";
    /// Makes a callback that finishes a future unless it is done.
    release_waiter => "ferrio._tasks", "release_waiter";
    /// `asyncio.isfuture`.
    is_future => "asyncio.base_futures", "isfuture";
    /// `inspect.isawaitable`.
    is_awaitable => "inspect", "isawaitable";
    /// asyncio's own `ensure_future`, which makes a task of any awaitable.
    ensure_future => "ferrio._own", "ensure_future";
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
    /// Does nothing, in Python code.
    give_way => "ferrio._loop", "give_way";
    /// `asyncio._register_task`, which libraries with tasks of their own call.
    register_task => "asyncio", "_register_task";
    /// Has `asyncio.all_tasks` see native tasks.
    include_in_all_tasks => "ferrio._tasks", "include_in_all_tasks";
    /// `asyncio.sleep`.
    sleep => "asyncio", "sleep";
    /// `asyncio.BaseEventLoop`: what runs once a process or a connection is called there.
    base_event_loop => "asyncio", "BaseEventLoop";
    /// asyncio's own `_set_running_loop`, which sets the thread's running loop.
    set_running_loop => "_asyncio", "_set_running_loop";
    /// asyncio's own `_get_running_loop`, which gives the thread's running loop or `None`.
    get_running_loop => "_asyncio", "_get_running_loop";
    /// Makes a native task.
    native_task_factory => "ferrio._patches", "native_task_factory";
    /// ferrio's `current_task`.
    native_current_task => "ferrio._ferrio", "current_task";
    /// Has a loop look which of asyncio's methods a program has replaced.
    obey_patches => "ferrio._patches", "obey";
    /// Whether a program has replaced asyncio's way to run a handle.
    run_is_replaced => "ferrio._patches", "run_is_replaced";
    /// A handle's `_run` as its class of asyncio's has it.
    bound_run => "ferrio._patches", "bound_run";
    /// What asyncio's loop on Unix derives from.
    base_selector_event_loop => "asyncio.selector_events", "BaseSelectorEventLoop";
    /// The Python half of a loop's `_selector`.
    selector => "ferrio._selector", "Selector";
    /// The list of timers that programs see.
    timer_list => "ferrio._selector", "TimerList";
    /// A registration of a selector.
    selector_key => "selectors", "SelectorKey";
    /// `heapq.heapify`.
    heapify => "heapq", "heapify";
    /// `set_name` with a fall-back for factories' tasks that have none.
    set_task_name => "asyncio.tasks", "_set_task_name";
    /// `asyncio.iscoroutine`.
    is_coroutine => "asyncio.coroutines", "iscoroutine";
    /// `inspect.signature`.
    signature => "inspect", "signature";
    /// `inspect.iscoroutinefunction`.
    is_coroutine_function => "inspect", "iscoroutinefunction";
    /// How asyncio shows a callback and where it is defined.
    format_callback_source => "asyncio.format_helpers", "_format_callback_source";
    /// A source traceback, as debug mode stores it.
    extract_stack => "asyncio.format_helpers", "extract_stack";
    /// The handle's text in the slow-callback warning.
    format_handle => "asyncio.base_events", "_format_handle";
    /// `asyncio.IncompleteReadError`.
    incomplete_read_error => "asyncio", "IncompleteReadError";
    /// `asyncio.LimitOverrunError`.
    limit_overrun_error => "asyncio", "LimitOverrunError";
    /// ferrio's protocol between a process's pipes and their readers.
    subprocess_stream_protocol => "ferrio._streams", "SubprocessStreamProtocol";
    /// asyncio's own reader, whatever stands at its public name: ferrio's answers it as `__class__`.
    stream_reader_class => "ferrio._own", "StreamReader";
    /// asyncio's own writer, likewise.
    stream_writer_class => "ferrio._own", "StreamWriter";
    /// asyncio's own protocol between a transport and a reader, likewise.
    stream_reader_protocol_class => "ferrio._own", "StreamReaderProtocol";
    /// asyncio's own lock, whatever stands at its public name: ferrio's answer it as `__class__`. So with the following.
    lock_class => "ferrio._own", "Lock";
    /// asyncio's own event.
    event_class => "ferrio._own", "Event";
    /// asyncio's own condition.
    condition_class => "ferrio._own", "Condition";
    /// asyncio's own semaphore.
    semaphore_class => "ferrio._own", "Semaphore";
    /// asyncio's own bounded semaphore.
    bounded_semaphore_class => "ferrio._own", "BoundedSemaphore";
    /// asyncio's own barrier.
    barrier_class => "ferrio._own", "Barrier";
    /// asyncio's own queue.
    queue_class => "ferrio._own", "Queue";
    /// asyncio's own priority queue.
    priority_queue_class => "ferrio._own", "PriorityQueue";
    /// asyncio's own last-in-first-out queue.
    lifo_queue_class => "ferrio._own", "LifoQueue";
    /// The states of asyncio's barrier.
    barrier_state => "asyncio.locks", "_BarrierState";
    /// `asyncio.BrokenBarrierError`.
    broken_barrier_error => "asyncio", "BrokenBarrierError";
    /// `asyncio.QueueEmpty`.
    queue_empty => "asyncio", "QueueEmpty";
    /// `asyncio.QueueFull`.
    queue_full => "asyncio", "QueueFull";
    /// `asyncio.QueueShutDown`, or ferrio's own where asyncio has none.
    queue_shut_down => "ferrio._own", "QueueShutDown";
    /// `collections.deque`.
    deque => "collections", "deque";
    /// `heapq.heappush`.
    heappush => "heapq", "heappush";
    /// `heapq.heappop`.
    heappop => "heapq", "heappop";
    /// `asyncio.CancelledError`.
    cancelled_error => "asyncio", "CancelledError";
    /// The read-only face of a socket that `get_extra_info('socket')` gives.
    transport_socket => "asyncio.trsock", "TransportSocket";
    /// asyncio's TLS protocol over any transport, whose `__class__` ferrio's answers.
    ssl_protocol => "asyncio.sslproto", "SSLProtocol";
    /// The class whose `__class__` ferrio's TLS transports answer.
    ssl_transport => "asyncio.sslproto", "_SSLProtocolTransport";
    /// The module `asyncio.sslproto`, for what a program may have put there.
    ssl_protocol_module => "asyncio", "sslproto";
    /// The exceptions for an SSL call that has to be repeated when more has arrived.
    ssl_again_errors => "asyncio.sslproto", "SSLAgainErrors";
    /// The context of a client that gives none.
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
    /// What a transport can do for sendfile.
    sendfile_mode => "asyncio.constants", "_SendfileMode";
    /// `asyncio.SelectorEventLoop`, by the name that nobody rebinds: what runs once for a server or a connection is called there.
    selector_event_loop => "asyncio.unix_events", "_UnixSelectorEventLoop";
    /// asyncio's logger.
    logger => "asyncio.log", "logger";
    /// What is in the module `warnings`.
    warnings_names => "warnings", "__dict__";
    /// `sys.get_coroutine_origin_tracking_depth`.
    get_coroutine_origin_tracking_depth => "sys", "get_coroutine_origin_tracking_depth";
    /// `sys.get_asyncgen_hooks`.
    get_asyncgen_hooks => "sys", "get_asyncgen_hooks";
    /// `sys.set_asyncgen_hooks`.
    set_asyncgen_hooks => "sys", "set_asyncgen_hooks";
    /// Warns of an open transport over a socket, where asyncio does.
    warn_of_transport => "ferrio._warnings", "transport";
    /// The same for the reading end of a pipe.
    warn_of_read_pipe => "ferrio._warnings", "read_pipe";
    /// The same for the writing end of a pipe.
    warn_of_write_pipe => "ferrio._warnings", "write_pipe";
    /// The same for a process.
    warn_of_process => "ferrio._warnings", "process";
    /// The same for TLS.
    warn_of_tls => "ferrio._warnings", "tls";
    /// The same for a `StreamWriter`.
    warn_of_writer => "ferrio._warnings", "writer";
    /// The same for a `StreamWriter` whose loop is closed.
    warn_of_writer_of_closed_loop => "ferrio._warnings", "writer_of_closed_loop";
    /// Warns of signal handlers that a loop still has when the interpreter ends, where asyncio does.
    warn_of_loop_with_signal_handlers => "ferrio._warnings", "loop_with_signal_handlers";
    /// `sys.is_finalizing`.
    is_finalizing => "sys", "is_finalizing";
    /// The `signal` module's function.
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
    /// `asyncio`'s handler that does nothing, so that only the wake-up descriptor tells of a signal.
    sighandler_noop => "asyncio.unix_events", "_sighandler_noop";
    /// `socket.socket`.
    socket => "socket", "socket";
    /// The C class below `socket.socket`.
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
    /// Makes another task the current one.
    swap_current_task => "_asyncio", "_swap_current_task";
}

#[cfg(Py_3_14)]
imports! { import_since_3_14:
    /// asyncio's own, for futures that are its own.
    future_add_to_awaited_by => "_asyncio", "future_add_to_awaited_by";
    /// The same.
    future_discard_from_awaited_by => "_asyncio", "future_discard_from_awaited_by";
}

#[cfg(not(Py_3_12))]
imports! { import_before_3_12:
    /// asyncio's own `_get_event_loop`, which its functions use.
    get_event_loop => "_asyncio", "_get_event_loop";
    /// asyncio's own `current_task`.
    current_task => "ferrio._own", "current_task";
}

#[cfg(not(Py_3_14))]
imports! { import_before_3_14:
    /// The current task of each loop.
    current_tasks => "_asyncio", "_current_tasks";
}

/// Imports everything that the bindings need, for when the interpreter is at its end and imports nothing any more.
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

/// The class that a program has put into a module of asyncio's in place of asyncio's own or ferrio's.
///
/// `names` is the dictionary of that module, `name` the name of the class in it.
#[inline]
pub fn replaced_class<'py>(
    names: &Bound<'py, PyDict>,
    name: &Bound<'py, PyString>,
    stock: &Bound<'py, PyAny>,
    native: &Bound<'py, PyType>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let class = names.get_item(name)?;
    Ok(class.filter(|class| !class.is(stock) && !class.is(native)))
}

/// The names of `asyncio.tasks`.
#[inline]
pub fn names_of_tasks(py: Python<'_>) -> PyResult<&Bound<'_, PyDict>> {
    static NAMES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    names_of(py, &NAMES, "asyncio.tasks")
}

/// The names of `asyncio.futures`.
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

/// asyncio's child watcher with threads, one for the whole process: for where there are no descriptors of processes.
pub fn threaded_child_watcher(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static WATCHER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let name = if cfg!(Py_3_14) {
        "_ThreadedChildWatcher"
    } else {
        "ThreadedChildWatcher"
    };
    let watcher = WATCHER.get_or_try_init(py, || {
        // The public name warns on Python 3.12 and 3.13, but not the module that has it.
        let class = py.import("asyncio.unix_events")?.getattr(name)?;
        class.call0().map(Bound::unbind)
    })?;
    Ok(watcher.bind(py))
}
