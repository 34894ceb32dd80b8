//! `_ssock` and `_csock`: the pair of sockets by which asyncio's loop is woken up.
//!
//! A native loop is woken up by other means and makes the pair only when a program asks for it. Then a byte that is
//! written into `_csock` wakes the loop up, and runs the handler of the signal with this number.

use std::os::fd::RawFd;

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::Loop;
use super::watching::fileno;
use crate::base::errors::os_error;
use crate::base::imports;

/// The two sockets, if a program has asked for them.
#[derive(Default)]
pub struct SelfPipe {
    reader: Option<Py<PyAny>>,
    writer: Option<Py<PyAny>>,
}

impl SelfPipe {
    /// Shows the references to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.reader)?;
        visit.call(&self.writer)
    }
}

impl Loop {
    /// Makes the pair and watches it, by asyncio's own code, if there is none.
    fn need_self_pipe(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.closed() && !me.has_self_pipe(py) {
            slf.call_method0(intern!(py, "_make_self_pipe"))?;
        }
        Ok(())
    }

    fn has_self_pipe(&self, py: Python<'_>) -> bool {
        // asyncio's own code closes one after the other.
        self.self_pipe
            .with(py, |pipe| pipe.reader.is_some() || pipe.writer.is_some())
    }

    /// Writes into the pair, as another thread does to wake asyncio's loop up, and returns the descriptor that is readable
    /// now.
    ///
    /// asyncio's selector reports this descriptor until it is read, which clocks for tests rely on: they select twice.
    pub(super) fn fill_self_pipe(slf: &Bound<'_, Self>) -> PyResult<Option<RawFd>> {
        let py = slf.py();
        let Some(reader) = Self::get_ssock(slf)? else {
            return Ok(None);
        };
        let asyncio_loop = imports::base_selector_event_loop(py)?;
        asyncio_loop.call_method1(intern!(py, "_write_to_self"), (slf,))?;
        fileno(reader.bind(py)).map(Some)
    }

    /// Closes the pair if there is one.
    pub(super) fn close_any_self_pipe(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        if slf.get().has_self_pipe(py) {
            slf.call_method0(intern!(py, "_close_self_pipe"))?;
        }
        Ok(())
    }
}

#[pymethods]
impl Loop {
    #[getter(_ssock)]
    fn get_ssock(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        Self::need_self_pipe(slf)?;
        let py = slf.py();
        Ok((slf.get().self_pipe).get_ref(py, |pipe| pipe.reader.as_ref()))
    }

    #[setter(_ssock)]
    fn set_ssock(&self, py: Python<'_>, sock: Option<Py<PyAny>>) {
        let old = (self.self_pipe).with(py, |pipe| std::mem::replace(&mut pipe.reader, sock));
        drop(old);
    }

    #[getter(_csock)]
    fn get_csock(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        Self::need_self_pipe(slf)?;
        let py = slf.py();
        Ok((slf.get().self_pipe).get_ref(py, |pipe| pipe.writer.as_ref()))
    }

    #[setter(_csock)]
    fn set_csock(&self, py: Python<'_>, sock: Option<Py<PyAny>>) {
        let old = (self.self_pipe).with(py, |pipe| std::mem::replace(&mut pipe.writer, sock));
        drop(old);
    }

    /// Wakes the loop up from any thread, so that it makes another iteration.
    #[pyo3(name = "_write_to_self")]
    fn write_to_self(&self, py: Python<'_>) -> PyResult<()> {
        self.injector.wake().map_err(|error| os_error(py, &error))
    }
}
