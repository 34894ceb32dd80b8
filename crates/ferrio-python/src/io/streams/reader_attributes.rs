//! The private attributes of readers that programs use, and the representation.

use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;

use super::reader::{DEFAULT_LIMIT, StreamReader, as_limit};
use super::set_loop_attribute;
use crate::base::attributes::{flag_attribute, object_attribute};
use crate::cpython::subclasses::class_of;
use crate::{base::imports, cpython};

#[pymethods]
impl StreamReader {
    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let py = slf.py();
        let me = slf.get();
        let len = me.buffer(py, |buffer| buffer.len())?;
        let (eof, limit, paused) = me
            .state
            .with(py, |state| (state.eof, state.limit, state.paused));
        let show = |name: &str, object: Option<Py<PyAny>>| match object {
            // A cycle of objects ends with a `RecursionError`.
            Some(object) => {
                let text = cpython::deeper(py, || object.bind(py).repr())??;
                Ok(Some(format!("{name}={text}")))
            }
            None => PyResult::Ok(None),
        };
        let parts = [
            Some("StreamReader".to_owned()),
            (len > 0).then(|| format!("{len} bytes")),
            eof.then(|| "eof".to_owned()),
            (limit != DEFAULT_LIMIT).then(|| format!("limit={limit}")),
            show("waiter", me.get_waiter(py))?,
            show("exception", me.exception(py))?,
            show("transport", me.get_transport(py))?,
            paused.then(|| "paused".to_owned()),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        Ok(format!("<{}>", parts.join(" ")))
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(class_of::<Self>(
            slf,
            imports::stream_reader_class(slf.py())?,
        ))
    }

    /// The bytes that were fed and not read.
    #[getter(_buffer)]
    fn get_buffer_attribute<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>> {
        self.get_buffer(py)
    }

    #[setter(_buffer)]
    fn set_buffer_attribute(&self, buffer: Bound<'_, PyByteArray>) {
        self.set_buffer(buffer);
    }

    #[getter(_limit)]
    fn get_limit(&self, py: Python<'_>) -> usize {
        self.state.with(py, |state| state.limit)
    }

    #[setter(_limit)]
    fn set_limit(&self, limit: Bound<'_, PyAny>) -> PyResult<()> {
        let number = as_limit(&limit)?;
        self.state.with(limit.py(), |state| state.limit = number);
        Ok(())
    }

    #[getter(_loop)]
    fn get_loop(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let home = self.home(py);
        let home = home.map_err(|error| PyAttributeError::new_err(error.to_string()))?;
        Ok(home.as_any().clone_ref(py))
    }

    #[setter(_loop)]
    fn set_loop(&self, event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
        set_loop_attribute(&self.home, event_loop)
    }
}

flag_attribute!(StreamReader, eof, _eof, get_eof, set_eof);
flag_attribute!(StreamReader, paused, _paused, get_paused, set_paused);
object_attribute!(StreamReader, waiter, _waiter, get_waiter, set_waiter);
object_attribute!(
    StreamReader,
    exception,
    _exception,
    get_exception,
    set_exception_attribute
);
object_attribute!(
    StreamReader,
    transport,
    _transport,
    get_transport,
    set_transport_attribute
);
object_attribute!(
    StreamReader,
    source_traceback,
    _source_traceback,
    source_traceback,
    set_source_traceback
);
