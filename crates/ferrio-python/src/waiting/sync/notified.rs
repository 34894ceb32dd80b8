//! How a task waits on a [`Condition`]: it releases the lock, waits to be notified, and acquires the lock again, whatever
//! has ended the wait.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::{Condition, Returns};
use crate::kernel::coroutine::{AwaitHandling, Step, Wait};
use crate::{base::imports, cpython};

impl Condition {
    /// Runs `wait` as a step of a coroutine.
    pub fn wait_step(slf: &Bound<'_, Self>) -> PyResult<Step> {
        let py = slf.py();
        let me = slf.get();
        me.check_locked(py, "wait")?;
        let (waiter, future) = me.state.new_waiter(slf.as_any())?;
        me.guard(py)?.release(py)?;
        me.state
            .with(py, |condition| condition.waiters.push(waiter));
        let notified = Notified {
            condition: slf.clone().unbind(),
            future: future.clone_ref(py),
        };
        Ok(Step::Wait(future, Box::new(notified)))
    }

    /// Runs `wait_for` as a step of a coroutine.
    pub(super) fn wait_for_step(slf: &Bound<'_, Self>, predicate: Py<PyAny>) -> PyResult<Step> {
        let py = slf.py();
        let result = predicate.call0(py)?;
        if result.is_truthy(py)? {
            return Ok(Step::Return(result));
        }
        let rest = Box::new(TestAgain {
            condition: slf.clone().unbind(),
            predicate,
        });
        if slf.get().overrides_wait() {
            let waiting = slf.call_method0(intern!(py, "wait"))?;
            return Ok(Step::Wait(waiting.unbind(), rest));
        }
        Step::then(Self::wait_step(slf), py, rest)
    }
}

/// The rest of `wait`, once its waiter is woken or cancelled.
struct Notified {
    condition: Py<Condition>,
    future: Py<PyAny>,
}

impl Wait for Notified {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let waiter = self.condition.get().state.with(py, |condition| {
            condition.waiters.remove(|waiter| waiter.is(&self.future))
        });
        drop(waiter);
        let error = outcome.err();
        let reacquiring = Reacquiring {
            condition: self.condition,
            handled: error.as_ref().map(|error| error.clone_ref(py)),
            error,
        };
        reacquiring.acquire(py)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.condition)?;
        visit.call(&self.future)
    }
}

/// The part of `wait` that acquires the lock again. Cancellations do not stop it.
struct Reacquiring {
    condition: Py<Condition>,
    /// The exception to raise in the end: the one that ended the wait, or the last one while acquiring.
    error: Option<PyErr>,
    /// The exception that ended the wait. It is being handled while the lock is acquired.
    handled: Option<PyErr>,
}

impl Reacquiring {
    fn acquire(self, py: Python<'_>) -> PyResult<Step> {
        let guard = self.condition.get().guard(py)?;
        let step = match &self.handled {
            None => guard.acquire_step(py, Returns::True),
            Some(error) => cpython::handling(py, error, || {
                match guard.acquire_step(py, Returns::True)? {
                    Step::Wait(awaitable, wait) => {
                        Ok(Step::Wait(AwaitHandling::wrap(py, error, awaitable)?, wait))
                    }
                    step => Ok(step),
                }
            }),
        };
        Step::then(step, py, Box::new(self))
    }
}

impl Wait for Reacquiring {
    fn resume(mut self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        if let Err(error) = outcome {
            let cancelled = error.is_instance(py, imports::cancelled_error(py)?);
            self.error = Some(match &self.handled {
                Some(handled) => cpython::raised_while(py, handled, error),
                None => error,
            });
            if cancelled {
                return self.acquire(py);
            }
        }
        match self.error {
            None => Ok(Step::Return(Returns::True.into_object(py))),
            Some(error) => {
                // This task may have consumed a notification, which is passed on to another one.
                let condition = self.condition.get();
                cpython::handling(py, &error, || condition.notify_native(py, 1))?;
                Err(error)
            }
        }
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.condition)
    }
}

/// The rest of `wait_for`: tests the predicate after a notification.
struct TestAgain {
    condition: Py<Condition>,
    predicate: Py<PyAny>,
}

impl Wait for TestAgain {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        outcome?;
        Condition::wait_for_step(self.condition.bind(py), self.predicate)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.condition)?;
        visit.call(&self.predicate)
    }
}
