//! The extension module `ferrio._ferrio`: asyncio's classes on the engine in the crate `ferrio`.
//!
//! | module | what it is |
//! |---|---|
//! | [`event_loop`] | `Loop` |
//! | [`handle`] | `Handle`, `TimerHandle` |
//! | [`future`], [`task`] | `Future`, `Task` |
//! | [`combinators`], [`timeouts`], [`task_group`] | `gather`, `wait`, `as_completed`, `shield`; `sleep`, `timeout`, `wait_for`; `TaskGroup` |
//! | [`sync`], [`queue`] | locks and their like; queues |
//! | [`observer`] | how these are told that a future is done |
//! | [`transport`] | `SocketTransport` |
//! | [`datagram`] | `DatagramTransport` |
//! | [`pipe`] | `ReadPipeTransport`, `WritePipeTransport` |
//! | [`process`] | `SubprocessTransport` |
//! | [`server`] | `Server` |
//! | [`tls`] | `TlsProtocol`, `TlsTransport` |
//! | [`coroutine`] | coroutines written in Rust |
//! | [`incoming`], [`outgoing`] | what transports share: reading, and writing with flow control |
//! | [`streams`] | `StreamReader`, `StreamWriter`, `StreamReaderProtocol` |
//! | [`protocol`] | what every transport tells in the same words |
//! | [`socket`], [`address`] | system calls of the data path; socket addresses |
//! | [`plain_sockets`] | which sockets these system calls are for |
//! | [`errors`], [`imports`] | the one conversion into exceptions; the one list of what is imported |
//! | [`cell`], [`ffi`] | the two homes of `unsafe` |

#![deny(unsafe_code)]
#![allow(
    missing_docs,
    reason = "what is public here is public to Python, which documents it in docstrings"
)]
#![allow(
    clippy::doc_markdown,
    reason = "the doc comments of Python's methods are docstrings, which are not Markdown"
)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "the signatures of Python's methods are PyO3's to choose"
)]

mod address;
mod attributes;
mod cell;
mod combinators;
mod coroutine;
mod coroutine_functions;
mod datagram;
mod errors;
mod event_loop;
mod extra_info;
mod ffi;
mod future;
mod given;
mod handle;
mod imports;
mod incoming;
mod observer;
mod outgoing;
mod pipe;
mod plain_sockets;
mod process;
mod protocol;
mod queue;
mod server;
mod socket;
mod streams;
mod subclasses;
mod sync;
mod task;
mod task_group;
mod timeouts;
mod tls;
mod transport;
mod warning;

use pyo3::prelude::*;

/// The native half of ferrio.
#[pymodule]
mod _ferrio {
    use pyo3::prelude::*;
    use pyo3::types::{PyDict, PyString, PyType};

    #[pymodule_export]
    use crate::combinators::{
        AsCompleted, GatheringFuture, as_completed::as_completed, gather::gather, shield::shield,
        wait::wait,
    };
    #[pymodule_export]
    use crate::coroutine::Coroutine;
    #[pymodule_export]
    use crate::datagram::DatagramTransport;
    #[pymodule_export]
    use crate::event_loop::{Loop, Selector};
    #[pymodule_export]
    use crate::future::Future;
    #[pymodule_export]
    use crate::handle::{Handle, TimerHandle};
    #[pymodule_export]
    use crate::pipe::{ReadPipeTransport, WritePipeTransport};
    #[pymodule_export]
    use crate::process::{PipeProtocol, SubprocessTransport};
    #[pymodule_export]
    use crate::queue::{LifoQueue, PriorityQueue, Queue};
    #[pymodule_export]
    use crate::server::Server;
    #[pymodule_export]
    use crate::streams::{StreamReader, StreamReaderProtocol, StreamWriter};
    #[pymodule_export]
    use crate::sync::{Barrier, BoundedSemaphore, Condition, Event, Lock, Semaphore};
    #[pymodule_export]
    use crate::task::Task;
    #[pymodule_export]
    use crate::task::{_native_tasks, create_task, current_task_function, ensure_future};
    #[pymodule_export]
    use crate::task_group::TaskGroup;
    #[pymodule_export]
    use crate::timeouts::{
        Timeout, sleep::sleep, timeout::timeout, timeout::timeout_at, wait_for::wait_for,
    };
    #[pymodule_export]
    use crate::tls::{TlsProtocol, TlsTransport};
    #[pymodule_export]
    use crate::transport::SocketTransport;

    /// Make another metaclass the class of a native class.
    #[pyfunction]
    fn _set_metaclass(class: &Bound<'_, PyType>, metaclass: &Bound<'_, PyType>) -> PyResult<()> {
        crate::ffi::set_metaclass(class, metaclass)
    }

    /// Have a class out of which a `__new__` was taken make instances as `object` does, as before there was one.
    #[pyfunction]
    fn _make_as_object(class: &Bound<'_, PyType>) -> PyResult<()> {
        crate::ffi::make_as_object(class)
    }

    /// Put an attribute into a native class, also one that the class's class has under the same name.
    #[pyfunction]
    fn _put_in_class(
        class: &Bound<'_, PyType>,
        name: &Bound<'_, PyString>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        crate::ffi::replace_in_class(class, name, value)
    }

    /// Return the dictionary of an object, whatever its class says that this is.
    #[pyfunction]
    fn _own_dict<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        crate::ffi::own_dictionary(object)
    }

    /// Import what the native half needs of the standard library and of ferrio's Python half, once that is there.
    #[pyfunction]
    fn _import_all(py: Python<'_>) {
        crate::imports::import_all(py);
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("_is_exit_guarded", crate::ffi::guard_thread_exit())?;
        crate::ffi::install_am_send::<crate::future::FutureIter>(module.py())?;
        crate::ffi::know_native_futures(module.py());
        crate::future::install_slots(module.py())?;
        crate::task::install_slots(module.py())?;
        crate::ffi::install_finalizer::<GatheringFuture>(module.py())?;
        crate::ffi::install_self_await::<GatheringFuture>(module.py())?;
        crate::ffi::install_self_await::<Coroutine>(module.py())?;
        crate::ffi::install_finalizer::<Coroutine>(module.py())?;
        crate::ffi::install_recycling::<Handle>(module.py());
        crate::ffi::install_recycling::<TimerHandle>(module.py());
        crate::event_loop::install_quick_methods(module.py())?;
        crate::ffi::install_recycling::<Timeout>(module.py());
        crate::ffi::install_recycling::<crate::combinators::Waiting>(module.py());
        crate::ffi::install_in_turn::<Queue>(module.py());
        crate::ffi::install_in_turn::<LifoQueue>(module.py());
        crate::ffi::install_in_turn::<PriorityQueue>(module.py());
        crate::ffi::install_in_turn::<StreamReader>(module.py());
        crate::ffi::install_in_turn::<Condition>(module.py());
        crate::ffi::install_finalizer::<StreamWriter>(module.py())?;
        crate::ffi::install_finalizer::<StreamReaderProtocol>(module.py())?;
        crate::ffi::install_finalizer::<SocketTransport>(module.py())?;
        crate::ffi::install_finalizer::<DatagramTransport>(module.py())?;
        crate::ffi::install_finalizer::<ReadPipeTransport>(module.py())?;
        crate::ffi::install_finalizer::<WritePipeTransport>(module.py())?;
        crate::ffi::install_finalizer::<SubprocessTransport>(module.py())?;
        crate::ffi::install_finalizer::<TlsTransport>(module.py())?;
        #[cfg(Py_3_14)]
        crate::future::awaited_by::export(module)?;
        crate::ffi::watch_clock(module.py())?;
        crate::task::watch_names(module.py())?;
        crate::tls::remember_stock(module.py())?;
        crate::extra_info::remember_stock(module.py())?;
        crate::coroutine_functions::install(module)?;
        #[cfg(not(Py_3_12))]
        crate::ffi::skip_incomplete(module);
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        // The interpreter's messages name a class as its module and name, unless somebody has set the name: then as they
        // name asyncio's, which people match on ("'Lock' object can't be awaited").
        for object in module.dict().values() {
            if let Ok(class) = object.cast::<PyType>() {
                class.setattr("__name__", class.name()?)?;
            }
        }
        Ok(())
    }
}
