//! Which functions and methods are coroutine functions: those that asyncio defines with `async def`.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use super::function::CoroutineFunction;
use crate::ffi;

/// The functions of the module.
const FUNCTIONS: [&str; 3] = ["sleep", "wait", "wait_for"];

/// The methods of each class; subclasses inherit them.
const METHODS: &[(&str, &[&str])] = &[
    #[cfg(Py_3_13)]
    ("_AsCompletedIterator", &["__anext__"]),
    (
        "Barrier",
        &["__aenter__", "__aexit__", "abort", "reset", "wait"],
    ),
    (
        "Condition",
        &["__aenter__", "__aexit__", "acquire", "wait", "wait_for"],
    ),
    ("Event", &["wait"]),
    ("Lock", &["__aenter__", "__aexit__", "acquire"]),
    (
        "Loop",
        &[
            "_make_subprocess_transport",
            "_sendfile_native",
            "create_server",
            "create_unix_server",
            "sock_accept",
            "sock_connect",
            "sock_recv",
            "sock_recv_into",
            "sock_recvfrom",
            "sock_recvfrom_into",
            "sock_sendall",
            "sock_sendto",
            "start_tls",
        ],
    ),
    ("Queue", &["get", "join", "put"]),
    ("Semaphore", &["__aenter__", "__aexit__", "acquire"]),
    (
        "Server",
        &[
            "__aenter__",
            "__aexit__",
            "serve_forever",
            "start_serving",
            "wait_closed",
        ],
    ),
    (
        "StreamReader",
        &[
            "__anext__",
            "_wait_for_data",
            "read",
            "readexactly",
            "readline",
            "readuntil",
        ],
    ),
    ("StreamReaderProtocol", &["_drain_helper"]),
    ("StreamWriter", &["drain", "start_tls", "wait_closed"]),
    ("SubprocessTransport", &["_wait"]),
    ("TaskGroup", &["__aenter__", "__aexit__"]),
    ("Timeout", &["__aenter__", "__aexit__"]),
];

/// Puts coroutine functions in the place of what PyO3 has made of them.
pub fn install(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let example = CoroutineFunction::new(&module.getattr(FUNCTIONS[0])?);
    ffi::install_forwarding(&Bound::new(py, example)?)?;
    for name in FUNCTIONS {
        let function = CoroutineFunction::new(&module.getattr(name)?);
        module.setattr(name, Bound::new(py, function)?)?;
    }
    for &(class, names) in METHODS {
        let class = module.getattr(class)?.cast_into::<PyType>()?;
        let own = class.getattr(intern!(py, "__dict__"))?;
        for &name in names {
            let name = PyString::intern(py, name);
            let method = CoroutineFunction::new(&own.get_item(&name)?);
            let method = Bound::new(py, method)?;
            ffi::replace_in_class(&class, &name, method.as_any())?;
        }
    }
    Ok(())
}
