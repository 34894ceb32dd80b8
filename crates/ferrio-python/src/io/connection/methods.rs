//! Macros for the code that each class of transports must define itself: the accessors of [`Transport`](super::Transport),
//! and the methods and attributes that Python sees.
//!
//! The classes have the fields `event_loop`, `fd` and `state`, and in the state a [`Connection`](super::Connection).

/// The required accessors of [`Transport`](super::Transport), for its implementation.
macro_rules! transport_accessors {
    () => {
        fn event_loop<'py>(&self, py: Python<'py>) -> &Bound<'py, crate::kernel::event_loop::Loop> {
            self.event_loop.bind(py)
        }

        fn fd(&self) -> std::os::fd::RawFd {
            self.fd
        }

        fn connection<R>(
            &self,
            py: Python<'_>,
            f: impl FnOnce(&mut crate::io::connection::Connection) -> R,
        ) -> R {
            self.state.with(py, |state| f(&mut state.connection))
        }

        fn protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
            self.state
                .get_bound(py, |state| state.connection.protocol.as_ref())
        }

        fn file<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
            self.state
                .get_bound(py, |state| state.connection.file.as_ref())
        }
    };
}

/// The methods of every [`Transport`](super::Transport); `$fatal_error` is the default message of `_fatal_error`.
macro_rules! transport_methods {
    ($class:ident, $fatal_error:tt) => {
        #[pymethods]
        impl $class {
            /// Return whether the transport is closing or closed.
            pub fn is_closing(&self, py: Python<'_>) -> bool {
                self.phase(py) != crate::io::connection::TransportPhase::Open
            }

            /// Return the information called name ('socket', 'sockname', 'peername', 'pipe', …), or default.
            #[pyo3(signature = (name, default = None))]
            fn get_extra_info<'py>(
                slf: &Bound<'py, Self>,
                name: &Bound<'py, PyAny>,
                default: Option<Bound<'py, PyAny>>,
            ) -> PyResult<Option<Bound<'py, PyAny>>> {
                let extra = slf.get().get_extra(slf.py());
                crate::io::extra_info::look_up(slf, extra.bind(slf.py()), name, default)
            }

            /// Set the protocol whose methods are called from now on.
            fn set_protocol(&self, protocol: Bound<'_, PyAny>) -> PyResult<()> {
                self.replace_protocol(protocol)
            }

            /// Return the protocol, or None once the connection is lost.
            fn get_protocol(&self, py: Python<'_>) -> Option<Py<PyAny>> {
                self.protocol(py).map(Bound::unbind)
            }

            fn __repr__(&self, py: Python<'_>) -> String {
                self.describe(py)
            }

            #[pyo3(name = "_fatal_error", signature = (exc, message = $fatal_error))]
            fn fatal_error_method(
                slf: &Bound<'_, Self>,
                exc: &Bound<'_, PyAny>,
                message: &str,
            ) -> PyResult<()> {
                Self::fatal_error(slf, exc, message)
            }

            #[pyo3(name = "_call_connection_lost")]
            fn call_connection_lost(slf: &Bound<'_, Self>, exc: Option<Py<PyAny>>) -> PyResult<()> {
                Self::lose_connection(slf, exc)
            }

            #[getter(_loop)]
            fn get_loop(&self, py: Python<'_>) -> Option<Py<crate::kernel::event_loop::Loop>> {
                let closed = self.phase(py) == crate::io::connection::TransportPhase::Closed;
                (!closed).then(|| self.event_loop(py).clone().unbind())
            }

            #[getter(_protocol)]
            fn get_protocol_attribute(&self, py: Python<'_>) -> Option<Py<PyAny>> {
                self.get_protocol(py)
            }

            #[getter(_extra)]
            fn get_extra(&self, py: Python<'_>) -> Py<pyo3::types::PyDict> {
                self.connection(py, |connection| connection.extra.clone_ref(py))
            }

            #[getter(_closing)]
            fn get_closing(&self, py: Python<'_>) -> bool {
                self.is_closing(py)
            }
        }
    };
}

/// The methods of every [`SelectorTransport`](super::SelectorTransport), which are those of every
/// [`Transport`](super::Transport), too.
///
/// The class has `on_readable` and `watch_reading`.
macro_rules! selector_transport_methods {
    ($class:ident) => {
        crate::io::connection::transport_methods!($class, "Fatal error on transport");

        #[pymethods]
        impl $class {
            #[classattr]
            #[pyo3(name = "max_size")]
            const MAX_SIZE: usize = crate::kernel::event_loop::READ_SIZE;

            /// Close the transport once everything written has been sent; then connection_lost(None) is called.
            pub fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
                Self::close_when_sent(slf)
            }

            /// Close the transport at once; what the kernel has not taken is lost. connection_lost(None) is called.
            fn abort(slf: &Bound<'_, Self>) -> PyResult<()> {
                Self::abort_with(slf, None)
            }

            /// Return True if the transport is neither paused nor closing.
            pub fn is_reading(&self, py: Python<'_>) -> bool {
                self.state.with(py, |state| {
                    state.connection.phase == crate::io::connection::TransportPhase::Open
                        && !state.paused
                })
            }

            #[pyo3(name = "_force_close")]
            fn force_close_method(slf: &Bound<'_, Self>, exc: Option<Py<PyAny>>) -> PyResult<()> {
                Self::abort_with(slf, exc)
            }

            #[pyo3(name = "_start_reading")]
            fn start_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
                Self::watch_reading(slf)
            }

            /// Receive once, as if the kernel had reported data.
            #[pyo3(name = "_read_ready")]
            fn read_ready(slf: &Bound<'_, Self>) -> PyResult<()> {
                Self::on_readable(slf)
            }

            /// Watch a descriptor if the transport is reading.
            #[pyo3(name = "_add_reader", signature = (fd, callback, *args))]
            fn add_reader(
                &self,
                fd: Bound<'_, PyAny>,
                callback: Bound<'_, PyAny>,
                args: &Bound<'_, pyo3::types::PyTuple>,
            ) -> PyResult<()> {
                self.add_reader_if_reading(fd, callback, args)
            }

            #[getter(_conn_lost)]
            fn get_conn_lost(&self, py: Python<'_>) -> u32 {
                self.losses(py)
            }

            #[getter(_paused)]
            fn get_paused(&self, py: Python<'_>) -> bool {
                self.is_paused(py)
            }

            /// True: a transport is made with a protocol.
            #[getter(_protocol_connected)]
            fn get_protocol_connected(&self) -> bool {
                true
            }

            #[getter(_sock)]
            pub fn get_sock(&self, py: Python<'_>) -> Option<Py<PyAny>> {
                self.file(py).map(Bound::unbind)
            }

            #[getter(_sock_fd)]
            fn get_sock_fd(&self) -> std::os::fd::RawFd {
                self.fd()
            }

            #[setter(_extra)]
            fn set_extra(&self, py: Python<'_>, extra: Py<pyo3::types::PyDict>) {
                let old = self.connection(py, |connection| {
                    std::mem::replace(&mut connection.extra, extra)
                });
                drop(old);
            }
        }
    };
}

pub(crate) use {selector_transport_methods, transport_accessors, transport_methods};
