//! The tasks of a group, and what happens when one ends.

use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::TaskGroup;
use crate::kernel::done_callback::{DoneCallback, DoneCallbackKind};
use crate::kernel::event_loop::finish_with_none;
use crate::kernel::future::any::{Ended, ended, is_done};
use crate::kernel::task::cancel_any;
use crate::waiting::calling_task::{CallingTask, waiting_task};

static TASK_DONE: DoneCallbackKind = DoneCallbackKind::of_task(
    "TaskGroup._on_task_done",
    |callback, task| {
        let group = callback.object(task.py()).cast()?;
        TaskGroup::on_task_done(group, callback.place(), task)
    },
    waiting_task::<TaskGroup>,
);

/// Tasks in the order of their creation. The index of each task is known to its done-callback.
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

    /// Returns the tasks that have not been removed.
    pub fn iter(&self) -> impl Iterator<Item = &Py<PyAny>> {
        self.places.iter().flatten()
    }

    /// Adds a task and returns its index.
    fn insert(&mut self, task: Py<PyAny>) -> u32 {
        if self.len == 0 {
            self.places.clear();
        } else if self.places.len() >= 64 && self.places.len() / 2 > self.len {
            // Done-callbacks know the indices, so that only empty places at the end can be removed.
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

impl CallingTask for TaskGroup {
    fn calling_task(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.parent(py)
    }
}

impl TaskGroup {
    /// Returns the tasks that have not ended.
    pub(super) fn tasks(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.with(py, |state| {
            let tasks = state.children.iter();
            tasks.map(|task| task.clone_ref(py)).collect()
        })
    }

    /// Adds a task. Its done-callback runs through the loop's queue even if the task has ended already. Otherwise a task that
    /// has raised would cancel the block before `create_task` returns the task.
    pub(super) fn add(slf: &Bound<'_, Self>, task: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let kept = task.clone().unbind();
        let (place, aborting) = me.with(py, |state| (state.children.insert(kept), state.aborting));
        DoneCallback::new(&TASK_DONE, slf).at(place).attach(task)?;
        // An eager task may have cancelled the group before it was added.
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

    /// Removes a task that has ended, and wakes the end of the block after the last one.
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

    /// Stores the exception of a task, and cancels the block and the other tasks because of it.
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

/// Whether an exception is raised without a group: `SystemExit` and `KeyboardInterrupt` are.
pub(super) fn is_base_error(error: &Bound<'_, PyAny>) -> bool {
    error.is_instance_of::<PySystemExit>() || error.is_instance_of::<PyKeyboardInterrupt>()
}
