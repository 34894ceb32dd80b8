//! An algorithm of the engine that belongs to the loop on which somebody first waits (CPython: `asyncio/mixins.py`).

use ferrio::sync::{Status, Waiters};
use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::SyncWaiter;
use crate::base::cell::AttachedCell;
use crate::kernel::event_loop::Loop;
use crate::kernel::task::loop_of_waiter;
use crate::waiting::timeouts::native_loop;

/// The interior state of an object that belongs to a loop.
pub struct LoopBound<A>(AttachedCell<Interior<A>>);

struct Interior<A> {
    event_loop: Option<Py<PyAny>>,
    /// Whether there was ever a waiter that has to be asked how it is.
    asks: bool,
    algorithm: A,
}

impl<A> LoopBound<A> {
    /// The algorithm, of no loop yet.
    pub const fn new(algorithm: A) -> Self {
        Self(AttachedCell::new(Interior {
            event_loop: None,
            asks: false,
            algorithm,
        }))
    }

    /// Runs `f` on the algorithm. `f` must not reach Python.
    #[inline]
    pub fn with<R>(&self, py: Python<'_>, f: impl FnOnce(&mut A) -> R) -> R {
        self.0.with(py, |interior| f(&mut interior.algorithm))
    }

    /// Begins anew with this algorithm, as another call of `__init__` does; the loop stays.
    pub fn reset(&self, py: Python<'_>, algorithm: A) {
        let old = self.with(py, |current| std::mem::replace(current, algorithm));
        drop(old);
    }

    /// `_get_loop`: the running loop, which becomes the one that the object belongs to if it belongs to none. Raises
    /// `RuntimeError` if it belongs to another.
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

    /// A new waiter, a future of the loop, and the future.
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

    /// There will be a waiter that has to be asked how it is.
    pub fn expect_foreign(&self, py: Python<'_>) {
        self.0.with(py, |interior| interior.asks = true);
    }

    /// Asks the waiters that are not ferrio's how they are, until `enough` of the line still wait. To be called before
    /// the algorithm looks at them.
    #[inline]
    pub fn refresh(
        &self,
        py: Python<'_>,
        line: fn(&mut A) -> &mut Waiters<SyncWaiter>,
        enough: usize,
    ) -> PyResult<()> {
        if !self.0.with(py, |interior| interior.asks) {
            return Ok(());
        }
        self.ask(py, line, enough)
    }

    #[cold]
    fn ask(
        &self,
        py: Python<'_>,
        line: fn(&mut A) -> &mut Waiters<SyncWaiter>,
        enough: usize,
    ) -> PyResult<()> {
        let waiters: Vec<Py<PyAny>> = self.with(py, |algorithm| {
            let waiters = line(algorithm).iter();
            waiters
                .filter(|waiter| !matches!(waiter, SyncWaiter::Foreign(_, status) if *status != Status::Waiting))
                .map(|waiter| waiter.as_any().clone_ref(py))
                .collect()
        });
        let mut waiting = 0;
        for future in waiters {
            if waiting == enough {
                break;
            }
            let now = SyncWaiter::ask(future.bind(py))?;
            waiting += usize::from(now == Status::Waiting);
            self.with(py, |algorithm| {
                let mut waiters = line(algorithm).iter_mut();
                if let Some(SyncWaiter::Foreign(_, status)) =
                    waiters.find(|waiter| waiter.is(&future))
                {
                    *status = now;
                }
            });
        }
        Ok(())
    }

    /// What `_loop` gives.
    pub fn loop_attribute(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.0.with(py, |interior| {
            let event_loop = interior.event_loop.as_ref();
            event_loop.map(|event_loop| event_loop.clone_ref(py))
        })
    }

    /// Assignment to `_loop`.
    pub fn set_loop_attribute(&self, py: Python<'_>, event_loop: Option<Py<PyAny>>) {
        let old = self.0.with(py, |interior| {
            std::mem::replace(&mut interior.event_loop, event_loop)
        });
        drop(old);
    }

    /// Shows the references to the garbage collector; `f` shows those of the algorithm.
    pub fn traverse<'a>(
        &self,
        visit: PyVisit<'a>,
        f: impl FnOnce(&A, PyVisit<'a>) -> Result<(), PyTraverseError>,
    ) -> Result<(), PyTraverseError> {
        self.0.visit(|interior| {
            visit.call(&interior.event_loop)?;
            f(&interior.algorithm, visit)
        })
    }

    /// Drops the references, for the garbage collector; leaves this algorithm.
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

/// Shows a line of waiters to the garbage collector.
pub fn traverse_line(
    waiters: &Waiters<SyncWaiter>,
    visit: PyVisit<'_>,
) -> Result<(), PyTraverseError> {
    waiters.iter().try_for_each(|waiter| waiter.traverse(visit))
}

/// The representation of an object of this module: that of `object`, and more in brackets.
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
