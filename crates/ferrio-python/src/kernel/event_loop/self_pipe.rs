//! `_ssock` and `_csock`: the pair of sockets by which asyncio's loop is woken up. The loop has other means and makes the pair when
//! a program asks for it: what is written into `_csock` wakes the loop up, and numbers of signals run their handlers.

use std::os::fd::RawFd;

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::Loop;
use super::watching::fileno;
use crate::base::errors::os_error;
use crate::base::imports;

/// The two sockets, once they were asked for.
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
    /// Has asyncio make the pair and watch it, if there is none.
    fn need_self_pipe(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.closed() && !me.has_self_pipe(py) {
            slf.call_method0(intern!(py, "_make_self_pipe"))?;
        }
        Ok(())
    }

    fn has_self_pipe(&self, py: Python<'_>) -> bool {
        // asyncio's own code gives up one after the other.
        self.self_pipe
            .with(py, |pipe| pipe.reader.is_some() || pipe.writer.is_some())
    }

    /// Writes into the pair, as another thread does to wake asyncio's loop up, and returns the descriptor that can be read now.
    ///
    /// A selector that was woken up reports it until somebody has read: clocks for tests count on that, which select twice.
    pub(super) fn fill_self_pipe(slf: &Bound<'_, Self>) -> PyResult<Option<RawFd>> {
        let py = slf.py();
        let Some(reader) = Self::get_ssock(slf)? else {
            return Ok(None);
        };
        let stock = imports::base_selector_event_loop(py)?;
        stock.call_method1(intern!(py, "_write_to_self"), (slf,))?;
        fileno(reader.bind(py)).map(Some)
    }

    /// Closes the pair.
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
