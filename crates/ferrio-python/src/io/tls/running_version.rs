//! What the running Python's own `sslproto` is like.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFunction, PyString, PyTuple, PyType};

use super::TlsProtocol;
use crate::base::imports;
use crate::base::running_code::code_names;
use crate::kernel::event_loop::Loop;

/// What differs between patch releases, read from the very code that runs.
#[derive(Clone, Copy)]
pub struct Release {
    /// `is_closing` also looks at the underlying transport (gh-118950).
    pub closing_with_transport: bool,
    /// The shutdown timeout goes on until the connection is lost.
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

/// asyncio's classes and their functions when ferrio was imported.
struct Stock {
    functions: Vec<(Py<PyType>, Py<PyString>, Py<PyAny>)>,
}

static STOCK: PyOnceLock<Stock> = PyOnceLock::new();

/// Takes note of asyncio's TLS classes, to see later whether a program has changed them.
pub fn remember_stock(py: Python<'_>) -> PyResult<()> {
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
    STOCK.get_or_init(py, || Stock { functions });
    Ok(())
}

/// The class that makes a TLS connection: ferrio's, unless the program has replaced asyncio's or a method of it.
pub fn protocol_class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let module = imports::ssl_protocol_module(py)?;
    let current = module.getattr(intern!(py, "SSLProtocol"))?;
    let mut same = current.is(imports::ssl_protocol(py)?);
    for (class, name, function) in STOCK.get(py).iter().flat_map(|stock| &stock.functions) {
        same &= class.bind(py).getattr(name)?.is(function);
    }
    Ok(if same {
        py.get_type::<TlsProtocol>().into_any()
    } else {
        current
    })
}

/// asyncio's own `start_tls`, with ferrio's class where it names `sslproto.SSLProtocol`.
///
/// It runs once for a connection, and what it does with the transport and its reader has changed between patch releases.
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
    let stock = imports::base_event_loop(py)?.getattr(intern!(py, "start_tls"))?;
    if !stock.is_instance_of::<PyFunction>() {
        return stock.call(args, kwargs);
    }
    let names = PyDict::new(py);
    names.set_item(intern!(py, "SSLProtocol"), protocol_class(py)?)?;
    let sslproto = imports::simple_namespace(py)?.call((), Some(&names))?;
    let globals: Bound<'_, PyDict> = stock.getattr(intern!(py, "__globals__"))?.cast_into()?;
    let globals = globals.copy()?;
    globals.set_item(intern!(py, "sslproto"), sslproto)?;
    let function = stock.get_type().call1((
        stock.getattr(intern!(py, "__code__"))?,
        globals,
        stock.getattr(intern!(py, "__name__"))?,
        stock.getattr(intern!(py, "__defaults__"))?,
        stock.getattr(intern!(py, "__closure__"))?,
    ))?;
    let defaults = intern!(py, "__kwdefaults__");
    function.setattr(defaults, stock.getattr(defaults)?)?;
    function.call(args, kwargs)
}
