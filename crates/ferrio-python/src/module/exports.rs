//! The module that Python imports.

use pyo3::prelude::*;

/// The native half of ferrio.
#[pymodule]
mod _ferrio {
    use pyo3::prelude::*;
    use pyo3::types::{PyDict, PyString, PyType};

    #[pymodule_export]
    use crate::io::datagram::DatagramTransport;
    #[pymodule_export]
    use crate::io::pipe::{ReadPipeTransport, WritePipeTransport};
    #[pymodule_export]
    use crate::io::process::{PipeProtocol, SubprocessTransport};
    #[pymodule_export]
    use crate::io::server::Server;
    #[pymodule_export]
    use crate::io::streams::{StreamReader, StreamReaderProtocol, StreamWriter};
    #[pymodule_export]
    use crate::io::tls::{TlsProtocol, TlsTransport};
    #[pymodule_export]
    use crate::io::transport::SocketTransport;
    #[pymodule_export]
    use crate::kernel::coroutine::Coroutine;
    #[pymodule_export]
    use crate::kernel::event_loop::{Loop, Selector};
    #[pymodule_export]
    use crate::kernel::future::Future;
    #[pymodule_export]
    use crate::kernel::handle::{Handle, TimerHandle};
    #[pymodule_export]
    use crate::kernel::task::Task;
    #[pymodule_export]
    use crate::kernel::task::{_native_tasks, create_task, current_task_function, ensure_future};
    #[pymodule_export]
    use crate::waiting::combinators::{
        AsCompleted, GatheringFuture, as_completed::as_completed, gather::gather, shield::shield,
        wait::wait,
    };
    #[pymodule_export]
    use crate::waiting::queue::{LifoQueue, PriorityQueue, Queue};
    #[pymodule_export]
    use crate::waiting::sync::{Barrier, BoundedSemaphore, Condition, Event, Lock, Semaphore};
    #[pymodule_export]
    use crate::waiting::task_group::TaskGroup;
    #[pymodule_export]
    use crate::waiting::timeouts::{
        Timeout, sleep::sleep, timeout::timeout, timeout::timeout_at, wait_for::wait_for,
    };

    /// Set the metaclass of a native class; return whether that was possible.
    #[pyfunction]
    fn _set_metaclass(class: &Bound<'_, PyType>, metaclass: &Bound<'_, PyType>) -> PyResult<bool> {
        let is_set = crate::cpython::set_metaclass(class, metaclass)?;
        if !is_set {
            crate::cpython::subclasses::changes_are_not_counted();
        }
        Ok(is_set)
    }

    /// Make a class create instances as `object` does, after its `__new__` was deleted.
    #[pyfunction]
    fn _make_as_object(class: &Bound<'_, PyType>) -> PyResult<()> {
        crate::cpython::make_as_object(class)
    }

    /// Set an attribute of a native class, even if its metaclass has a property of the same name.
    #[pyfunction]
    fn _put_in_class(
        class: &Bound<'_, PyType>,
        name: &Bound<'_, PyString>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        crate::cpython::replace_in_class(class, name, value)
    }

    /// Note that an attribute of a native class, or of a class that derives from it, was set or deleted.
    #[pyfunction]
    fn _class_changed() {
        crate::cpython::subclasses::class_changed();
    }

    /// Return the dictionary of an object, even if its class has a property `__dict__`.
    #[pyfunction]
    fn _own_dict<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        crate::cpython::own_dictionary(object)
    }

    /// Return a dictionary that says of each trick whether it is in use.
    #[pyfunction]
    fn _tricks(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        crate::cpython::tricks::tricks(py)
    }

    /// Register each native task with asyncio from now on, because its registry cannot be made to see all of them.
    #[pyfunction]
    fn _register_each_task() {
        crate::cpython::tricks::Trick::AllTasks.turn_off();
    }

    /// Take what the native half uses of the package, and import what it uses of the standard library.
    ///
    /// Raises:
    ///     ImportError: an entry is missing or unknown.
    #[pyfunction]
    fn _hand_down(table: &Bound<'_, PyDict>) -> PyResult<()> {
        crate::base::imports::hand_down(table)?;
        crate::base::imports::import_all(table.py());
        Ok(())
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::cpython::tricks::choose_tricks(module.py())?;
        module.add("_is_exit_guarded", crate::cpython::guard_thread_exit())?;
        crate::cpython::install_am_send::<crate::kernel::future::FutureIter>(module.py());
        let py = module.py();
        crate::kernel::future::know_native_future(&py.get_type::<Task>())?;
        crate::kernel::future::know_native_future(&py.get_type::<Future>())?;
        crate::kernel::future::know_native_future(&py.get_type::<GatheringFuture>())?;
        crate::kernel::future::install_slots(module.py())?;
        crate::kernel::task::install_slots(module.py())?;
        crate::cpython::install_finalizer::<GatheringFuture>(module.py())?;
        crate::cpython::install_self_await::<GatheringFuture>(module.py());
        crate::cpython::install_self_await::<Coroutine>(module.py());
        crate::cpython::install_finalizer::<Coroutine>(module.py())?;
        crate::cpython::install_recycling::<Handle>(module.py());
        crate::cpython::install_recycling::<TimerHandle>(module.py());
        crate::kernel::event_loop::install_fast_methods(module.py())?;
        crate::cpython::install_recycling::<Timeout>(module.py());
        crate::cpython::install_recycling::<crate::waiting::combinators::WaitState>(module.py());
        crate::cpython::install_in_turn::<Queue>(module.py());
        crate::cpython::install_in_turn::<LifoQueue>(module.py());
        crate::cpython::install_in_turn::<PriorityQueue>(module.py());
        crate::cpython::install_in_turn::<StreamReader>(module.py());
        crate::cpython::install_in_turn::<Condition>(module.py());
        crate::cpython::install_finalizer::<StreamWriter>(module.py())?;
        crate::cpython::install_finalizer::<StreamReaderProtocol>(module.py())?;
        crate::cpython::install_finalizer::<SocketTransport>(module.py())?;
        crate::cpython::install_finalizer::<DatagramTransport>(module.py())?;
        crate::cpython::install_finalizer::<ReadPipeTransport>(module.py())?;
        crate::cpython::install_finalizer::<WritePipeTransport>(module.py())?;
        crate::cpython::install_finalizer::<SubprocessTransport>(module.py())?;
        crate::cpython::install_finalizer::<TlsTransport>(module.py())?;
        #[cfg(Py_3_14)]
        crate::kernel::future::awaited_by::export(module)?;
        crate::cpython::watch_clock(module.py())?;
        crate::kernel::task::watch_names(module.py())?;
        crate::io::tls::remember_original(module.py())?;
        crate::io::extra_info::remember_original(module.py())?;
        crate::module::coroutine_functions::install(module)?;
        #[cfg(not(Py_3_12))]
        crate::cpython::skip_incomplete(module);
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        // The interpreter's messages contain the name of a native class with its module, unless the name was set. Programs
        // match on the messages about asyncio's classes, which have no module ("'Lock' object can't be awaited").
        for object in module.dict().values() {
            if let Ok(class) = object.cast::<PyType>() {
                class.setattr("__name__", class.name()?)?;
            }
        }
        Ok(())
    }
}
