//! Making the loop's futures and tasks: `create_future`, `create_task`, and the task factory.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Loop;
use crate::base::imports;
use crate::kernel::future::Future;
use crate::kernel::task::{Task, TaskParts};

impl Loop {
    /// Makes a future of the loop, for the bindings themselves.
    pub fn create_future<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Future>> {
        Future::create(slf)
    }

    /// Does what `create_task` does.
    pub fn spawn<'py>(
        slf: &Bound<'py, Self>,
        coro: &Bound<'py, PyAny>,
        kwargs: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let me = slf.get();
        me.check_open()?;
        if let Some(factory) = me.get_task_factory(py) {
            return call_task_factory(slf, factory.bind(py), coro, kwargs);
        }
        let (names, name) = (imports::names_of_tasks(py)?, intern!(py, "Task"));
        let (asyncio_task, native) = (imports::task_class(py)?, py.get_type::<Task>());
        if let Some(class) = imports::replaced_class(names, name, asyncio_task, &native)? {
            let kwargs = kwargs.unwrap_or_else(|| PyDict::new(py));
            kwargs.set_item(intern!(py, "loop"), slf)?;
            return class.call((coro,), Some(&kwargs));
        }
        let parts = TaskParts::from_keywords(coro.clone(), kwargs.as_ref())?;
        Ok(Task::create(slf, parts)?.into_any())
    }
}

#[pymethods]
impl Loop {
    /// Return a new Future attached to the loop.
    #[pyo3(name = "create_future")]
    fn create_any_future<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let (names, name) = (imports::names_of_futures(py)?, intern!(py, "Future"));
        let (asyncio_future, native) = (imports::future_class(py)?, py.get_type::<Future>());
        let Some(class) = imports::replaced_class(names, name, asyncio_future, &native)? else {
            return Ok(Future::create(slf)?.into_any());
        };
        let kwargs = PyDict::new(py);
        kwargs.set_item(intern!(py, "loop"), slf)?;
        class.call((), Some(&kwargs))
    }

    /// Schedule a coroutine and return its Task.
    ///
    /// name is the task's (by default "Task-" and a number), context the contextvars.Context that it runs in (by default a copy
    /// of the current one). They go to the task factory if one is set. Raises RuntimeError if the loop is closed, TypeError
    /// if coro is not a coroutine.
    #[cfg(not(Py_3_14))]
    #[pyo3(signature = (coro, **kwargs), text_signature = "($self, coro, *, name=None, context=None)")]
    fn create_task<'py>(
        slf: &Bound<'py, Self>,
        coro: &Bound<'py, PyAny>,
        kwargs: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::spawn(slf, coro, kwargs)
    }

    /// Schedule a coroutine and return its Task.
    ///
    /// name is the task's (by default "Task-" and a number), context the contextvars.Context that it runs in (by default a copy
    /// of the current one), eager_start whether its first step runs at once. They go to the task factory if one is set. Raises
    /// RuntimeError if the loop is closed, TypeError if coro is not a coroutine.
    #[cfg(Py_3_14)]
    #[pyo3(signature = (coro, **kwargs))]
    fn create_task<'py>(
        slf: &Bound<'py, Self>,
        coro: &Bound<'py, PyAny>,
        kwargs: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::spawn(slf, coro, kwargs)
    }

    /// Return the task factory, or None if the loop makes its tasks itself.
    fn get_task_factory(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.hooks.get_ref(py, |hooks| hooks.task_factory.as_ref())
    }

    /// The task factory. If `create_task` is overridden, the override may call asyncio's own `create_task`, which reads this
    /// attribute: it then finds a factory that makes native tasks.
    #[getter(_task_factory)]
    fn get_task_factory_attribute(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match self.get_task_factory(py) {
            None if self.overrides_create_task() => {
                Ok(Some(imports::native_task_factory(py)?.clone().unbind()))
            }
            factory => Ok(factory),
        }
    }

    #[setter(_task_factory)]
    fn set_task_factory_attribute(&self, py: Python<'_>, factory: Option<Py<PyAny>>) {
        let old = self.hooks.with(py, |hooks| {
            std::mem::replace(&mut hooks.task_factory, factory)
        });
        drop(old);
    }
}

/// Calls a task factory as this version of asyncio does.
///
/// Since 3.13.3 every keyword argument is passed on; before, the context was passed if there was one, and the name set
/// afterwards.
fn call_task_factory<'py>(
    slf: &Bound<'py, Loop>,
    factory: &Bound<'py, PyAny>,
    coro: &Bound<'py, PyAny>,
    kwargs: Option<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    if py.version_info() >= (3, 13, 3) {
        return factory.call((slf, coro), kwargs.as_ref());
    }
    let kwargs = kwargs.unwrap_or_else(|| PyDict::new(py));
    let name = kwargs.call_method1("pop", ("name", py.None()))?;
    if kwargs
        .get_item("context")?
        .is_some_and(|context| context.is_none())
    {
        kwargs.del_item("context")?;
    }
    let task = factory.call((slf, coro), Some(&kwargs))?;
    if cfg!(not(Py_3_13)) {
        imports::set_task_name(py)?.call1((&task, name))?;
    } else if !name.is_none() {
        task.call_method1("set_name", (name,))?;
    }
    Ok(task)
}
