//! One step of a task: resuming the coroutine until it yields or ends (CPython: `Task.__step`).

use pyo3::intern;
use pyo3::prelude::*;

use super::{Task, current, registry};
use crate::base::errors::leaves_the_loop;
use crate::base::imports;
use crate::cpython::{self, Resumed, SelfAwait, Sent};
use crate::kernel::coroutine::Coroutine;
use crate::kernel::future::native_future;
use crate::kernel::future::{Future, Outcome};

impl Task {
    /// Runs `Callback::Step`: the first step of a task, or one after a bare `yield`.
    #[inline]
    pub fn on_ready(slf: &Bound<'_, Self>) -> PyResult<AfterStep> {
        Self::step(slf, None, Context::ToEnter)
    }

    /// Runs the same step for a loop that has entered the task's context itself.
    pub(super) fn on_ready_inside(slf: &Bound<'_, Self>) -> PyResult<()> {
        let next = Self::step(slf, None, Context::Entered)?;
        current::leave_last(slf)?;
        Self::do_next(slf, next)
    }

    /// Runs `Callback::Wakeup`: the step of a task whose awaited future is done.
    #[inline]
    pub fn on_wakeup(slf: &Bound<'_, Self>) -> PyResult<AfterStep> {
        let py = slf.py();
        let future = slf.get().with(py, |state| state.waits_for.take());
        let error = match &future {
            Some(future) => Self::error_of(future.bind(py))?,
            None => None,
        };
        Self::step(slf, error, Context::ToEnter)
    }

    /// Runs the same step for a loop or a future that has entered the task's context itself and passes the future.
    pub(super) fn on_wakeup_inside(
        slf: &Bound<'_, Self>,
        future: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let error = Self::error_of(future)?;
        let next = Self::step(slf, error, Context::Entered)?;
        current::leave_last(slf)?;
        Self::do_next(slf, next)
    }

    /// Schedules the next step if it is due soon, for callers that do not do this themselves.
    fn do_next(slf: &Bound<'_, Self>, next: AfterStep) -> PyResult<()> {
        match next {
            AfterStep::Soon => Self::schedule_step(slf),
            AfterStep::OnWakeup => Ok(()),
        }
    }

    /// Returns the exception that a done future has ended with, if it has not returned.
    fn error_of<'py>(future: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = future.py();
        let error = if let Some(future) = native_future(future) {
            let me = future.get();
            let ended_well = me.with(py, |state| {
                state.log_traceback = false;
                matches!(state.outcome, Outcome::Returned(_))
            });
            if ended_well {
                return Ok(None);
            }
            me.failure(py)?
        } else {
            match future.call_method0(intern!(py, "result")) {
                Ok(_) => return Ok(None),
                Err(error) => error.into_value(py).into_bound(py).into_any(),
            }
        };
        Ok(Some(error))
    }

    /// Runs one step. Raises only exceptions that leave the loop, and `InvalidStateError` for a task that is done.
    #[inline]
    fn step<'py>(
        slf: &Bound<'py, Self>,
        error: Option<Bound<'py, PyAny>>,
        entering: Context,
    ) -> PyResult<AfterStep> {
        let py = slf.py();
        let me = slf.get();
        let ready = if error.is_some() || slf.as_super().get().is_done(py) {
            None
        } else {
            me.state.get_bound(py, |state| state.ready())
        };
        let Resumption { coroutine, error } = match ready {
            Some(coroutine) => Resumption {
                coroutine,
                error: None,
            },
            None => match Self::prepare(slf, error)? {
                Some(resumption) => resumption,
                None => return Ok(AfterStep::OnWakeup),
            },
        };
        let current = current::enter(slf)?;
        let context = match entering {
            Context::ToEnter => me.context.get(py).map(|context| context.bind(py)),
            Context::Entered => None,
        };
        match Self::run(slf, &coroutine, context, error) {
            Ok(AfterStep::Soon) => current::leave_ready(current, slf).map(|()| AfterStep::Soon),
            Ok(AfterStep::OnWakeup) => current.leave().map(|()| AfterStep::OnWakeup),
            Err(error) => {
                // This error hides one of `leave`, which fails in a child process that was forked in the step: there, no
                // loop is running.
                drop(current.leave());
                Err(error)
            }
        }
    }

    /// Finds out what the step has to do if that is more than resuming the coroutine with `None`. Returns `None` if the
    /// garbage collector has taken the coroutine away.
    #[cold]
    fn prepare<'py>(
        slf: &Bound<'py, Self>,
        error: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Resumption<'py>>> {
        let py = slf.py();
        current::leave_last(slf)?;
        if slf.as_super().get().is_done(py) {
            return Err(Self::already_done(slf, error));
        }
        let parts = slf.get().with(py, |state| {
            let coroutine = state.coroutine.as_ref()?.bind(py).clone();
            let must_cancel = std::mem::take(&mut state.must_cancel);
            let unusual = (state.to_throw.take(), state.waits_for.take());
            Some((coroutine, must_cancel, unusual))
        });
        let Some((coroutine, must_cancel, (to_throw, waited))) = parts else {
            return Ok(None);
        };
        drop(waited);
        let error = error.or_else(|| to_throw.map(|error| error.into_bound(py)));
        let error = if must_cancel {
            Some(Self::cancellation(slf, error)?)
        } else {
            error
        };
        Ok(Some(Resumption { coroutine, error }))
    }

    /// Returns the exception to throw into the coroutine of a task that was cancelled before the step.
    #[cold]
    fn cancellation<'py>(
        slf: &Bound<'py, Self>,
        error: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match error {
            Some(error) if error.is_instance(imports::cancelled_error(py)?)? => Ok(error),
            _ => slf.as_super().get().cancelled_error(py),
        }
    }

    #[cold]
    fn already_done(slf: &Bound<'_, Self>, error: Option<Bound<'_, PyAny>>) -> PyErr {
        let py = slf.py();
        let error = error.unwrap_or_else(|| py.None().into_bound(py));
        let text = slf.repr().and_then(|task| {
            let error = error.repr()?;
            Ok(format!("__step(): already done: {task} {error}"))
        });
        match text {
            Ok(text) => cpython::raise_new(imports::invalid_state_error(py), (text,)),
            Err(error) => error,
        }
    }

    /// Resumes the coroutine, in the context if there is one to enter, and deals with what it yields, returns or raises.
    fn run(
        slf: &Bound<'_, Self>,
        coroutine: &Bound<'_, PyAny>,
        context: Option<&Bound<'_, PyAny>>,
        error: Option<Bound<'_, PyAny>>,
    ) -> PyResult<AfterStep> {
        // An error here is not the coroutine's, which has not run, and does not end the task.
        let entered = context.map(cpython::enter_context).transpose()?;
        let outcome = match error {
            None => resume(coroutine),
            Some(error) => throw(coroutine, &error),
        };
        drop(entered);
        match outcome {
            Ok(Sent::Yielded(object)) => Self::on_yield(slf, object.into_bound(slf.py())),
            Ok(Sent::Returned(result)) => {
                Self::on_return(slf, result).map(|()| AfterStep::OnWakeup)
            }
            Err(error) => Self::on_raise(slf, error.into()).map(|()| AfterStep::OnWakeup),
        }
    }

    fn on_return(slf: &Bound<'_, Self>, result: Py<PyAny>) -> PyResult<()> {
        let py = slf.py();
        let (must_cancel, key) = slf.get().with(py, |state| {
            (
                std::mem::take(&mut state.must_cancel),
                state.registration.take(),
            )
        });
        registry::remove_if_any(py, key);
        let future = slf.as_super();
        if must_cancel {
            // Cancelled right before the coroutine returned.
            return Future::finish(future, Outcome::Cancelled);
        }
        Future::finish(future, Outcome::Returned(result))
    }

    #[cold]
    fn on_raise(slf: &Bound<'_, Self>, error: PyErr) -> PyResult<()> {
        let py = slf.py();
        let key = slf.get().with(py, |state| state.registration.take());
        registry::remove_if_any(py, key);
        let future = slf.as_super();
        let leaves = leaves_the_loop(py, &error);
        let exception = error.into_value(py).into_bound(py).into_any();
        if exception.is_instance(imports::cancelled_error(py)?)? {
            // The exception has the message.
            future.get().set_cancel_message(py, None);
            future.get().set_cancelled_error(py, exception.unbind());
            return Future::finish(future, Outcome::Cancelled);
        }
        Future::fail(future, exception.clone())?;
        if leaves {
            return Err(PyErr::from_value(exception));
        }
        Ok(())
    }

    /// Runs the first step at once, inside the step or callback that makes the task.
    pub(super) fn start_eagerly(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let previous = current::swap(slf, Some(slf.as_any()))?;
        registry::add(slf)?;
        let coroutine = me.state.get_bound(py, |state| state.coroutine.as_ref());
        let context = me.context.get(py).map(|context| context.bind(py));
        let outcome = match coroutine {
            Some(coroutine) => {
                Self::run(slf, &coroutine, context, None).and_then(|next| Self::do_next(slf, next))
            }
            None => Ok(()),
        };
        let swapped = current::swap(slf, previous.as_ref());
        if slf.as_super().get().is_done(py) {
            let coroutine = me.with(py, |state| state.coroutine.take());
            drop(coroutine);
        }
        if outcome.is_err() {
            let key = me.with(py, |state| state.registration.take());
            registry::remove_if_any(py, key);
        }
        outcome.and(swapped.map(drop))
    }
}

/// When a task's next step is due.
#[derive(Clone, Copy)]
pub enum AfterStep {
    /// In the next iteration, after a bare `yield`. The caller of the step schedules the task.
    Soon,
    /// When the awaited future is done; or never.
    OnWakeup,
}

/// What a step does: it resumes the coroutine with `None`, or throws an error into it.
struct Resumption<'py> {
    coroutine: Bound<'py, PyAny>,
    error: Option<Bound<'py, PyAny>>,
}

/// Whether a step has to enter the task's context, or its caller has done so.
enum Context {
    ToEnter,
    Entered,
}

/// Resumes a coroutine: one of an `async def`, as nearly always, and a native one, directly; any other by its methods.
#[inline]
fn resume(coroutine: &Bound<'_, PyAny>) -> Resumed {
    if cpython::is_exact_coroutine(coroutine) {
        return cpython::iter_send(coroutine.py(), coroutine.as_unbound(), None);
    }
    match coroutine.cast_exact::<Coroutine>() {
        Ok(coroutine) => Coroutine::resume(coroutine),
        Err(_) => cpython::resume(coroutine),
    }
}

/// Throws into a coroutine.
fn throw(coroutine: &Bound<'_, PyAny>, error: &Bound<'_, PyAny>) -> Resumed {
    let py = coroutine.py();
    let outcome = coroutine.call_method1(intern!(py, "throw"), (error,));
    cpython::from_method_result(py, outcome)
}
