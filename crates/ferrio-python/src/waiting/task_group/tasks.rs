//! The tasks of a group, and what happens when one ends.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::TaskGroup;
use crate::kernel::done_callback::{DoneCallback, DoneCallbackKind};
use crate::kernel::event_loop::finish_with_none;
use crate::kernel::future::any::{Ended, ended, is_done};
use crate::kernel::task::cancel_any;

static TASK_DONE: DoneCallbackKind = DoneCallbackKind::of_task(
    "TaskGroup._on_task_done",
    |callback, task| {
        let group = callback.object(task.py()).cast()?;
        TaskGroup::on_task_done(group, callback.place(), task)
    },
    |callback, py| {
        callback
            .object(py)
            .cast::<TaskGroup>()
            .ok()?
            .get()
            .parent(py)
    },
);

/// Tasks in the order in which they were made, each in a place of its own.
#[derive(Default)]
pub struct Children {
    places: Vec<Option<Py<PyAny>>>,
    len: usize,
}

impl Children {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = &Py<PyAny>> {
        self.places.iter().flatten()
    }

    fn insert(&mut self, task: Py<PyAny>) -> u32 {
        if self.len == 0 {
            self.places.clear();
        } else if self.places.len() >= 64 && self.places.len() / 2 > self.len {
            // Places are known to those who wait for the tasks, so only those at the end can go.
            while self.places.last().is_some_and(Option::is_none) {
                self.places.pop();
            }
        }
        self.len += 1;
        self.places.push(Some(task));
        u32::try_from(self.places.len() - 1).expect("more tasks than memory")
    }

    fn remove(&mut self, place: u32) -> Option<Py<PyAny>> {
        let task = self.places.get_mut(place as usize)?.take();
        self.len -= usize::from(task.is_some());
        task
    }
}

impl TaskGroup {
    /// The tasks that have not ended.
    pub(super) fn tasks(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.with(py, |state| {
            let tasks = state.children.iter();
            tasks.map(|task| task.clone_ref(py)).collect()
        })
    }

    /// Adds a task. The group is told of its end through the queue, also if it has ended already: if it has raised, the
    /// block is not to be cancelled before it can know the task.
    pub(super) fn add(slf: &Bound<'_, Self>, task: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let kept = task.clone().unbind();
        let (place, aborting) = me.with(py, |state| (state.children.insert(kept), state.aborting));
        DoneCallback::new(&TASK_DONE, slf).at(place).attach(task)?;
        // A task that began at once may have cancelled the group before it was in it.
        if aborting && !is_done(task)? {
            cancel_any(task, None)?;
        }
        Ok(())
    }

    /// Cancels all tasks.
    pub(super) fn abort(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |state| state.aborting = true);
        for task in self.tasks(py) {
            let task = task.bind(py);
            if !is_done(task)? {
                cancel_any(task, None)?;
            }
        }
        Ok(())
    }

    /// One of the tasks has ended.
    pub fn on_task_done(
        slf: &Bound<'_, Self>,
        place: u32,
        task: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let (removed, completed) = me.with(py, |state| {
            let removed = state.children.remove(place);
            let completed = state
                .completed
                .as_ref()
                .filter(|_| state.children.is_empty());
            (removed, completed.map(|completed| completed.clone_ref(py)))
        });
        drop(removed);
        if let Some(completed) = completed {
            finish_with_none(completed.bind(py))?;
        }
        match ended(task)? {
            Ended::Raised(error) => Self::on_error(slf, task, error),
            Ended::Not | Ended::Cancelled | Ended::Returned(_) => Ok(()),
        }
    }

    #[cold]
    fn on_error(
        slf: &Bound<'_, Self>,
        task: &Bound<'_, PyAny>,
        error: Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let is_base_error = is_base_error(&error);
        let (kept, base) = (error.clone().unbind(), error.clone().unbind());
        let (parent, unused) = me.with(py, |state| {
            let unused = match &mut state.errors {
                Some(errors) => {
                    errors.push(kept);
                    None
                }
                None => Some(kept),
            };
            let unused = if is_base_error && state.base_error.is_none() {
                state.base_error = Some(base);
                (unused, None)
            } else {
                (unused, Some(base))
            };
            let parent = state.parent.as_ref();
            (parent.map(|parent| parent.clone_ref(py)), unused)
        });
        drop(unused);
        let Some(parent) = parent else {
            return Ok(());
        };
        if is_done(parent.bind(py))? {
            let text = format!(
                "Task {} has errored out but its parent task {} is already completed",
                task.repr()?,
                parent.bind(py).repr()?
            );
            let context = PyDict::new(py);
            context.set_item("message", text)?;
            context.set_item("exception", error)?;
            context.set_item("task", task)?;
            let event_loop = slf.getattr(intern!(py, "_loop"))?;
            event_loop.call_method1(intern!(py, "call_exception_handler"), (context,))?;
            return Ok(());
        }
        let cancel = me.with(py, |state| {
            !state.aborting && !state.parent_cancel_requested
        });
        if cancel {
            me.abort(py)?;
            me.cancel_parent(py)?;
        }
        Ok(())
    }
}

/// Whether an exception is raised alone instead of in a group.
pub(super) fn is_base_error(error: &Bound<'_, PyAny>) -> bool {
    error.is_instance_of::<pyo3::exceptions::PySystemExit>()
        || error.is_instance_of::<pyo3::exceptions::PyKeyboardInterrupt>()
}
