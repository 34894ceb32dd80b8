//! [`Observer`]: what waits for futures in ferrio itself, told without a callback object.
//!
//! An observer stands in a future's list of waiters among tasks and callbacks, and is told through the loop's queue, in
//! the iteration and the order in which asyncio would run a done-callback.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use crate::io::streams::Handler;
use crate::kernel::event_loop::wake;
use crate::kernel::future::native;
use crate::kernel::future::{Future, Waiter};
use crate::waiting::combinators::{AsCompleted, GatheringFuture, Waiting, shield};
use crate::waiting::task_group::TaskGroup;

/// What is told when a future is done.
pub enum Observer {
    /// `gather`.
    Gather(Py<GatheringFuture>),
    /// `wait`.
    Wait(Py<Waiting>),
    /// The stream server's connection that the task handles.
    Handler(Py<Handler>),
    /// A task group, and the place where it has the task.
    Group(Py<TaskGroup>, u32),
    /// `shield`, told when the inner future is done: the outer one, and the task that called `shield` (for the call graph
    /// of Python 3.14).
    Shielded {
        outer: Py<PyAny>,
        caller: Option<Py<PyAny>>,
    },
    /// `shield`, told when the outer future is done: the inner one.
    Shield(Py<PyAny>),
    /// `as_completed`.
    Completed(Py<AsCompleted>),
    /// A future that is finished with `None`.
    Release(Py<PyAny>),
}

impl Observer {
    /// Tells it that `future` is done.
    #[inline]
    pub fn notify(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = future.py();
        match self {
            Self::Gather(gathering) => GatheringFuture::on_child_done(gathering.bind(py), future),
            Self::Wait(waiting) => Waiting::on_done(waiting.bind(py), future),
            Self::Handler(handler) => handler.get().on_done(future),
            Self::Group(group, place) => TaskGroup::on_task_done(group.bind(py), *place, future),
            Self::Shielded { outer, .. } => shield::on_inner_done(outer.bind(py), future),
            Self::Shield(inner) => shield::on_outer_done(inner.bind(py), future),
            Self::Completed(completed) => AsCompleted::on_done(completed.bind(py), future),
            Self::Release(waiter) => wake(waiter.bind(py)),
        }
    }

    /// Has it told when `future`, of whatever class, is done.
    #[inline]
    pub fn attach(self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = future.py();
        if let Some(future) = native(future) {
            let waiter = Waiter::Observer(self);
            if future.get().is_done(py) {
                return Future::tell(future, waiter);
            }
            future.get().add_waiter(py, waiter);
            return Ok(());
        }
        let notifier = Py::new(py, Notifier(self))?;
        future.call_method1(intern!(py, "add_done_callback"), (notifier,))?;
        Ok(())
    }

    /// Takes it back. `future` may not know it any more.
    pub fn detach(self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = future.py();
        if let Some(future) = native(future) {
            let removed = future.get().with(py, |state| {
                state.waiters.take_first(
                    |waiter| matches!(waiter, Waiter::Observer(observer) if observer.is(&self)),
                )
            });
            drop(removed);
            return Ok(());
        }
        let notifier = Py::new(py, Notifier(self))?;
        future.call_method1(intern!(py, "remove_done_callback"), (notifier,))?;
        Ok(())
    }

    /// The task that waits, as far as it is known: for the call graph.
    pub fn waiting_task(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        match self {
            Self::Gather(gathering) => gathering.get().caller(py),
            Self::Wait(waiting) => waiting.get().caller(py),
            Self::Group(group, _) => group.get().parent(py),
            Self::Shielded { caller, .. } => caller.as_ref().map(|caller| caller.clone_ref(py)),
            Self::Completed(completed) => completed.get().caller(py),
            Self::Handler(_) | Self::Shield(_) | Self::Release(_) => None,
        }
    }

    /// As a callback object, where one is asked for.
    pub fn into_callable(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Notifier(self))?.into_any())
    }

    /// The same once more.
    pub fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Gather(gathering) => Self::Gather(gathering.clone_ref(py)),
            Self::Wait(waiting) => Self::Wait(waiting.clone_ref(py)),
            Self::Handler(handler) => Self::Handler(handler.clone_ref(py)),
            Self::Group(group, place) => Self::Group(group.clone_ref(py), *place),
            Self::Shielded { outer, caller } => Self::Shielded {
                outer: outer.clone_ref(py),
                caller: caller.as_ref().map(|caller| caller.clone_ref(py)),
            },
            Self::Shield(inner) => Self::Shield(inner.clone_ref(py)),
            Self::Completed(completed) => Self::Completed(completed.clone_ref(py)),
            Self::Release(waiter) => Self::Release(waiter.clone_ref(py)),
        }
    }

    /// Whether `other` is the same observer.
    pub fn is(&self, other: &Self) -> bool {
        let same_place = match (self, other) {
            (Self::Group(_, place), Self::Group(_, other_place)) => place == other_place,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        };
        same_place && self.address() == other.address()
    }

    /// The address of what is told.
    fn address(&self) -> usize {
        let object = match self {
            Self::Gather(gathering) => gathering.as_ptr(),
            Self::Wait(waiting) => waiting.as_ptr(),
            Self::Handler(handler) => handler.as_ptr(),
            Self::Group(group, _) => group.as_ptr(),
            Self::Shielded { outer, .. } => outer.as_ptr(),
            Self::Completed(completed) => completed.as_ptr(),
            Self::Shield(future) | Self::Release(future) => future.as_ptr(),
        };
        object as usize
    }

    /// Shows the reference to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Gather(gathering) => visit.call(gathering),
            Self::Wait(waiting) => visit.call(waiting),
            Self::Handler(handler) => visit.call(handler),
            Self::Group(group, _) => visit.call(group),
            Self::Shielded { outer, caller } => {
                visit.call(outer)?;
                visit.call(caller)
            }
            Self::Completed(completed) => visit.call(completed),
            Self::Shield(future) | Self::Release(future) => visit.call(future),
        }
    }
}

/// An observer as a callback, for futures that are not ferrio's.
#[pyclass(module = "ferrio", frozen)]
pub struct Notifier(Observer);

impl Notifier {
    /// The observer.
    pub const fn observer(&self) -> &Observer {
        &self.0
    }
}

#[pymethods]
impl Notifier {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        self.0.notify(future)
    }

    #[getter(__qualname__)]
    fn qualified_name(&self) -> &'static str {
        match self.0 {
            Observer::Gather(_) => "gather.<locals>._done_callback",
            Observer::Wait(_) => "_wait.<locals>._on_completion",
            Observer::Handler(_) => "StreamReaderProtocol.connection_made.<locals>.callback",
            Observer::Group(..) => "TaskGroup._on_task_done",
            Observer::Shielded { .. } => "shield.<locals>._inner_done_callback",
            Observer::Shield(_) => "shield.<locals>._outer_done_callback",
            Observer::Completed(_) if cfg!(Py_3_13) => "_AsCompletedIterator._handle_completion",
            Observer::Completed(_) => "as_completed.<locals>._on_completion",
            Observer::Release(_) => "_release_waiter",
        }
    }

    /// The task that waits through the combinator, for the call graph of futures that are not ferrio's.
    #[getter(_waiting_task)]
    fn waiting_task(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.0.waiting_task(py)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<Self>()
            .is_ok_and(|other| other.get().0.is(&self.0))
    }

    fn __hash__(&self) -> usize {
        self.0.address()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.traverse(visit)
    }
}
