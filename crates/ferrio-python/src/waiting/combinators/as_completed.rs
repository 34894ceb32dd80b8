//! `as_completed`: an iterator over futures in the order in which they are done.

use std::collections::VecDeque;

use pyo3::PyTraverseError;
#[cfg(Py_3_13)]
use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::exceptions::{PyTimeoutError, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PySet;

use super::distinct::distinct;
use crate::base::cell::AttachedCell;
use crate::kernel::coroutine::{Body, Call, Step, Wait, body};
use crate::kernel::done_callback::{DoneCallback, DoneCallbackKind};
use crate::kernel::event_loop::finish_with_none;
use crate::kernel::future::Home;
use crate::kernel::future::any::{is_cancelled, is_done};
use crate::kernel::task::{cancel_any, current_loop, ensure_future_on, running_loop};
use crate::waiting::calling_task::{CallingTask, current_task_or_none, waiting_task};
use crate::{base::imports, cpython};

static COMPLETED: DoneCallbackKind = DoneCallbackKind::of_task(
    if cfg!(Py_3_13) {
        "_AsCompletedIterator._handle_completion"
    } else {
        "as_completed.<locals>._on_completion"
    },
    |callback, future| AsCompleted::on_done(callback.object(future.py()).cast()?, future),
    waiting_task::<AsCompleted>,
);

/// The interior state.
#[derive(Default)]
struct State {
    /// The arguments before the first item is asked for. Only before Python 3.13, where `as_completed` is a generator.
    arguments: Option<(Py<PyAny>, Option<Py<PyAny>>)>,
    /// The futures that are not done.
    todo: Option<Py<PySet>>,
    /// The futures that are done and not yet returned; `None` for each one that was not done when the time was up.
    done: VecDeque<Option<Py<PyAny>>>,
    /// The futures of the coroutines that wait for the next one.
    getters: VecDeque<Py<PyAny>>,
    /// The number of items that have not been asked for.
    left: usize,
    /// The handle of the time limit.
    timer: Option<Py<PyAny>>,
    /// The task that called `as_completed`.
    caller: Option<Py<PyAny>>,
}

/// The iterator that `as_completed` returns (CPython: `asyncio.tasks._AsCompletedIterator`).
#[pyclass(
    module = "ferrio",
    name = "_AsCompletedIterator",
    frozen,
    weakref,
    dict
)]
pub struct AsCompleted {
    state: AttachedCell<State>,
}

/// What a coroutine of the iterator returns.
#[derive(Copy, Clone)]
enum Want {
    /// The future itself, in `async for`.
    #[cfg_attr(not(Py_3_13), expect(dead_code, reason = "no asynchronous iterator"))]
    Future,
    /// The result of the future.
    Result,
}

/// Return an iterator over awaitables in the order in which they are done, for at most timeout seconds.
///
/// Each item is a coroutine that returns the result of the next awaitable that is done. Since Python 3.13 the iterator is
/// also an asynchronous iterator over the futures themselves (coroutines become tasks). Both raise TimeoutError for each
/// awaitable that is not done when the time is up. Raises TypeError if fs is a single awaitable.
#[pyfunction]
#[pyo3(signature = (fs, *, timeout = None))]
pub fn as_completed<'py>(
    fs: Bound<'py, PyAny>,
    timeout: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, AsCompleted>> {
    let py = fs.py();
    let completed = AsCompleted {
        state: AttachedCell::default(),
    };
    let completed = Bound::new(py, completed)?;
    if cfg!(Py_3_13) {
        AsCompleted::begin(&completed, &fs, timeout)?;
    } else {
        let arguments = (fs.unbind(), timeout.map(Bound::unbind));
        let me = completed.get();
        me.state.with(py, |state| state.arguments = Some(arguments));
    }
    Ok(completed)
}

impl CallingTask for AsCompleted {
    fn calling_task(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.caller.as_ref())
    }
}

impl AsCompleted {
    /// Makes tasks of coroutines, adds the done-callbacks, and starts the timer.
    fn begin<'py>(
        slf: &Bound<'py, Self>,
        awaitables: &Bound<'py, PyAny>,
        timeout: Option<Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        if imports::is_awaitable(py)?
            .call1((awaitables,))?
            .is_truthy()?
        {
            let name = awaitables.get_type().name()?.to_string();
            let text = if cfg!(Py_3_13) {
                format!("expects an iterable of awaitables, not {name}")
            } else {
                format!("expect an iterable of futures, not {name}")
            };
            return Err(PyTypeError::new_err(text));
        }
        let event_loop = current_loop(py)?;
        let mut distinct_futures = distinct(awaitables)?;
        let todo = PySet::empty(py)?;
        let caller = if cfg!(Py_3_14) {
            current_task_or_none(py, None)?
        } else {
            None
        };
        for awaitable in &mut distinct_futures {
            *awaitable = ensure_future_on(awaitable, Some(&event_loop))?;
            todo.add(&*awaitable)?;
        }
        if todo.len() < distinct_futures.len() {
            distinct_futures = todo.iter().collect();
        }
        let (left, kept) = (distinct_futures.len(), todo.unbind());
        slf.get().state.with(py, |state| {
            state.left = left;
            state.todo = Some(kept);
            state.caller = caller;
        });
        for future in distinct_futures {
            DoneCallback::new(&COMPLETED, slf).attach(&future)?;
        }
        if let Some(timeout) = timeout
            && left > 0
            && !timeout.is_none()
        {
            let on_timeout = slf.getattr(intern!(py, "_handle_timeout"))?;
            let timer =
                event_loop.call_method1(intern!(py, "call_later"), (timeout, on_timeout))?;
            let timer = timer.unbind();
            slf.get().state.with(py, |state| state.timer = Some(timer));
        }
        Ok(())
    }

    /// Returns the futures that are not done.
    fn todo<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PySet>> {
        self.state.get_bound(py, |state| state.todo.as_ref())
    }

    /// Moves a future that is done to the results. Cancels the timer after the last one.
    pub fn on_done(slf: &Bound<'_, Self>, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let Some(todo) = me.todo(py).filter(|todo| !todo.is_empty()) else {
            return Ok(()); // The time is up.
        };
        todo.discard(future)?;
        me.put(py, Some(future.clone().unbind()))?;
        if todo.is_empty()
            && let Some(timer) = me.state.with(py, |state| state.timer.take())
        {
            timer.call_method0(py, intern!(py, "cancel"))?;
        }
        Ok(())
    }

    /// Adds a result and wakes the coroutine that has waited longest.
    fn put(&self, py: Python<'_>, done: Option<Py<PyAny>>) -> PyResult<()> {
        self.state.with(py, |state| state.done.push_back(done));
        self.wake_next(py)
    }

    fn wake_next(&self, py: Python<'_>) -> PyResult<()> {
        while let Some(getter) = self.state.with(py, |state| state.getters.pop_front()) {
            let getter = getter.into_bound(py);
            if !is_done(&getter)? {
                return finish_with_none(&getter);
            }
        }
        Ok(())
    }

    /// Returns the next future that is done, or waits for it, as a step of a coroutine.
    fn get(slf: &Bound<'_, Self>, want: Want) -> PyResult<Step> {
        let py = slf.py();
        let me = slf.get();
        match me.state.with(py, |state| state.done.pop_front()) {
            Some(None) => Err(PyTimeoutError::new_err(())),
            Some(Some(future)) => match want {
                Want::Future => Ok(Step::Return(future)),
                Want::Result => {
                    let result = future.call_method0(py, intern!(py, "result"))?;
                    Ok(Step::Return(result))
                }
            },
            None => {
                let getter = Home::of(&running_loop(py)?).create_future(py)?;
                let (kept, awaited) = (getter.clone().unbind(), getter.clone().unbind());
                me.state.with(py, |state| state.getters.push_back(kept));
                let getting = Getting {
                    completed: slf.clone().unbind(),
                    getter: getter.unbind(),
                    want,
                };
                Ok(Step::Wait(awaited, Box::new(getting)))
            }
        }
    }

    /// Ends the wait of a coroutine that was interrupted.
    fn give_up(&self, getter: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = getter.py();
        cancel_any(getter, None)?;
        let (removed, is_any_done) = self.state.with(py, |state| {
            let place = state.getters.iter().position(|other| other.is(getter));
            let removed = place.and_then(|place| state.getters.remove(place));
            // Since Python 3.14 the item can be asked for again.
            state.left += usize::from(cfg!(Py_3_14));
            (removed, !state.done.is_empty())
        });
        drop(removed);
        if is_any_done && !is_cancelled(getter)? {
            // The getter was woken: another one takes its turn.
            self.wake_next(py)?;
        }
        Ok(())
    }

    /// Counts one item as asked for. Returns false if none is left.
    fn count_item(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| {
            let any = state.left > 0;
            state.left -= usize::from(any);
            any
        })
    }
}

/// The rest of a coroutine that waits for the next result.
struct Getting {
    completed: Py<AsCompleted>,
    getter: Py<PyAny>,
    want: Want,
}

impl Wait for Getting {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        if let Err(error) = outcome {
            let completed = self.completed.get();
            cpython::handling(py, &error, || completed.give_up(self.getter.bind(py)))?;
            return Err(error);
        }
        AsCompleted::get(self.completed.bind(py), self.want)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.completed)?;
        visit.call(&self.getter)
    }
}

impl AsCompleted {
    const WAIT_FOR_ONE: Body = body!(
        if cfg!(Py_3_13) {
            "_AsCompletedIterator._wait_for_one"
        } else {
            "as_completed.<locals>._wait_for_one"
        },
        |completed: AsCompleted| AsCompleted::get(completed, Want::Result)
    );
    #[cfg(Py_3_13)]
    pub const NEXT: Body = body!(
        "_AsCompletedIterator.__anext__",
        |completed: AsCompleted| {
            if !completed.get().count_item(completed.py()) {
                return Err(PyStopAsyncIteration::new_err(()));
            }
            AsCompleted::get(completed, Want::Future)
        }
    );
}

#[pymethods]
impl AsCompleted {
    /// The futures that are not done.
    #[getter(_todo)]
    fn get_todo<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PySet>> {
        self.todo(py).map_or_else(|| PySet::empty(py), Ok)
    }

    /// The number of items that have not been asked for.
    #[getter(_todo_left)]
    fn get_todo_left(&self, py: Python<'_>) -> usize {
        self.state.with(py, |state| state.left)
    }

    /// The task that called `as_completed`.
    #[getter(_cur_task)]
    fn get_caller(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.calling_task(py)
    }

    /// The handle of the time limit.
    #[getter(_timeout_handle)]
    fn get_timer(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.timer.as_ref())
    }
}

#[pymethods]
impl AsCompleted {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Option<Call>> {
        let py = slf.py();
        let me = slf.get();
        if let Some((fs, timeout)) = me.state.with(py, |state| state.arguments.take()) {
            let timeout = timeout.map(|timeout| timeout.into_bound(py));
            Self::begin(slf, fs.bind(py), timeout)?;
        }
        if !me.count_item(py) {
            return Ok(None);
        }
        let target = slf.clone().into_any().unbind();
        Ok(Some(Self::WAIT_FOR_ONE.call(target, None)))
    }

    #[cfg(Py_3_13)]
    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[cfg(Py_3_13)]
    fn __anext__(slf: Py<Self>) -> Call {
        Self::NEXT.call(slf.into_any(), None)
    }

    /// End with a TimeoutError for each future that is not done.
    #[pyo3(name = "_handle_timeout")]
    fn on_timeout(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let Some(todo) = me.todo(py) else {
            return Ok(());
        };
        for future in &todo {
            DoneCallback::new(&COMPLETED, slf).detach(&future)?;
            me.put(py, None)?;
        }
        todo.clear();
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.visit(&visit, |state| {
            if let Some((fs, timeout)) = &state.arguments {
                visit.call(fs)?;
                visit.call(timeout)?;
            }
            visit.call(&state.todo)?;
            for done in state.done.iter().flatten() {
                visit.call(done)?;
            }
            for getter in &state.getters {
                visit.call(getter)?;
            }
            visit.call(&state.timer)?;
            visit.call(&state.caller)
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.state.take(py)));
    }
}
