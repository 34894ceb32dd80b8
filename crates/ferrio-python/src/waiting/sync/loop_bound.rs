//! The state of an object that belongs to the loop on which a task first waits for it (CPython: `asyncio/mixins.py`).

use ferrio::engine::sync::{Status, Waiters};
use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::SyncWaiter;
use super::returns::bool_object;
use crate::base::cell::AttachedCell;
use crate::kernel::event_loop::{Loop, native_loop};
use crate::kernel::task::loop_of_waiter;

/// The interior state of such an object: an algorithm of [`ferrio::engine::sync`], and the loop.
pub struct LoopBound<A>(AttachedCell<Interior<A>>);

struct Interior<A> {
    event_loop: Option<Py<PyAny>>,
    /// Whether a foreign future ever was among the waiters: then their statuses have to be refreshed.
    has_foreign: bool,
    algorithm: A,
}

impl<A> LoopBound<A> {
    /// Returns the state of an object that no task has waited for.
    pub const fn new(algorithm: A) -> Self {
        Self(AttachedCell::new(Interior {
            event_loop: None,
            has_foreign: false,
            algorithm,
        }))
    }

    /// Calls `f` with the algorithm. `f` must not reach Python.
    #[inline]
    pub fn with<R>(&self, py: Python<'_>, f: impl FnOnce(&mut A) -> R) -> R {
        self.0.with(py, |interior| f(&mut interior.algorithm))
    }

    /// Replaces the algorithm, for `__init__`. The loop stays.
    pub fn reset(&self, py: Python<'_>, algorithm: A) {
        let old = self.with(py, |current| std::mem::replace(current, algorithm));
        drop(old);
    }

    /// Returns the running loop, and binds the object to it if it is bound to none (CPython: `_get_loop`). Raises
    /// `RuntimeError` if the object is bound to another loop.
    #[inline]
    pub fn event_loop<'py>(&self, owner: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = owner.py();
        let event_loop = loop_of_waiter(py)?;
        let own = self.0.with(py, |interior| {
            let mine = &mut interior.event_loop;
            mine.get_or_insert_with(|| event_loop.clone().unbind())
                .is(&event_loop)
        });
        if own {
            return Ok(event_loop);
        }
        let text = format!("{} is bound to a different event loop", owner.repr()?);
        Err(PyRuntimeError::new_err(text))
    }

    /// Makes a future of the loop. Returns it as a waiter and as an object.
    #[inline]
    pub fn new_waiter(&self, owner: &Bound<'_, PyAny>) -> PyResult<(SyncWaiter, Py<PyAny>)> {
        let py = owner.py();
        let event_loop = self.event_loop(owner)?;
        if let Some(native) = native_loop(&event_loop) {
            let future = Loop::create_future(native)?.unbind();
            let object = future.clone_ref(py).into_any();
            return Ok((SyncWaiter::Native(future), object));
        }
        let future = event_loop.call_method0(intern!(py, "create_future"))?;
        self.expect_foreign(py);
        Ok((SyncWaiter::of(&future), future.unbind()))
    }

    /// Puts a new waiter at the end of a line. Returns its future.
    #[inline]
    pub fn enqueue_waiter(
        &self,
        owner: &Bound<'_, PyAny>,
        waiters: fn(&mut A) -> &mut Waiters<SyncWaiter>,
    ) -> PyResult<Py<PyAny>> {
        let (waiter, future) = self.new_waiter(owner)?;
        self.with(owner.py(), |algorithm| waiters(algorithm).push(waiter));
        Ok(future)
    }

    /// Wakes the waiter that `next` chooses with the result True or False. Returns whether there was one.
    #[inline]
    pub fn wake(
        &self,
        py: Python<'_>,
        next: impl FnOnce(&mut A) -> Option<&SyncWaiter>,
        result: bool,
    ) -> PyResult<bool> {
        let next = self.with(py, |algorithm| {
            next(algorithm).map(|waiter| waiter.clone_ref(py))
        });
        match next {
            Some(waiter) => waiter.wake(py, bool_object(py, result)).map(|()| true),
            None => Ok(false),
        }
    }

    /// Notes that a foreign future may be among the waiters from now on.
    pub fn expect_foreign(&self, py: Python<'_>) {
        self.0.with(py, |interior| interior.has_foreign = true);
    }

    /// Updates the statuses of foreign futures in a line, until `enough` waiters are known to wait. Call this before the
    /// algorithm looks at the statuses, since it cannot call Python itself.
    #[inline]
    pub fn refresh(
        &self,
        py: Python<'_>,
        waiters: fn(&mut A) -> &mut Waiters<SyncWaiter>,
        enough: usize,
    ) -> PyResult<()> {
        if !self.0.with(py, |interior| interior.has_foreign) {
            return Ok(());
        }
        self.refresh_foreign(py, waiters, enough)
    }

    #[cold]
    fn refresh_foreign(
        &self,
        py: Python<'_>,
        waiters: fn(&mut A) -> &mut Waiters<SyncWaiter>,
        enough: usize,
    ) -> PyResult<()> {
        let futures: Vec<Py<PyAny>> = self.with(py, |algorithm| {
            let waiters = waiters(algorithm).iter();
            waiters
                .filter(|waiter| !matches!(waiter, SyncWaiter::Foreign(_, status) if *status != Status::Waiting))
                .map(|waiter| waiter.as_any().clone_ref(py))
                .collect()
        });
        let mut waiting = 0;
        for future in futures {
            if waiting == enough {
                break;
            }
            let current = SyncWaiter::status_of(future.bind(py))?;
            waiting += usize::from(current == Status::Waiting);
            self.with(py, |algorithm| {
                let mut waiters = waiters(algorithm).iter_mut();
                if let Some(SyncWaiter::Foreign(_, status)) =
                    waiters.find(|waiter| waiter.is(&future))
                {
                    *status = current;
                }
            });
        }
        Ok(())
    }

    /// Returns the loop, for the attribute `_loop`.
    pub fn loop_attribute(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.0.get_ref(py, |interior| interior.event_loop.as_ref())
    }

    /// Sets the loop, for an assignment to `_loop`.
    pub fn set_loop_attribute(&self, py: Python<'_>, event_loop: Option<Py<PyAny>>) {
        let old = self.0.with(py, |interior| {
            std::mem::replace(&mut interior.event_loop, event_loop)
        });
        drop(old);
    }

    /// Shows the references to the garbage collector: `f` shows those of the algorithm.
    pub fn traverse<'a>(
        &self,
        visit: PyVisit<'a>,
        f: impl FnOnce(&A, PyVisit<'a>) -> Result<(), PyTraverseError>,
    ) -> Result<(), PyTraverseError> {
        self.0.visit(&visit, |interior| {
            visit.call(&interior.event_loop)?;
            f(&interior.algorithm, visit)
        })
    }

    /// Drops the references for the garbage collector, and replaces the algorithm.
    pub fn clear(&self, algorithm: A) {
        Python::attach(|py| {
            let old = self.0.with(py, |interior| {
                let algorithm = std::mem::replace(&mut interior.algorithm, algorithm);
                (algorithm, interior.event_loop.take())
            });
            drop(old);
        });
    }
}

/// Shows the waiters of a line to the garbage collector.
pub fn traverse_waiters(
    waiters: &Waiters<SyncWaiter>,
    visit: PyVisit<'_>,
) -> Result<(), PyTraverseError> {
    waiters.iter().try_for_each(|waiter| waiter.traverse(visit))
}

/// Returns the representation of an object: `object.__repr__`, and the state and the number of waiters in brackets.
pub fn repr(object: &Bound<'_, PyAny>, state: &str, waiters: usize) -> PyResult<String> {
    let py = object.py();
    let text: String = py
        .get_type::<PyAny>()
        .call_method1(intern!(py, "__repr__"), (object,))?
        .extract()?;
    let text = text.trim_start_matches('<').trim_end_matches('>');
    Ok(match waiters {
        0 => format!("<{text} [{state}]>"),
        _ => format!("<{text} [{state}, waiters:{waiters}]>"),
    })
}
