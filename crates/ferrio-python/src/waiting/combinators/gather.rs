//! `gather`: one future for the results of several awaitables.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::distinct::has_duplicates;
use crate::base::arguments::Truth;
use crate::base::cell::AttachedCell;
use crate::kernel::coroutine::is_known_coroutine;
use crate::kernel::done_callback::{DoneCallback, DoneCallbackKind};
use crate::kernel::future::any::{Ended, cancel_message, cancelled_error, ended, is_done, loop_of};
use crate::kernel::future::native_future;
use crate::kernel::future::{Future, Home, Outcome};
use crate::kernel::task::{Task, cancel_any, current_loop, ensure_future_on, running_loop_or_none};
use crate::waiting::calling_task::{CallingTask, current_task_or_none, waiting_task};
use crate::{base::imports, cpython};

static CHILD_DONE: DoneCallbackKind = DoneCallbackKind::of_task(
    "gather.<locals>._done_callback",
    |callback, child| GatheringFuture::on_child_done(callback.object(child.py()).cast()?, child),
    waiting_task::<GatheringFuture>,
);

/// The interior state.
#[derive(Default)]
struct State {
    /// The futures in the order of the arguments. A future that was passed twice is here twice.
    children: Vec<Py<PyAny>>,
    /// The number of different children that have not ended.
    pending: usize,
    return_exceptions: bool,
    cancel_requested: bool,
    /// The task that called `gather`.
    caller: Option<Py<PyAny>>,
}

/// The future that `gather` returns: cancelling it cancels the children (CPython: `asyncio.tasks._GatheringFuture`).
#[pyclass(module = "ferrio", name = "_GatheringFuture", extends = Future, frozen)]
pub struct GatheringFuture {
    state: AttachedCell<State>,
}

/// Return a future whose result is the list of the results of several awaitables, in their order.
///
/// Coroutines become tasks. The first exception becomes the future's exception. If return_exceptions is true, exceptions
/// stand among the results instead. Cancelling the future cancels the awaitables.
#[pyfunction]
#[pyo3(
    signature = (*coros_or_futures, return_exceptions = Truth(false)),
    text_signature = "(*coros_or_futures, return_exceptions=False)"
)]
pub fn gather<'py>(
    coros_or_futures: &Bound<'py, PyTuple>,
    return_exceptions: Truth,
) -> PyResult<Bound<'py, PyAny>> {
    let py = coros_or_futures.py();
    if coros_or_futures.is_empty() {
        let event_loop = current_loop(py)?;
        let outer = event_loop.call_method0(intern!(py, "create_future"))?;
        outer.call_method1(intern!(py, "set_result"), (PyList::empty(py),))?;
        return Ok(outer);
    }
    let running = running_loop_or_none(py)?;
    let caller = match &running {
        Some(event_loop) => current_task_or_none(py, Some(event_loop.clone()))?,
        None => None,
    };
    // Before Python 3.14 the loop is that of the first argument.
    let mut event_loop = running.filter(|_| cfg!(Py_3_14));
    let mut children = Vec::with_capacity(coros_or_futures.len());
    let mut distinct = Vec::with_capacity(coros_or_futures.len());
    let mut seen = Seen::new(coros_or_futures);
    for argument in coros_or_futures {
        if let Some(child) = seen.find(&argument)? {
            children.push(child.unbind());
            continue;
        }
        let child = as_child(&argument, event_loop.as_ref())?;
        if event_loop.is_none() {
            event_loop = Some(loop_of(&child)?);
        }
        seen.add(&argument, &child)?;
        children.push(child.clone().unbind());
        distinct.push(child);
    }
    let Some(event_loop) = event_loop else {
        return Ok(py.None().into_bound(py));
    };
    let state = State {
        children,
        pending: distinct.len(),
        return_exceptions: return_exceptions.0,
        cancel_requested: false,
        caller,
    };
    let outer = PyClassInitializer::from(Future::pending(Home::of(&event_loop)));
    let outer = outer.add_subclass(GatheringFuture {
        state: AttachedCell::new(state),
    });
    let outer = Bound::new(py, outer)?;
    if Home::of(&event_loop).debug(py)? {
        outer.as_super().get().remember_source(py)?;
    }
    let mut done = Vec::new();
    for child in distinct {
        if is_done(&child)? {
            done.push(child);
        } else {
            DoneCallback::new(&CHILD_DONE, &outer).attach(&child)?;
        }
    }
    // If all children have ended already, the result is done at once.
    for child in done {
        if cfg!(Py_3_12) {
            GatheringFuture::on_child_done(&outer, &child)?;
        } else {
            DoneCallback::new(&CHILD_DONE, &outer).attach(&child)?;
        }
    }
    Ok(outer.into_any())
}

/// Returns the future of an argument. A task that is made here does not log if it is destroyed while pending, since the
/// program has no reference to it.
fn as_child<'py>(
    argument: &Bound<'py, PyAny>,
    event_loop: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = argument.py();
    let child = ensure_future_on(argument, event_loop)?;
    if !child.is(argument) {
        match child.cast_exact::<Task>() {
            Ok(task) => task.get().do_not_log_destroy_pending(py),
            Err(_) => child.setattr(intern!(py, "_log_destroy_pending"), false)?,
        }
    }
    Ok(child)
}

/// The arguments so far, to recognize one that is passed twice.
enum Seen<'py> {
    /// All arguments are coroutines or native futures, which are equal only to themselves, and none stands there twice.
    Distinct,
    /// A dictionary of arguments and their futures.
    ByEquality(Bound<'py, PyDict>),
}

impl<'py> Seen<'py> {
    fn new(arguments: &Bound<'py, PyTuple>) -> Self {
        let mut addresses = Vec::with_capacity(arguments.len());
        for argument in arguments.iter_borrowed() {
            if !is_known_coroutine(&argument) && native_future(&argument).is_none() {
                return Self::ByEquality(PyDict::new(arguments.py()));
            }
            addresses.push(argument.as_ptr() as usize);
        }
        if has_duplicates(addresses) {
            return Self::ByEquality(PyDict::new(arguments.py()));
        }
        Self::Distinct
    }

    fn find(&self, argument: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Self::Distinct => Ok(None),
            Self::ByEquality(children) => children.get_item(argument),
        }
    }

    fn add(&mut self, argument: &Bound<'py, PyAny>, child: &Bound<'py, PyAny>) -> PyResult<()> {
        match self {
            Self::Distinct => Ok(()),
            Self::ByEquality(children) => children.set_item(argument, child),
        }
    }
}

impl CallingTask for GatheringFuture {
    fn calling_task(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.caller.as_ref())
    }
}

impl GatheringFuture {
    /// Counts a child that has ended. Finishes the future after the last child or the first exception.
    pub fn on_child_done(slf: &Bound<'_, Self>, child: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let outer = slf.as_super();
        let (pending, return_exceptions) = me.state.with(py, |state| {
            state.pending -= 1;
            (state.pending, state.return_exceptions)
        });
        if outer.get().is_done(py) {
            // This marks the exception as retrieved.
            ended(child)?;
            return Ok(());
        }
        if !return_exceptions {
            let error = match ended(child)? {
                Ended::Cancelled => Some(cancelled_error(child)?),
                Ended::Raised(error) => Some(error),
                Ended::Not | Ended::Returned(_) => None,
            };
            if let Some(error) = error {
                me.forget_caller(py);
                return Future::fail(outer, error);
            }
        }
        if pending > 0 {
            return Ok(());
        }
        let (children, cancelled) = me.state.with(py, |state| {
            let children: Vec<_> = state
                .children
                .iter()
                .map(|child| child.clone_ref(py))
                .collect();
            (children, state.cancel_requested)
        });
        me.forget_caller(py);
        let results = PyList::empty(py);
        for child in &children {
            results.append(Self::result_of(child.bind(py))?)?;
        }
        if cancelled && let Some(last) = children.last() {
            return Future::fail(outer, cancelled_error(last.bind(py))?);
        }
        Future::finish(outer, Outcome::Returned(results.into_any().unbind()))
    }

    /// Returns a child's entry in the list of results.
    fn result_of<'py>(child: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = child.py();
        match ended(child)? {
            Ended::Cancelled => {
                let message = cancel_message(child)?;
                let class = imports::cancelled_error(py)?;
                if message.is_none() {
                    class.call1(("",))
                } else {
                    class.call1((message,))
                }
            }
            Ended::Raised(error) => Ok(error),
            Ended::Returned(result) => Ok(result),
            Ended::Not => Ok(py.None().into_bound(py)),
        }
    }

    fn forget_caller(&self, py: Python<'_>) {
        let caller = self.state.with(py, |state| state.caller.take());
        drop(caller);
    }
}

#[pymethods]
impl GatheringFuture {
    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(imports::gathering_future_class(slf.py())?.clone().unbind())
    }

    /// Cancel the awaitables that have not ended. Return False if all have.
    #[pyo3(signature = (msg = None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let py = slf.py();
        if slf.as_super().get().is_done(py) {
            return Ok(false);
        }
        let children: Vec<_> = slf.get().state.with(py, |state| {
            let children = state.children.iter();
            children.map(|child| child.clone_ref(py)).collect()
        });
        let mut cancelled = false;
        for child in children {
            cancelled |= cancel_any(child.bind(py), msg)?;
        }
        if cancelled {
            slf.get()
                .state
                .with(py, |state| state.cancel_requested = true);
        }
        Ok(cancelled)
    }

    #[getter(_children)]
    fn get_children<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let children: Vec<_> = self.state.with(py, |state| {
            let children = state.children.iter();
            children.map(|child| child.clone_ref(py)).collect()
        });
        PyList::new(py, children)
    }

    #[getter(_cancel_requested)]
    fn get_cancel_requested(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.cancel_requested)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.visit(&visit, |state| {
            state
                .children
                .iter()
                .try_for_each(|child| visit.call(child))?;
            visit.call(&state.caller)
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.state.take(py)));
    }
}

impl cpython::SelfAwait for GatheringFuture {
    fn resume(slf: &Bound<'_, Self>) -> cpython::Resumed {
        <Future as cpython::SelfAwait>::resume(slf.as_super())
    }
}

impl cpython::Finalize for GatheringFuture {
    const RAISES: bool = false;

    fn is_settled(slf: &Bound<'_, Self>) -> bool {
        Future::is_settled(slf.as_super())
    }

    fn finalize(slf: &Bound<'_, Self>, _: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        Future::report_unretrieved(slf.as_super())
    }
}
