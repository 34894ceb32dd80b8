//! Scheduling callbacks: `call_soon`, `call_later`, `call_at`, `call_soon_threadsafe`.

use ferrio::engine::Time;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyString, PyTuple};

use super::{Callback, Loop};
use crate::base::errors::os_error;
use crate::kernel::handle::{Args, Handle, HandleParts, TimerHandle, When};
use crate::{base::imports, cpython};

impl Loop {
    /// Does what `call_soon` does, for callers inside the bindings, which need no checks.
    pub fn schedule<'py>(
        slf: &Bound<'py, Self>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        if slf.get().overrides_call_soon() {
            let call_soon = intern!(slf.py(), "call_soon");
            return call_override(slf, call_soon, vec![callback], &args, context).map(drop);
        }
        Self::queue(slf, callback, args, context).map(drop)
    }

    /// Raises `RuntimeError` unless something may be scheduled now: the loop is open and, in debug mode, this is its thread.
    #[inline]
    pub fn check_scheduling(&self) -> PyResult<()> {
        self.check_open()?;
        if self.debug() {
            self.check_thread()?;
        }
        Ok(())
    }

    /// Puts a callback into the queue for the next iteration, after the checks of `call_soon`. On an error the callback is
    /// dropped.
    #[inline]
    pub fn push_checked(&self, py: Python<'_>, callback: Callback) -> PyResult<()> {
        self.check_scheduling()?;
        self.push(py, callback);
        Ok(())
    }

    /// Does the checks of the methods that schedule a callback from the loop's own thread.
    #[inline]
    fn check_call(
        slf: &Bound<'_, Self>,
        callback: &Bound<'_, PyAny>,
        method: &str,
    ) -> PyResult<()> {
        let me = slf.get();
        me.check_open()?;
        if me.debug() {
            me.check_thread()?;
            Self::check_callback(slf, callback, method)?;
        }
        Ok(())
    }

    /// Does what `call_soon` does after its checks.
    fn queue<'py>(
        slf: &Bound<'py, Self>,
        callback: Bound<'py, PyAny>,
        args: impl Into<Args>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Handle>> {
        let handle = HandleParts::new(slf, callback, args, context)?.create()?;
        let payload = Callback::Handle(handle.clone().unbind());
        slf.get().push(slf.py(), payload);
        Ok(handle)
    }

    /// Does what `call_soon_threadsafe` does after its checks.
    fn queue_thread_safe<'py>(
        slf: &Bound<'py, Self>,
        callback: Bound<'py, PyAny>,
        args: impl Into<Args>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Handle>> {
        let py = slf.py();
        let me = slf.get();
        let handle = HandleParts::new(slf, callback, args, context)?.create_thread_safe()?;
        let payload = Callback::Handle(handle.clone().unbind());
        if me.runs_in_another_thread() {
            let injected = me.injector.push(payload);
            injected.map_err(|error| os_error(py, &error))?;
        } else {
            me.push(py, payload);
        }
        Ok(handle)
    }

    /// Returns `loop.time()`: from the system's clock, or from what a subclass or a program has put in its place.
    #[inline]
    pub fn now(slf: &Bound<'_, Self>) -> PyResult<f64> {
        if slf.get().has_system_time() {
            return Ok(Time::now().as_secs_f64());
        }
        slf.call_method0(intern!(slf.py(), "time"))?.extract()
    }

    /// Does the checks and the work of `call_later` and `call_at`.
    fn schedule_at<'py>(
        slf: &Bound<'py, Self>,
        when: When,
        callback: Bound<'py, PyAny>,
        args: impl Into<Args>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, TimerHandle>> {
        let py = slf.py();
        let me = slf.get();
        Self::check_call(slf, &callback, "call_at")?;
        let seconds = when.seconds();
        check_time(seconds)?;
        let parts = HandleParts::new(slf, callback, args, context)?;
        let timer = TimerHandle::create(parts, when)?;
        let payload = Callback::Handle(timer.as_super().clone().unbind());
        // The time is converted this late because `call_later` has just read the clock, whose answer takes a while to
        // arrive in the processor.
        let key = me.core(py, |core| {
            core.schedule(Time::from_secs_f64(seconds), payload)
        });
        timer.get().set_key(py, key);
        Ok(timer)
    }
}

#[pymethods]
impl Loop {
    /// Return the loop's clock in seconds: time.monotonic().
    fn time<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if cpython::clock_is_replaced(py)? {
            // Call asyncio's own method: some clocks for tests look for its frame.
            return imports::base_event_loop(py)?.call_method1(intern!(py, "time"), (slf,));
        }
        Ok(PyFloat::new(py, Time::now().as_secs_f64()).into_any())
    }

    /// Call callback(*args) in the next iteration and return its Handle.
    ///
    /// Callbacks run in the order in which they were registered, each exactly once, in the contextvars.Context given
    /// or in a copy of the current one. Not thread-safe.
    ///
    /// Raises RuntimeError if the loop is closed; in debug mode also if called from another thread than the loop's,
    /// and TypeError if callback is not callable or is a coroutine (function).
    #[pyo3(signature = (callback, *args, context = None))]
    fn call_soon<'py>(
        slf: &Bound<'py, Self>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Handle>> {
        Self::check_call(slf, &callback, "call_soon")?;
        Self::queue(slf, callback, args, context)
    }

    /// Like call_soon(), from any thread and from signal handlers: wakes the loop up if it waits.
    #[pyo3(signature = (callback, *args, context = None))]
    fn call_soon_threadsafe<'py>(
        slf: &Bound<'py, Self>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Handle>> {
        let me = slf.get();
        me.check_open()?;
        if me.debug() {
            Self::check_callback(slf, &callback, "call_soon_threadsafe")?;
        }
        Self::queue_thread_safe(slf, callback, args, context)
    }

    /// Call callback(*args) after delay seconds and return its TimerHandle.
    ///
    /// Never early; two calls that are due at the same time run in the order in which they were scheduled.
    /// Raises TypeError if delay is None, ValueError if it is NaN, and what call_soon() raises.
    #[pyo3(signature = (delay, callback, *args, context = None))]
    fn call_later<'py>(
        slf: &Bound<'py, Self>,
        delay: &Bound<'py, PyAny>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if delay.is_none() {
            return Err(PyTypeError::new_err("delay must not be None"));
        }
        let when = time_after(Self::now(slf)?, delay)?;
        if slf.get().overrides_call_at() {
            let call_at = intern!(slf.py(), "call_at");
            let first = vec![when.object(slf.py()), callback];
            return call_override(slf, call_at, first, &args, context);
        }
        let timer = Self::schedule_at(slf, when, callback, args, context)?;
        Ok(timer.into_any())
    }

    /// Like call_later(), at an absolute time on the clock of loop.time(), in seconds.
    #[pyo3(signature = (when, callback, *args, context = None))]
    fn call_at<'py>(
        slf: &Bound<'py, Self>,
        when: &Bound<'py, PyAny>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, TimerHandle>> {
        if when.is_none() {
            return Err(PyTypeError::new_err("when cannot be None"));
        }
        Self::schedule_at(slf, When::new(when)?, callback, args, context)
    }
}

impl Loop {
    /// Whether the methods need no checks: the loop is open and not in debug mode.
    #[inline]
    fn needs_no_checks(&self) -> bool {
        !self.closed() && !self.debug()
    }
}

cpython::fast_method!(CallSoon: Loop, "call_soon", |slf, args| {
    call_without_checks(slf, args, Loop::queue)
});

cpython::fast_method!(CallSoonThreadSafe: Loop, "call_soon_threadsafe", |slf, args| {
    call_without_checks(slf, args, Loop::queue_thread_safe)
});

/// Does what `call_soon` and `call_soon_threadsafe` do with a callback and its arguments, where no checks are needed.
#[inline(always)]
fn call_without_checks<'py>(
    slf: &Bound<'py, Loop>,
    args: &[Bound<'py, PyAny>],
    queue: impl FnOnce(
        &Bound<'py, Loop>,
        Bound<'py, PyAny>,
        Args,
        Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Handle>>,
) -> Option<PyResult<Bound<'py, PyAny>>> {
    let (callback, args) = args.split_first().filter(|_| slf.get().needs_no_checks())?;
    let args = Args::new(slf.py(), args);
    let handle = args.and_then(|args| queue(slf, callback.clone(), args, None));
    Some(handle.map(Bound::into_any))
}

cpython::fast_method!(CallLater: Loop, "call_later", |slf, args| {
    let [delay, callback, args @ ..] = args else {
        return None;
    };
    let me = slf.get();
    if !me.needs_no_checks() || me.overrides_call_at() || !me.has_system_time() {
        return None;
    }
    let delay = plain_seconds(delay)?;
    if delay.is_nan() {
        return None;
    }
    let when = When::Float(Time::now().as_secs_f64() + delay);
    let args = Args::new(slf.py(), args);
    let callback = callback.clone();
    let timer = args.and_then(|args| Loop::schedule_at(slf, when, callback, args, None));
    Some(timer.map(Bound::into_any))
});

/// Installs the fast paths of the methods that programs call most.
pub fn install_fast_methods(py: Python<'_>) -> PyResult<()> {
    cpython::install_fast_method::<Loop, CallSoon>(py)?;
    cpython::install_fast_method::<Loop, CallSoonThreadSafe>(py)?;
    cpython::install_fast_method::<Loop, CallLater>(py)
}

/// Returns the seconds of a delay that is exactly a float or an integer; `None` for any other object.
#[inline]
pub fn plain_seconds(delay: &Bound<'_, PyAny>) -> Option<f64> {
    match delay.cast_exact::<PyFloat>() {
        Ok(delay) => Some(delay.value()),
        Err(_) => whole_seconds(delay),
    }
}

/// Returns `now + delay`. A delay that is no plain number is added by its own methods, which may raise.
pub fn time_after(now: f64, delay: &Bound<'_, PyAny>) -> PyResult<When> {
    match plain_seconds(delay) {
        Some(seconds) => Ok(When::Float(now + seconds)),
        None => When::new(&PyFloat::new(delay.py(), now).add(delay)?),
    }
}

/// Returns the seconds of a delay that is exactly an integer; `None` for any other object, and for an integer that is too
/// large for a float.
#[inline(never)]
fn whole_seconds(delay: &Bound<'_, PyAny>) -> Option<f64> {
    let delay = delay.cast_exact::<PyInt>().ok()?.extract();
    delay.map_err(|error| Python::attach(|_| drop(error))).ok()
}

/// Converts seconds on a loop's clock into a time. Raises `ValueError` for NaN, which cannot be ordered.
pub fn time_at(seconds: f64) -> PyResult<Time> {
    check_time(seconds)?;
    Ok(Time::from_secs_f64(seconds))
}

#[inline]
fn check_time(seconds: f64) -> PyResult<()> {
    if seconds.is_nan() {
        return Err(PyValueError::new_err("Invalid delay: NaN (not a number)"));
    }
    Ok(())
}

/// Calls a method of a subclass or a program that stands in place of the loop's own: `method(*first, *args)`, with the
/// context as a keyword argument if there is one.
fn call_override<'py>(
    slf: &Bound<'py, Loop>,
    method: &Bound<'py, PyString>,
    mut first: Vec<Bound<'py, PyAny>>,
    args: &Bound<'py, PyTuple>,
    context: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    first.extend(args.iter());
    let kwargs = match context {
        Some(context) => {
            let kwargs = PyDict::new(py);
            kwargs.set_item(intern!(py, "context"), context)?;
            Some(kwargs)
        }
        None => None,
    };
    slf.call_method(method, PyTuple::new(py, first)?, kwargs.as_ref())
}
