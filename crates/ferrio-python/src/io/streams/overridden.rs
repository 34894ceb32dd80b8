//! Methods of readers whose class overrides others: asyncio's methods call each other, so the override has to be called.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::reader::StreamReader;
use crate::cpython::ByteView;
use crate::kernel::coroutine::{Step, Wait};

/// The rest of `readline` or `__anext__` that awaits the overriding `readuntil` or `readline`.
pub struct AwaitOverride {
    reader: Py<StreamReader>,
    finish: Finish,
}

/// Converts the outcome of the overriding method to that of `readline` or `__anext__`.
type Finish = fn(Python<'_>, &StreamReader, PyResult<Py<PyAny>>) -> PyResult<Py<PyAny>>;

impl AwaitOverride {
    /// Awaits `line`, the coroutine of the overriding method.
    pub fn wait(reader: &Bound<'_, StreamReader>, line: Bound<'_, PyAny>, finish: Finish) -> Step {
        let reader = reader.clone().unbind();
        Step::Wait(line.unbind(), Box::new(Self { reader, finish }))
    }
}

impl Wait for AwaitOverride {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        (self.finish)(py, self.reader.get(), outcome).map(Step::Return)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.reader)
    }
}

/// `read` to the end of the stream if the class overrides `read`: calls the overriding method until it returns no bytes.
pub struct ReadAllByOverride {
    reader: Py<StreamReader>,
    bytes: Vec<u8>,
}

impl ReadAllByOverride {
    /// Runs the first step.
    pub fn begin(reader: &Bound<'_, StreamReader>) -> PyResult<Step> {
        let reading = Self {
            reader: reader.clone().unbind(),
            bytes: Vec::new(),
        };
        Box::new(reading).read_piece(reader.py())
    }

    /// Reads the next piece, of at most `_limit` bytes.
    fn read_piece(self: Box<Self>, py: Python<'_>) -> PyResult<Step> {
        let reader = self.reader.bind(py);
        let limit = reader.getattr(intern!(py, "_limit"))?;
        let piece = reader.call_method1(intern!(py, "read"), (limit,))?.unbind();
        Ok(Step::Wait(piece, self))
    }
}

impl Wait for ReadAllByOverride {
    fn resume(mut self: Box<Self>, py: Python<'_>, piece: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let piece = piece?.into_bound(py);
        if piece.is_truthy()? {
            let view = ByteView::readable(&piece)?;
            self.bytes.extend_from_slice(view.bytes(py));
            return self.read_piece(py);
        }
        let all = PyBytes::new(py, &self.bytes);
        Ok(Step::Return(all.into_any().unbind()))
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.reader)
    }
}
