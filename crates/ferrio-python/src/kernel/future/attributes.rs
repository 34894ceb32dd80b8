//! The private attributes of futures that well-known libraries and asyncio itself read, and `repr`.

use pyo3::exceptions::{PyAttributeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyFrozenSet, PyList, PySet};

use super::{Future, Home, Outcome, Waiter};
use crate::base::imports;
use crate::cpython::subclasses::class_of;
use crate::kernel::event_loop::Callback;
use crate::kernel::task::Task;

#[pymethods]
impl Future {
    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        imports::future_repr(slf.py())?.call1((slf,))?.extract()
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(class_of::<Self>(slf, imports::future_class(slf.py())?))
    }

    #[getter(_state)]
    fn get_state(&self, py: Python<'_>) -> &'static str {
        self.with(py, |state| match state.outcome {
            Outcome::Pending => "PENDING",
            Outcome::Cancelled => "CANCELLED",
            Outcome::Returned(_) | Outcome::Raised(_) => "FINISHED",
        })
    }

    #[getter(_asyncio_future_blocking)]
    fn get_blocking(&self, py: Python<'_>) -> bool {
        self.with(py, |state| state.blocking)
    }

    #[setter(_asyncio_future_blocking)]
    fn set_blocking(&self, py: Python<'_>, blocking: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let Some(blocking) = blocking else {
            return Err(PyAttributeError::new_err("cannot delete attribute"));
        };
        let blocking = blocking.is_truthy()?;
        self.with(py, |state| state.blocking = blocking);
        Ok(())
    }

    #[getter(_loop)]
    fn get_loop_attribute(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        Some(self.home(py)?.as_any().clone_ref(py))
    }

    #[getter(_result)]
    fn get_result(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| match &state.outcome {
            Outcome::Returned(result) => Some(result),
            _ => None,
        })
    }

    #[getter(_exception)]
    fn get_exception(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| match &state.outcome {
            Outcome::Raised(exception) => Some(exception),
            _ => None,
        })
    }

    #[getter(_log_traceback)]
    fn get_log_traceback(&self, py: Python<'_>) -> bool {
        self.with(py, |state| state.log_traceback)
    }

    #[setter(_log_traceback)]
    fn set_log_traceback(&self, py: Python<'_>, log: &Bound<'_, PyAny>) -> PyResult<()> {
        if log.is_truthy()? {
            return Err(PyValueError::new_err(
                "_log_traceback can only be set to False",
            ));
        }
        self.with(py, |state| state.log_traceback = false);
        Ok(())
    }

    #[getter(_source_traceback)]
    fn get_source_traceback(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.source_traceback(py)
    }

    #[getter(_cancel_message)]
    fn get_cancel_message(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.cancel_message(py)
    }

    #[setter(_cancel_message)]
    fn set_cancel_message_attribute(&self, py: Python<'_>, message: Bound<'_, PyAny>) {
        self.set_cancel_message(py, Some(&message));
    }

    #[pyo3(name = "_make_cancelled_error")]
    fn make_cancelled_error<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.cancelled_error(py)
    }

    /// The callbacks and waiting tasks, each with its context; None if there are none.
    #[getter(_callbacks)]
    fn get_callbacks<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let waiters: Vec<Waiter> = self.with(py, |state| {
            let waiters = state.waiters.iter();
            waiters.map(|waiter| waiter.clone_ref(py)).collect()
        });
        if waiters.is_empty() {
            return Ok(None);
        }
        let list = PyList::empty(py);
        for waiter in waiters {
            list.append(waiter.into_pair(py)?)?;
        }
        Ok(Some(list))
    }

    /// The tasks and futures that wait for this one (Python 3.14's call graph); None if there are none.
    #[getter(_asyncio_awaited_by)]
    fn get_awaited_by<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyFrozenSet>>> {
        let py = slf.py();
        let me = slf.get();
        let waiters: Vec<_> = me.with(py, |state| {
            let waiters = state.waiters.iter();
            waiters.map(|waiter| waiter.clone_ref(py)).collect()
        });
        let recorded = (me.state).get_bound(py, |state| state.rare_if_any()?.awaited_by.as_ref());
        let all = PySet::empty(py)?;
        for waiter in waiters {
            let task = match waiter {
                Waiter::Task(task) => Some(task.into_any()),
                Waiter::Native(callback) => callback.waiting_task(py),
                Waiter::Callback { callback, .. } => task_of_wakeup(callback.bind(py))?,
            };
            if let Some(task) = task {
                all.add(task)?;
            }
        }
        for task in Self::tasks_with_queued_wakeup(slf) {
            all.add(task)?;
        }
        for waiter in recorded.iter().flatten() {
            all.add(waiter)?;
        }
        if all.is_empty() {
            return Ok(None);
        }
        PyFrozenSet::new(py, &all).map(Some)
    }
}

/// Returns the task that a callback wakes up, if the callback is the wake-up of one of asyncio's own tasks.
fn task_of_wakeup(callback: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
    let py = callback.py();
    let (Some(task), Some(name)) = (
        callback.getattr_opt(intern!(py, "__self__"))?,
        callback.getattr_opt(intern!(py, "__name__"))?,
    ) else {
        return Ok(None);
    };
    let is_wakeup = matches!(name.extract()?, "task_wakeup" | "__wakeup");
    Ok((is_wakeup && task.is_instance(imports::task_class(py)?)?).then(|| task.unbind()))
}

impl Future {
    /// Returns the tasks that have awaited the future, which is done, and whose wake-ups are still in the loop's queue.
    fn tasks_with_queued_wakeup<'py>(slf: &Bound<'py, Self>) -> Vec<Bound<'py, Task>> {
        let py = slf.py();
        let Some(Home::Native(event_loop)) = slf.get().home(py) else {
            return Vec::new();
        };
        let mut tasks: Vec<Bound<'py, Task>> = event_loop.get().core(py, |core| {
            let tasks = core.payloads().filter_map(|payload| match payload {
                Callback::Wakeup(task) => Some(task.bind(py).clone()),
                _ => None,
            });
            tasks.collect()
        });
        tasks.retain(|task| task.get().is_waiting_for(py, slf.as_any()));
        tasks
    }
}
