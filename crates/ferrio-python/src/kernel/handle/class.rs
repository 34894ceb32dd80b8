//! The class [`Handle`]: its state, its representation, and the methods and attributes that Python sees.

use super::call::Invocation;
use super::lock::HandleLock;
use super::replaced_run::look_at_run;
use super::timer::When;
use crate::base::cell::AttachedCell;
use crate::kernel::event_loop::Loop;
use crate::{base::imports, cpython};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

/// The fields of a handle that only debug mode uses, kept apart so that they cost one word otherwise.
#[derive(Default)]
pub(super) struct DebugInfo {
    /// The stack where the handle was created.
    pub(super) source_traceback: Option<Py<PyAny>>,
    /// The representation of a cancelled handle, which no longer has its callback.
    pub(super) cancelled_repr: Option<String>,
}

impl DebugInfo {
    #[cold]
    pub(super) fn here(py: Python<'_>) -> PyResult<Box<Self>> {
        let source_traceback = Some(source_traceback(py)?);
        Ok(Box::new(Self {
            source_traceback,
            cancelled_repr: None,
        }))
    }
}

#[derive(Default)]
pub(super) struct HandleState {
    /// The callback with its arguments, until the handle is cancelled.
    pub(super) call: Option<Invocation>,
    pub(super) debug: Option<Box<DebugInfo>>,
}

/// A callback wrapper returned by `call_soon` and `call_soon_threadsafe` (CPython: `asyncio.Handle`).
#[pyclass(module = "ferrio", subclass, frozen, weakref)]
pub struct Handle {
    pub(super) event_loop: Py<Loop>,
    pub(super) context: Py<PyAny>,
    /// Held while the callback runs: another thread that cancels the handle either prevents the call or waits for its end.
    pub(super) lock: HandleLock,
    pub(super) state: AttachedCell<HandleState>,
}

/// Returns the stack of the running Python code, as debug mode records it.
pub fn source_traceback(py: Python<'_>) -> PyResult<Py<PyAny>> {
    match cpython::current_frame(py) {
        Some(frame) => Ok(imports::extract_stack(py)?.call1((frame,))?.unbind()),
        None => Ok(PyList::empty(py).into_any().unbind()),
    }
}

impl Handle {
    /// Whether `cancel` was called.
    pub fn is_cancelled(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.call.is_none())
    }

    pub(super) fn source_traceback<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.state
            .get_bound(py, |state| state.debug.as_ref()?.source_traceback.as_ref())
    }

    /// Returns the representation; `when` is the time of a timer.
    pub(super) fn describe(slf: &Bound<'_, Self>, when: Option<&When>) -> PyResult<String> {
        let py = slf.py();
        let me = slf.get();
        match (me.cancelled_repr(py), me.call(py)) {
            (Some(text), _) => Ok(text),
            (None, Some(call)) => Self::compose(slf, None, when, Some(call)),
            (None, None) => Self::compose(slf, Some("cancelled"), when, None),
        }
    }

    /// Returns the representation of a handle that was kept when the handle was cancelled in debug mode.
    fn cancelled_repr(&self, py: Python<'_>) -> Option<String> {
        self.state
            .with(py, |state| state.debug.as_ref()?.cancelled_repr.clone())
    }

    /// Joins the parts of a representation.
    fn compose(
        slf: &Bound<'_, Self>,
        mark: Option<&str>,
        when: Option<&When>,
        call: Option<Invocation>,
    ) -> PyResult<String> {
        let info = Self::info(slf, mark, when, call)?;
        Ok(format!("<{}>", info.join(" ")))
    }

    /// Returns the parts of a representation.
    fn info(
        slf: &Bound<'_, Self>,
        mark: Option<&str>,
        when: Option<&When>,
        call: Option<Invocation>,
    ) -> PyResult<Vec<String>> {
        let py = slf.py();
        let me = slf.get();
        let mut info = vec![slf.get_type().name()?.to_string()];
        info.extend(mark.map(str::to_owned));
        if let Some(when) = when {
            info.push(format!("when={}", when.object(py).repr()?));
        }
        if let Some(call) = call {
            info.push(me.format_callback(py, call)?);
        }
        if let Some(traceback) = me.source_traceback(py) {
            let frame = traceback.get_item(-1)?;
            let (file, line) = (frame.get_item(0)?, frame.get_item(1)?);
            info.push(format!("created at {file}:{line}"));
        }
        Ok(info)
    }

    /// Returns the parts of the current representation: `_repr_info`.
    pub(super) fn current_info(
        slf: &Bound<'_, Self>,
        when: Option<&When>,
    ) -> PyResult<Vec<String>> {
        let call = slf.get().call(slf.py());
        let mark = call.is_none().then_some("cancelled");
        Self::info(slf, mark, when, call)
    }

    /// Drops the callback and its arguments.
    pub(super) fn cancel_call(slf: &Bound<'_, Self>, when: Option<&When>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.event_loop.get().debug() {
            Self::keep_repr(slf, when)?;
        }
        if let Some(call) = me.state.with(py, |state| state.call.take()) {
            call.dispose(py);
        }
        Ok(())
    }

    /// Keeps the representation of a handle that is being cancelled, for the warning about a slow callback.
    #[cold]
    fn keep_repr(slf: &Bound<'_, Self>, when: Option<&When>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if let Some(call) = me.call(py) {
            let text = Self::compose(slf, Some("cancelled"), when, Some(call))?;
            me.state.with(py, |state| {
                state.debug.get_or_insert_default().cancelled_repr = Some(text);
            });
        }
        Ok(())
    }
}

cpython::recycle!(Handle, {
    #[inline]
    fn dispose(self, py: Python<'_>) {
        drop(self.event_loop.into_bound(py));
        drop(self.context.into_bound(py));
        let HandleState { call, debug } = self.state.into_inner();
        if let Some(call) = call {
            call.dispose(py);
        }
        if let Some(debug) = debug {
            drop(
                debug
                    .source_traceback
                    .map(|traceback| traceback.into_bound(py)),
            );
        }
    }
});

#[pymethods]
impl Handle {
    /// Cancel the callback. Does nothing if it has been cancelled or has run.
    fn cancel(slf: &Bound<'_, Self>) -> PyResult<()> {
        let _locked = slf.get().lock.lock(slf.py())?;
        Self::cancel_call(slf, None)
    }

    /// Return True if the callback was cancelled.
    fn cancelled(&self, py: Python<'_>) -> PyResult<bool> {
        let _locked = self.lock.lock(py)?;
        Ok(self.is_cancelled(py))
    }

    /// Return the contextvars.Context that the callback runs in.
    fn get_context(&self, py: Python<'_>) -> Py<PyAny> {
        self.context.clone_ref(py)
    }

    #[pyo3(name = "_run")]
    fn run_now<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if look_at_run(py)? {
            return super::replaced_run::run_replaced(slf);
        }
        Self::run(slf)?;
        Ok(py.None().into_bound(py))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Self::describe(slf, None)
    }

    /// The representation from before the handle was cancelled, in debug mode.
    #[getter(_repr)]
    fn get_cancelled_repr(&self, py: Python<'_>) -> Option<String> {
        self.cancelled_repr(py)
    }

    #[pyo3(name = "_repr_info")]
    fn repr_info(slf: &Bound<'_, Self>) -> PyResult<Vec<String>> {
        Self::current_info(slf, None)
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let class = if slf.get().lock.is_shared() {
            imports::thread_safe_handle_class(slf.py())?
        } else {
            imports::handle_class(slf.py())?
        };
        Ok(class.clone().unbind())
    }

    #[getter(_callback)]
    fn get_callback(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.call(py).map(|call| call.callback)
    }

    #[getter(_args)]
    fn get_args<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.call(py)
            .map(|call| call.args.into_tuple(py))
            .transpose()
    }

    #[getter(_cancelled)]
    fn get_cancelled(&self, py: Python<'_>) -> bool {
        self.is_cancelled(py)
    }

    #[getter(_context)]
    fn get_context_attribute(&self, py: Python<'_>) -> Py<PyAny> {
        self.context.clone_ref(py)
    }

    #[getter(_loop)]
    fn get_loop(&self, py: Python<'_>) -> Py<Loop> {
        self.event_loop.clone_ref(py)
    }

    #[getter(_source_traceback)]
    fn get_source_traceback(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.source_traceback(py).map(Bound::unbind)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.context)?;
        self.state.visit(&visit, |state| {
            if let Some(call) = &state.call {
                call.traverse(&visit)?;
            }
            match &state.debug {
                Some(debug) => visit.call(&debug.source_traceback),
                None => Ok(()),
            }
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.state.take(py)));
    }
}
