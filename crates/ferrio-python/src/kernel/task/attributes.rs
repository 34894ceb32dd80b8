//! The private attributes of tasks that well-known libraries and asyncio itself read, and `repr`.

use pyo3::prelude::*;

use super::Task;
use crate::base::imports;
use crate::cpython::subclasses::class_of;

impl Task {
    /// Whether the coroutine awaits `future`.
    pub fn is_waiting_for(&self, py: Python<'_>, future: &Bound<'_, PyAny>) -> bool {
        self.with(py, |state| {
            let waits_for = state.waits_for.as_ref();
            waits_for.is_some_and(|waits_for| waits_for.is(future))
        })
    }
}

#[pymethods]
impl Task {
    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        imports::task_repr(slf.py())?.call1((slf,))?.extract()
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(class_of::<Self>(slf, imports::task_class(slf.py())?))
    }

    #[getter(_coro)]
    fn get_coro_attribute(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.coroutine(py)
    }

    #[getter(_fut_waiter)]
    fn get_fut_waiter(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.awaited(py)
    }

    #[getter(_must_cancel)]
    fn get_must_cancel(&self, py: Python<'_>) -> bool {
        self.with(py, |state| state.must_cancel)
    }

    #[getter(_num_cancels_requested)]
    fn get_num_cancels_requested(&self, py: Python<'_>) -> u32 {
        self.with(py, |state| state.cancel_requests)
    }

    #[getter(_log_destroy_pending)]
    fn get_log_destroy_pending(&self, py: Python<'_>) -> bool {
        self.with(py, |state| state.log_destroy_pending)
    }

    #[setter(_log_destroy_pending)]
    fn set_log_destroy_pending(&self, py: Python<'_>, log: &Bound<'_, PyAny>) -> PyResult<()> {
        let log = log.is_truthy()?;
        self.with(py, |state| state.log_destroy_pending = log);
        Ok(())
    }
}
