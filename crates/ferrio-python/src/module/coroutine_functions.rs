//! The functions and methods that are coroutine functions: those that asyncio defines with `async def`.
//!
//! `inspect.iscoroutinefunction` has to be true of them, so each is replaced by a [`CoroutineFunction`]. Most calls have the
//! same simple form, and such a call makes its coroutine without PyO3.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::cpython;
use crate::io::streams::{StreamReader, StreamWriter};
use crate::kernel::coroutine::{AtOnce, Body, CoroutineFunction, Parameters};
#[cfg(Py_3_13)]
use crate::waiting::combinators::AsCompleted;
use crate::waiting::queue::Queue;
use crate::waiting::sync::{Barrier, Condition, Event, Lock, Semaphore};
use crate::waiting::task_group::TaskGroup;
use crate::waiting::timeouts::Timeout;
use crate::waiting::timeouts::sleep::SLEEP;
use crate::waiting::timeouts::wait_for::WAIT_FOR;

/// The name of a function, and how it handles calls of the usual form. All other calls go through PyO3, which handles
/// keyword arguments and raises `TypeError`.
#[derive(Clone, Copy)]
struct Function(&'static str, Option<AtOnce>, Parameters);

/// Makes a function whose calls all go through PyO3.
const fn function(name: &'static str) -> Function {
    Function(name, None, Parameters::Own)
}

/// Makes a method of the loop that shows the parameters of asyncio's.
const fn as_asyncio(name: &'static str) -> Function {
    Function(name, None, Parameters::OfAsyncio)
}

/// Makes a function that is usually called with its target only.
const fn of_target(name: &'static str, body: Body) -> Function {
    Function(name, Some(AtOnce::new(body, 1, None)), Parameters::Own)
}

/// Makes a function that is usually called with its target and one argument.
const fn of_argument(name: &'static str, body: Body) -> Function {
    Function(name, Some(AtOnce::new(body, 2, Some(1))), Parameters::Own)
}

/// Makes an `__aexit__`, whose argument is the exception.
const fn exit(body: Body) -> Function {
    let at_once = AtOnce::new(body, 4, Some(2));
    Function("__aexit__", Some(at_once), Parameters::Own)
}

/// The functions of the module.
const FUNCTIONS: &[Function] = &[
    of_target("sleep", SLEEP),
    function("wait"),
    of_argument("wait_for", WAIT_FOR),
];

/// The methods of each class, which subclasses inherit.
const METHODS: &[(&str, &[Function])] = &[
    #[cfg(Py_3_13)]
    (
        "_AsCompletedIterator",
        &[of_target("__anext__", AsCompleted::NEXT)],
    ),
    (
        "Barrier",
        &[
            of_target("__aenter__", Barrier::ENTER),
            exit(Barrier::EXIT),
            of_target("abort", Barrier::ABORT),
            of_target("reset", Barrier::RESET),
            of_target("wait", Barrier::WAIT),
        ],
    ),
    (
        "Condition",
        &[
            of_target("__aenter__", Condition::ENTER),
            exit(Condition::EXIT),
            function("acquire"),
            of_target("wait", Condition::WAIT),
            of_argument("wait_for", Condition::WAIT_FOR),
        ],
    ),
    ("Event", &[of_target("wait", Event::WAIT)]),
    (
        "Lock",
        &[
            of_target("__aenter__", Lock::ENTER),
            exit(Lock::EXIT),
            of_target("acquire", Lock::ACQUIRE),
        ],
    ),
    (
        "Loop",
        &[
            function("_make_subprocess_transport"),
            function("_sendfile_native"),
            as_asyncio("create_server"),
            as_asyncio("create_unix_server"),
            function("sock_accept"),
            function("sock_connect"),
            function("sock_recv"),
            function("sock_recv_into"),
            function("sock_recvfrom"),
            function("sock_recvfrom_into"),
            function("sock_sendall"),
            function("sock_sendto"),
            as_asyncio("start_tls"),
        ],
    ),
    (
        "Queue",
        &[
            of_target("get", Queue::GET),
            of_target("join", Queue::JOIN),
            of_argument("put", Queue::PUT),
        ],
    ),
    (
        "Semaphore",
        &[
            of_target("__aenter__", Semaphore::ENTER),
            exit(Semaphore::EXIT),
            of_target("acquire", Semaphore::ACQUIRE),
        ],
    ),
    (
        "Server",
        &[
            function("__aenter__"),
            function("__aexit__"),
            function("serve_forever"),
            function("start_serving"),
            function("wait_closed"),
        ],
    ),
    (
        "StreamReader",
        &[
            of_target("__anext__", StreamReader::NEXT),
            function("_wait_for_data"),
            of_argument("read", StreamReader::READ),
            of_argument("readexactly", StreamReader::READEXACTLY),
            of_target("readline", StreamReader::READLINE),
            of_argument("readuntil", StreamReader::READUNTIL),
        ],
    ),
    ("StreamReaderProtocol", &[function("_drain_helper")]),
    (
        "StreamWriter",
        &[
            of_target("drain", StreamWriter::DRAIN),
            function("start_tls"),
            of_target("wait_closed", StreamWriter::WAIT_CLOSED),
        ],
    ),
    ("SubprocessTransport", &[function("_wait")]),
    (
        "TaskGroup",
        &[
            of_target("__aenter__", TaskGroup::ENTER),
            function("__aexit__"),
        ],
    ),
    (
        "Timeout",
        &[of_target("__aenter__", Timeout::ENTER), exit(Timeout::EXIT)],
    ),
];

/// Replaces PyO3's functions and methods by coroutine functions.
pub fn install(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let instance = CoroutineFunction::new(module.as_any(), None, Parameters::Own);
    cpython::install_forwarding(&Bound::new(py, instance)?)?;
    CoroutineFunction::document(py)?;
    for &Function(name, at_once, parameters) in FUNCTIONS {
        let function = CoroutineFunction::new(&module.getattr(name)?, at_once, parameters);
        module.setattr(name, Bound::new(py, function)?)?;
    }
    for &(class, methods) in METHODS {
        let class = module.getattr(class)?.cast_into::<PyType>()?;
        let own = class.getattr(intern!(py, "__dict__"))?;
        for &Function(name, at_once, parameters) in methods {
            let name = PyString::intern(py, name);
            let method = CoroutineFunction::new(&own.get_item(&name)?, at_once, parameters);
            let method = Bound::new(py, method)?;
            cpython::replace_in_class(&class, &name, method.as_any())?;
        }
    }
    Ok(())
}
