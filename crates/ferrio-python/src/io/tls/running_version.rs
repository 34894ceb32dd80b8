//! Where the `sslproto` of the running Python differs from other releases, and whether a program has changed it.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFunction, PyString, PyTuple, PyType};

use super::TlsProtocol;
use crate::base::imports;
use crate::base::running_code::code_names;
use crate::kernel::event_loop::Loop;

/// The behaviours that differ between patch releases, found in the code objects of the running release.
#[derive(Clone, Copy)]
pub struct Release {
    /// Whether `is_closing` also asks the underlying transport (gh-118950).
    pub closing_with_transport: bool,
    /// Whether the shutdown timeout runs until the connection is lost.
    pub shutdown_timeout_until_lost: bool,
}

impl Release {
    pub fn get(py: Python<'_>) -> PyResult<Self> {
        static RELEASE: PyOnceLock<Release> = PyOnceLock::new();
        RELEASE
            .get_or_try_init(py, || {
                let class = imports::ssl_protocol(py)?;
                Ok(Self {
                    closing_with_transport: class.hasattr("_is_transport_closing")?,
                    shutdown_timeout_until_lost: code_names(
                        class,
                        "_on_shutdown_complete",
                        "call_later",
                    )
                    .unwrap_or(true),
                })
            })
            .copied()
    }
}

/// The functions of asyncio's TLS classes when ferrio was imported.
struct Original {
    /// The class, the name and the function.
    functions: Vec<(Py<PyType>, Py<PyString>, Py<PyAny>)>,
}

static ORIGINAL: PyOnceLock<Original> = PyOnceLock::new();

/// Remembers the functions of asyncio's TLS classes, to find out later whether a program has replaced one.
pub fn remember_original(py: Python<'_>) -> PyResult<()> {
    let mut functions = Vec::new();
    for class in [imports::ssl_protocol(py)?, imports::ssl_transport(py)?] {
        let class = class.cast::<PyType>()?;
        for item in class
            .getattr(intern!(py, "__dict__"))?
            .call_method0("items")?
            .try_iter()?
        {
            let (name, value): (Bound<'_, PyString>, Bound<'_, PyAny>) = item?.extract()?;
            if value.is_instance_of::<PyFunction>() {
                functions.push((class.clone().unbind(), name.unbind(), value.unbind()));
            }
        }
    }
    ORIGINAL.get_or_init(py, || Original { functions });
    Ok(())
}

/// Returns the class of TLS connections: ferrio's, unless the program has replaced asyncio's class or one of its methods.
pub fn protocol_class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let module = imports::ssl_protocol_module(py)?;
    let current = module.getattr(intern!(py, "SSLProtocol"))?;
    let mut is_original = current.is(imports::ssl_protocol(py)?);
    for (class, name, function) in ORIGINAL
        .get(py)
        .iter()
        .flat_map(|original| &original.functions)
    {
        is_original &= class.bind(py).getattr(name)?.is(function);
    }
    Ok(if is_original {
        py.get_type::<TlsProtocol>().into_any()
    } else {
        current
    })
}

/// Calls asyncio's own `start_tls` with globals in which `sslproto.SSLProtocol` is ferrio's class.
///
/// It runs once in a connection, and its treatment of the transport and the reader has changed between patch releases.
pub fn start_tls<'py>(
    event_loop: &Bound<'py, Loop>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = event_loop.py();
    let args = PyTuple::new(py, [event_loop])?
        .as_sequence()
        .concat(args.as_sequence())?
        .to_tuple()?;
    let original = imports::base_event_loop(py)?.getattr(intern!(py, "start_tls"))?;
    if !original.is_instance_of::<PyFunction>() {
        return original.call(args, kwargs);
    }
    let names = PyDict::new(py);
    names.set_item(intern!(py, "SSLProtocol"), protocol_class(py)?)?;
    let sslproto = imports::simple_namespace(py)?.call((), Some(&names))?;
    let globals: Bound<'_, PyDict> = original.getattr(intern!(py, "__globals__"))?.cast_into()?;
    let globals = globals.copy()?;
    globals.set_item(intern!(py, "sslproto"), sslproto)?;
    let function = original.get_type().call1((
        original.getattr(intern!(py, "__code__"))?,
        globals,
        original.getattr(intern!(py, "__name__"))?,
        original.getattr(intern!(py, "__defaults__"))?,
        original.getattr(intern!(py, "__closure__"))?,
    ))?;
    let defaults = intern!(py, "__kwdefaults__");
    function.setattr(defaults, original.getattr(defaults)?)?;
    function.call(args, kwargs)
}
