//! Readers of subclasses: methods that call what a subclass has in place of others.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::reader::StreamReader;
use crate::cpython::ByteView;
use crate::kernel::coroutine::{Step, Wait};

/// `readline` or `__anext__` of a subclass with its own `readuntil` or `readline`, which is awaited.
pub struct Overridden {
    reader: Py<StreamReader>,
    then: Then,
}

/// What `readline` or `__anext__` makes of the outcome of the method that is awaited.
type Then = fn(Python<'_>, &StreamReader, PyResult<Py<PyAny>>) -> PyResult<Py<PyAny>>;

impl Overridden {
    /// Awaits what the method has returned, and then goes on.
    pub fn wait(reader: &Bound<'_, StreamReader>, line: Bound<'_, PyAny>, then: Then) -> Step {
        let reader = reader.clone().unbind();
        Step::Wait(line.unbind(), Box::new(Self { reader, then }))
    }
}

impl Wait for Overridden {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        (self.then)(py, self.reader.get(), outcome).map(Step::Return)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.reader)
    }
}

/// `read` up to the end of the stream, of a subclass with its own `read`, which is awaited for piece after piece.
pub struct Pieces {
    reader: Py<StreamReader>,
    bytes: Vec<u8>,
}

impl Pieces {
    /// Begins to read.
    pub fn begin(reader: &Bound<'_, StreamReader>) -> PyResult<Step> {
        let none_yet = Self {
            reader: reader.clone().unbind(),
            bytes: Vec::new(),
        };
        Box::new(none_yet).read_on(reader.py())
    }

    /// Begins to read the next piece, of as many bytes as the limit at most.
    fn read_on(self: Box<Self>, py: Python<'_>) -> PyResult<Step> {
        let reader = self.reader.bind(py);
        let limit = reader.getattr(intern!(py, "_limit"))?;
        let piece = reader.call_method1(intern!(py, "read"), (limit,))?.unbind();
        Ok(Step::Wait(piece, self))
    }
}

impl Wait for Pieces {
    fn resume(mut self: Box<Self>, py: Python<'_>, piece: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let piece = piece?.into_bound(py);
        if piece.is_truthy()? {
            let view = ByteView::readable(&piece)?;
            self.bytes.extend_from_slice(view.bytes(py));
            return self.read_on(py);
        }
        let all = PyBytes::new(py, &self.bytes);
        Ok(Step::Return(all.into_any().unbind()))
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.reader)
    }
}
