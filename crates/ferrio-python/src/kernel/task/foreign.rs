//! The objects that loops and futures which are not ferrio's call: the next step of a task, and its wake-up.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::Task;
use crate::kernel::future::Home;

/// A callable that runs a task's next step (CPython: `TaskStepMethWrapper`).
#[pyclass(module = "ferrio", frozen)]
pub struct StepCallable(Py<Task>);

impl StepCallable {
    pub fn new(task: Py<Task>) -> Self {
        Self(task)
    }
}

#[pymethods]
impl StepCallable {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        Task::on_ready_inside(self.0.bind(py))
    }

    /// The task, which is how reports about callbacks find it.
    #[getter(__self__)]
    fn get_self(&self, py: Python<'_>) -> Py<Task> {
        self.0.clone_ref(py)
    }

    #[getter(__qualname__)]
    fn qualified_name(&self) -> &'static str {
        "Task.task_step"
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }
}

/// A callable that wakes a task up, called with the future that the task has awaited (CPython: `task_wakeup`).
#[pyclass(module = "ferrio", frozen)]
pub struct WakeupCallable(Py<Task>);

impl WakeupCallable {
    pub fn new(task: Py<Task>) -> Self {
        Self(task)
    }
}

#[pymethods]
impl WakeupCallable {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        Task::on_wakeup_inside(self.0.bind(future.py()), future)
    }

    /// The task, which is how reports about callbacks find it.
    #[getter(__self__)]
    fn get_self(&self, py: Python<'_>) -> Py<Task> {
        self.0.clone_ref(py)
    }

    #[getter(__qualname__)]
    fn qualified_name(&self) -> &'static str {
        "Task.task_wakeup"
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        is_wakeup_of(other, &self.0)
    }

    fn __hash__(&self) -> usize {
        self.0.as_ptr() as usize
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }
}

/// Whether an object is the [`WakeupCallable`] of this task.
pub fn is_wakeup_of(object: &Bound<'_, PyAny>, task: &Py<Task>) -> bool {
    object
        .cast::<WakeupCallable>()
        .is_ok_and(|wakeup| wakeup.get().0.is(task))
}

/// Schedules the next step on a loop that is not ferrio's.
pub(super) fn schedule_step(home: &Home, task: &Bound<'_, Task>) -> PyResult<()> {
    let py = task.py();
    let kwargs = PyDict::new(py);
    kwargs.set_item(intern!(py, "context"), task.get().context(py))?;
    let step = Bound::new(py, StepCallable(task.clone().unbind()))?;
    let args = PyTuple::new(py, [step])?;
    home.as_any()
        .call_method(py, intern!(py, "call_soon"), args, Some(&kwargs))?;
    Ok(())
}
