//! The private attributes of queues that well-known libraries use, and the representation.

use std::fmt::Write;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::Queue;
use super::items::Items;
use crate::base::imports;
use crate::waiting::sync::{Event, attributes, copying};

attributes::loop_bound_attributes!(Queue, imports::queue_class);
attributes::waiters_attribute!(Queue, _getters, get_getters, queue.getters);
attributes::waiters_attribute!(Queue, _putters, get_putters, queue.putters);

#[pymethods]
impl Queue {
    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.get_type().name()?;
        let format = slf.call_method0(intern!(slf.py(), "_format"))?;
        Ok(format!("<{name} at {:p} {format}>", slf.as_ptr()))
    }

    fn __str__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.get_type().name()?;
        let format = slf.call_method0(intern!(slf.py(), "_format"))?;
        Ok(format!("<{name} {format}>"))
    }

    #[pyo3(name = "_format")]
    fn format(&self, py: Python<'_>) -> PyResult<String> {
        let mut text = String::from("maxsize=");
        if let Some(maxsize) = self.maxsize(py) {
            text += maxsize.bind(py).repr()?.to_str()?;
        }
        let items = self.state.with(py, |state| match &state.items {
            Items::Native(items) => Ok(items
                .iter()
                .map(|item| item.clone_ref(py))
                .collect::<Vec<_>>()),
            Items::Object(items) => Err(items.bind(py).clone()),
        });
        let items = match items {
            Ok(items) => PyList::new(py, items)?,
            Err(items) => items
                .try_iter()?
                .collect::<PyResult<Vec<_>>>()
                .and_then(|items| PyList::new(py, items))?,
        };
        if !items.is_empty() {
            text = format!("{text} _queue={}", items.repr()?);
        }
        let (getters, putters, unfinished, shut_down) = self.state.with(py, |state| {
            let queue = &state.queue;
            (
                queue.getters.len(),
                queue.putters.len(),
                queue.unfinished,
                queue.shut_down,
            )
        });
        for (name, waiters) in [("_getters", getters), ("_putters", putters)] {
            if waiters > 0 {
                // Writing to a string does not fail.
                let _ = write!(text, " {name}[{waiters}]");
            }
        }
        if unfinished > 0 {
            let _ = write!(text, " tasks={unfinished}");
        }
        if shut_down {
            text += " shutdown";
        }
        Ok(text)
    }

    /// The items: a Python object that holds them from now on, so that the program may change it.
    #[getter(_queue)]
    fn get_queue<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.items_as_object(py)
    }

    #[setter(_queue)]
    fn set_queue(&self, py: Python<'_>, items: Py<PyAny>) {
        self.set_items(py, Items::Object(items));
    }

    #[getter(_maxsize)]
    fn get_maxsize(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.maxsize(py)
    }

    #[setter(_maxsize)]
    fn set_maxsize_attribute(&self, maxsize: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set_maxsize(maxsize)
    }

    #[getter(_unfinished_tasks)]
    fn get_unfinished(&self, py: Python<'_>) -> usize {
        self.state.with(py, |state| state.queue.unfinished)
    }

    #[setter(_unfinished_tasks)]
    fn set_unfinished(&self, py: Python<'_>, unfinished: usize) {
        self.state
            .with(py, |state| state.queue.unfinished = unfinished);
    }

    #[getter(_finished)]
    fn get_finished(&self, py: Python<'_>) -> Py<Event> {
        self.finished.clone_ref(py)
    }

    #[getter(_is_shutdown)]
    fn get_is_shutdown(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.queue.shut_down)
    }

    #[setter(_is_shutdown)]
    fn set_is_shutdown(&self, py: Python<'_>, is_shutdown: bool) {
        self.state
            .with(py, |state| state.queue.shut_down = is_shutdown);
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<copying::Reduced<'py>> {
        copying::reduce(slf.as_any())
    }

    fn __getstate__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let waiters = slf.get().state.with(slf.py(), |state| {
            state.queue.getters.len() + state.queue.putters.len()
        });
        let fields = [
            "_loop",
            "_maxsize",
            "_queue",
            "_unfinished_tasks",
            "_is_shutdown",
        ];
        copying::state(slf.as_any(), waiters, &fields)
    }

    fn __setstate__(slf: &Bound<'_, Self>, state: &Bound<'_, PyDict>) -> PyResult<()> {
        copying::restore(slf.as_any(), state)?;
        let (me, py) = (slf.get(), slf.py());
        match me.get_unfinished(py) {
            0 => me.finished.get().set_native(py),
            _ => Ok(()),
        }
    }

    /// Wake the first of the given waiters that still waits. Subclasses call this with waiters of their own.
    #[pyo3(name = "_wakeup_next")]
    fn wakeup_next(&self, waiters: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = waiters.py();
        while waiters.is_truthy()? {
            let waiter = waiters.call_method0(intern!(py, "popleft"))?;
            if !waiter.call_method0(intern!(py, "done"))?.is_truthy()? {
                waiter.call_method1(intern!(py, "set_result"), (py.None(),))?;
                break;
            }
        }
        Ok(())
    }
}
