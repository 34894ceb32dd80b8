//! The waiters of a future: the tasks and callbacks that the loop runs when the future is done, in the order in which
//! they were added.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::{Future, Home};
use crate::cpython;
use crate::kernel::done_callback::DoneCallback;
use crate::kernel::event_loop::{Callback, FutureDone, Loop, Notice};
use crate::kernel::handle::HandleParts;
use crate::kernel::task::{Task, WakeupCallable};

/// A task or callback that waits for a future.
pub enum Waiter {
    /// A native task that awaits the future.
    Task(Py<Task>),
    /// A callback from `add_done_callback`, with its context.
    Callback {
        callback: Py<PyAny>,
        context: Py<PyAny>,
    },
    /// A done-callback of ferrio's own: a combinator's, for example.
    Native(DoneCallback),
}

impl Waiter {
    /// Makes the payload for a native loop's queue that tells the waiter about the future.
    fn into_callback(
        self,
        event_loop: &Bound<'_, Loop>,
        future: &Bound<'_, PyAny>,
    ) -> PyResult<Callback> {
        let py = future.py();
        match self {
            Self::Task(task) => Ok(Callback::Wakeup(task)),
            Self::Native(callback) => Ok(Callback::Notify(Box::new(Notice {
                callback,
                future: future.clone().unbind(),
            }))),
            // In debug mode a handle records where the callback was scheduled.
            Self::Callback { callback, context } if event_loop.get().debug() => {
                let args = pyo3::types::PyTuple::new(py, [future])?;
                let context = Some(context.into_bound(py));
                let parts = HandleParts::new(event_loop, callback.into_bound(py), args, context)?;
                Ok(Callback::Handle(parts.create()?.unbind()))
            }
            Self::Callback { callback, context } => {
                Ok(Callback::FutureDone(Box::new(FutureDone {
                    future: future.clone().unbind(),
                    callback,
                    context,
                })))
            }
        }
    }

    /// Schedules the waiter on a loop that is not ferrio's.
    fn call_soon(self, home: &Home, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = future.py();
        let (callback, context) = self.into_pair(py)?;
        home.call_soon(py, callback.bind(py), future, context.bind(py))
    }

    /// Turns the waiter into a callback and its context, as `Future._callbacks` shows them.
    pub(super) fn into_pair(self, py: Python<'_>) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
        match self {
            Self::Task(task) => {
                let context = task.bind(py).get().context(py);
                Ok((Py::new(py, WakeupCallable::new(task))?.into_any(), context))
            }
            Self::Callback { callback, context } => Ok((callback, context)),
            Self::Native(callback) => Ok((callback.into_callable(py)?, cpython::copy_context(py)?)),
        }
    }

    /// Whether both are the same task, callback and context, or native callback.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Task(task), Self::Task(other)) => task.is(other),
            (
                Self::Callback { callback, context },
                Self::Callback {
                    callback: other,
                    context: other_context,
                },
            ) => callback.is(other) && context.is(other_context),
            (Self::Native(callback), Self::Native(other)) => callback.is(other),
            _ => false,
        }
    }

    /// Clones the waiter.
    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Task(task) => Self::Task(task.clone_ref(py)),
            Self::Callback { callback, context } => Self::Callback {
                callback: callback.clone_ref(py),
                context: context.clone_ref(py),
            },
            Self::Native(callback) => Self::Native(callback.clone_ref(py)),
        }
    }

    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Task(task) => visit.call(task),
            Self::Callback { callback, context } => {
                visit.call(callback)?;
                visit.call(context)
            }
            Self::Native(callback) => callback.traverse(visit),
        }
    }
}

/// A list of waiters, which nearly always has none or one.
#[derive(Default)]
pub enum Waiters {
    #[default]
    None,
    One(Waiter),
    #[expect(
        clippy::box_collection,
        reason = "few futures have many waiters, but all have room for the list"
    )]
    Many(Box<Vec<Waiter>>),
}

impl Waiters {
    /// Adds a waiter at the end.
    #[inline]
    pub fn push(&mut self, waiter: Waiter) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(waiter),
            Self::One(first) => Self::Many(Box::new(vec![first, waiter])),
            Self::Many(mut waiters) => {
                waiters.push(waiter);
                Self::Many(waiters)
            }
        };
    }

    /// Takes out the first waiter that `is_meant` accepts.
    pub fn take_first(&mut self, is_meant: impl Fn(&Waiter) -> bool) -> Option<Waiter> {
        match self {
            Self::One(waiter) if is_meant(waiter) => match std::mem::take(self) {
                Self::One(waiter) => Some(waiter),
                Self::None | Self::Many(_) => None,
            },
            Self::Many(waiters) => {
                let index = waiters.iter().position(is_meant)?;
                Some(waiters.remove(index))
            }
            Self::None | Self::One(_) => None,
        }
    }

    /// Returns the waiters in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Waiter> {
        match self {
            Self::None => [].iter(),
            Self::One(waiter) => std::slice::from_ref(waiter).iter(),
            Self::Many(waiters) => waiters.iter(),
        }
    }
}

impl Future {
    /// Adds a waiter at the end of the list. The future must be pending.
    #[inline]
    pub fn add_waiter(&self, py: Python<'_>, waiter: Waiter) {
        self.with(py, |state| state.waiters.push(waiter));
    }

    /// Schedules all waiters.
    #[inline]
    pub(super) fn tell_waiters(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let waiters = slf
            .get()
            .with(py, |state| std::mem::take(&mut state.waiters));
        match waiters {
            Waiters::None => Ok(()),
            Waiters::One(waiter) => Self::tell(slf, waiter),
            Waiters::Many(waiters) => waiters
                .into_iter()
                .try_for_each(|waiter| Self::tell(slf, waiter)),
        }
    }

    /// Schedules one waiter. The future must be done.
    #[inline]
    pub fn tell(slf: &Bound<'_, Self>, waiter: Waiter) -> PyResult<()> {
        let py = slf.py();
        match slf.get().initialized(py)? {
            Home::Native(event_loop) => {
                event_loop.get().check_scheduling()?;
                let callback = waiter.into_callback(event_loop.bind(py), slf.as_any())?;
                event_loop.get().push(py, callback);
                Ok(())
            }
            home @ Home::Foreign(_) => waiter.call_soon(home, slf.as_any()),
        }
    }
}
