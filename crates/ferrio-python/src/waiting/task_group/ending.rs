//! The end of a group's block: waiting for the tasks, and the exception to raise.

use pyo3::exceptions::PyGeneratorExit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::TaskGroup;
use super::tasks::is_base_error;
use crate::kernel::coroutine::{Co, Coroutine};
use crate::kernel::future::Home;
use crate::kernel::task::{cancel_any, cancelling, uncancel};
use crate::{base::imports, cpython};

impl TaskGroup {
    /// Makes the coroutine of `__aexit__`; `raised` is the exception of the block.
    pub(super) fn end(slf: &Bound<'_, Self>, raised: Option<Py<PyAny>>) -> PyResult<Py<Coroutine>> {
        let group = slf.clone().unbind();
        Coroutine::create(slf.py(), "TaskGroup.__aexit__", async move |co| {
            let outcome = Self::wait_and_raise(&group, co, raised).await;
            // Exceptions hold frames and may be part of cycles, so the group drops them.
            Python::attach(|py| {
                let rest = group.get().with(py, |state| {
                    (
                        state.parent.take(),
                        state.errors.take(),
                        state.base_error.take(),
                    )
                });
                drop(rest);
                drop(group);
                outcome.map(|suppress| {
                    suppress
                        .into_pyobject(py)
                        .map(|suppress| suppress.to_owned().into_any().unbind())
                })
            })?
            .map_err(Into::into)
        })
    }

    async fn wait_and_raise(group: &Py<Self>, co: Co, raised: Option<Py<PyAny>>) -> PyResult<bool> {
        let mut cancellation =
            Python::attach(|py| Self::begin_end(group.bind(py), raised.as_ref()))?;
        // A cancellation that arrived while the group was being cancelled already.
        let mut pending_cancellation = None;
        while let Some(future) = Python::attach(|py| Self::future_to_wait_for(group.bind(py)))? {
            let waited = co.wait(future).await;
            Python::attach(|py| {
                let group = group.get();
                if let Err(error) = waited {
                    if !error.is_instance(py, imports::cancelled_error(py)?) {
                        return Err(error);
                    }
                    if !group.with(py, |state| state.aborting) {
                        // The task of the block is being cancelled from outside.
                        cancellation = Some(error.value(py).clone().into_any().unbind());
                        cpython::handling(py, &error, || group.abort(py))?;
                    }
                    pending_cancellation = Some(error.into_value(py).into_any());
                }
                let completed = group.with(py, |state| state.completed.take());
                drop(completed);
                Ok(())
            })?;
        }
        Python::attach(|py| Self::raise(group.bind(py), cancellation, pending_cancellation, raised))
    }

    /// Notes the exception of the block and cancels the tasks because of it. Returns the exception if it is a cancellation.
    fn begin_end(slf: &Bound<'_, Self>, raised: Option<&Py<PyAny>>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let me = slf.get();
        me.with(py, |state| state.exiting = true);
        let Some(raised) = raised else {
            return Ok(None);
        };
        let error = raised.bind(py);
        if is_base_error(error) {
            let error = raised.clone_ref(py);
            let unused = me.with(py, |state| match state.base_error {
                Some(_) => Some(error),
                None => state.base_error.replace(error),
            });
            drop(unused);
        }
        if !me.with(py, |state| state.aborting) {
            me.abort(py)?;
        }
        let cancelled = error.is_instance(imports::cancelled_error(py)?)?;
        Ok(cancelled.then(|| raised.clone_ref(py)))
    }

    /// Returns a future to wait for, or `None` if no task is left.
    fn future_to_wait_for(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let me = slf.get();
        if me.with(py, |state| state.children.is_empty()) {
            return Ok(None);
        }
        let event_loop = slf.getattr(intern!(py, "_loop"))?;
        let future = Home::of(&event_loop).create_future(py)?.unbind();
        let kept = future.clone_ref(py);
        let old = me.with(py, |state| state.completed.replace(kept));
        drop(old);
        Ok(Some(future))
    }

    /// Raises the exception with which the block ends. Returns true if there is none.
    fn raise(
        slf: &Bound<'_, Self>,
        mut cancellation: Option<Py<PyAny>>,
        pending_cancellation: Option<Py<PyAny>>,
        raised: Option<Py<PyAny>>,
    ) -> PyResult<bool> {
        let py = slf.py();
        let me = slf.get();
        let (base_error, requested) = me.with(py, |state| {
            (state.base_error.take(), state.parent_cancel_requested)
        });
        if let Some(error) = base_error {
            return Err(cpython::raise(error.into_bound(py)));
        }
        let parent = me.parent(py).map(|parent| parent.into_bound(py));
        if let (true, Some(parent)) = (requested, &parent) {
            // The group has cancelled this task, and takes its request back.
            if uncancel(parent)? == 0 {
                cancellation = None;
            } else if cancellation.is_none() {
                cancellation = pending_cancellation;
            }
        }
        let mut errors = me.with(py, |state| state.errors.take()).unwrap_or_default();
        if let (Some(cancellation), true) = (cancellation, errors.is_empty()) {
            return Err(cpython::raise(cancellation.into_bound(py)));
        }
        let mut only_generator_exit = None;
        if let Some(raised) = raised {
            let raised = raised.into_bound(py);
            if !raised.is_instance(imports::cancelled_error(py)?)? {
                errors.push(raised.clone().unbind());
                let alone = errors.len() == 1 && raised.is_instance_of::<PyGeneratorExit>();
                only_generator_exit = alone.then_some(raised);
            }
        }
        if errors.is_empty() {
            return Ok(true);
        }
        if let Some(parent) = parent
            && cancelling(&parent)? > 0
        {
            // A request from outside is pending: it is made again, so that the count stays the same.
            uncancel(&parent)?;
            cancel_any(&parent, None)?;
        }
        if let Some(error) = only_generator_exit {
            return Err(cpython::raise(error));
        }
        let errors = PyList::new(py, errors)?;
        let group = imports::base_exception_group(py)?
            .call1(("unhandled errors in a TaskGroup", errors))?;
        group.setattr(intern!(py, "__cause__"), py.None())?; // raise … from None
        Err(cpython::raise(group))
    }
}
