//! What a coroutine yields to its task: a future to wait for, `None` to be resumed in the next iteration, or something
//! wrong.

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{AfterStep, Task, WakeupCallable, foreign};
use crate::base::imports;
use crate::kernel::future::native_future;
use crate::kernel::future::{Future, Home, Outcome, Waiter};

impl Task {
    /// Deals with what the coroutine has yielded.
    #[inline]
    pub(super) fn on_yield(slf: &Bound<'_, Self>, object: Bound<'_, PyAny>) -> PyResult<AfterStep> {
        if object.is_none() {
            return match slf.as_super().get().initialized(slf.py())? {
                Home::Native(_) => Ok(AfterStep::Soon),
                // A foreign `call_soon` may look at the current task, so it is called inside the step.
                home @ Home::Foreign(_) => {
                    foreign::schedule_step(home, slf).map(|()| AfterStep::OnWakeup)
                }
            };
        }
        match native_future(&object) {
            Some(future) => Self::wait_for_native(slf, future)?,
            None => Self::wait_for_any(slf, object)?,
        }
        Ok(AfterStep::OnWakeup)
    }

    /// Puts the task on the future's list of waiters.
    #[inline]
    fn wait_for_native(slf: &Bound<'_, Self>, future: &Bound<'_, Future>) -> PyResult<()> {
        let py = slf.py();
        let target = future.get();
        let same_loop = match (slf.as_super().get().home(py), target.home(py)) {
            (Some(mine), Some(its)) => mine.is(its),
            _ => false,
        };
        if !same_loop {
            return Self::fail_soon(slf, future.as_any(), Mistake::OtherLoop);
        }
        let pending = target.with(py, |state| {
            let pending = matches!(state.outcome, Outcome::Pending);
            std::mem::take(&mut state.blocking).then_some(pending)
        });
        let Some(pending) = pending else {
            return Self::fail_soon(slf, future.as_any(), Mistake::NotAwaited);
        };
        if future.is(slf) {
            return Self::fail_soon(slf, future.as_any(), Mistake::Itself);
        }
        let waiter = Waiter::Task(slf.clone().unbind());
        if pending {
            target.add_waiter(py, waiter);
        } else {
            Future::tell(future, waiter)?;
        }
        Self::note_awaited(slf, future.as_any())
    }

    /// Remembers the future that the coroutine awaits from now on. Cancels it if the task was cancelled in the step that
    /// has led to this wait.
    #[inline]
    fn note_awaited(slf: &Bound<'_, Self>, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let awaited = future.clone().unbind();
        let must_cancel = slf.get().with(slf.py(), |state| {
            state.waits_for = Some(awaited);
            state.must_cancel
        });
        if must_cancel {
            return Self::cancel_awaited(slf, future);
        }
        Ok(())
    }

    /// Passes the request to cancel the task on to the future, with the message that it came with.
    #[cold]
    fn cancel_awaited(slf: &Bound<'_, Self>, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let message = slf.as_super().get().cancel_message(py);
        if super::cancelling::cancel_any(future, message.as_ref().map(|message| message.bind(py)))?
        {
            slf.get().with(py, |state| state.must_cancel = false);
        }
        Ok(())
    }

    /// Waits for a future of another class by asyncio's protocol (`_asyncio_future_blocking`, `add_done_callback`).
    /// Anything else is a mistake.
    #[cold]
    fn wait_for_any(slf: &Bound<'_, Self>, object: Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let attribute = intern!(py, "_asyncio_future_blocking");
        let blocking = match object.getattr_opt(attribute)? {
            Some(blocking) if !blocking.is_none() => blocking.is_truthy()?,
            _ if object.is_instance(imports::generator_type(py)?)? => {
                return Self::fail_soon(slf, &object, Mistake::Generator);
            }
            _ => return Self::fail_soon(slf, &object, Mistake::BadYield),
        };
        let its_loop = imports::get_loop_of(py)?.call1((&object,))?;
        if !slf.as_super().get().initialized(py)?.as_any().is(&its_loop) {
            return Self::fail_soon(slf, &object, Mistake::OtherLoop);
        }
        if !blocking {
            return Self::fail_soon(slf, &object, Mistake::NotAwaited);
        }
        if object.is(slf) {
            return Self::fail_soon(slf, &object, Mistake::Itself);
        }
        object.setattr(attribute, false)?;
        let kwargs = PyDict::new(py);
        kwargs.set_item(intern!(py, "context"), slf.get().context(py))?;
        let wakeup = Bound::new(py, WakeupCallable::new(slf.clone().unbind()))?;
        object.call_method(intern!(py, "add_done_callback"), (wakeup,), Some(&kwargs))?;
        Self::note_awaited(slf, &object)
    }

    /// Makes the next step throw a `RuntimeError` that says what is wrong with the yielded object.
    #[cold]
    fn fail_soon(
        slf: &Bound<'_, Self>,
        object: &Bound<'_, PyAny>,
        mistake: Mistake,
    ) -> PyResult<()> {
        let py = slf.py();
        let (task, object) = (slf.repr()?, object.repr()?);
        let text = match mistake {
            Mistake::OtherLoop => {
                format!("Task {task} got Future {object} attached to a different loop")
            }
            Mistake::Itself => format!("Task cannot await on itself: {task}"),
            Mistake::NotAwaited => {
                format!("yield was used instead of yield from in task {task} with {object}")
            }
            Mistake::Generator => format!(
                "yield was used instead of yield from for generator in task {task} with {object}"
            ),
            Mistake::BadYield => format!("Task got bad yield: {object}"),
        };
        let error = PyRuntimeError::new_err(text).into_value(py).into_any();
        let old = slf.get().with(py, |state| state.to_throw.replace(error));
        drop(old);
        Self::schedule_step(slf)
    }
}

/// What is wrong with an object that a coroutine has yielded.
enum Mistake {
    OtherLoop,
    Itself,
    NotAwaited,
    Generator,
    BadYield,
}
