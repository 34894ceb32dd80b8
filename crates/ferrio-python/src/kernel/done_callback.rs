//! [`DoneCallback`]: a done-callback of ferrio's own, which needs no Python object.
//!
//! asyncio's combinators (`gather`, `wait`, `TaskGroup`, …) pass bound methods and closures to `add_done_callback`. Their
//! native counterparts are `DoneCallback`s: they stand in a future's list of waiters among tasks and callbacks, and the
//! loop calls them in the iteration and in the order in which asyncio would. The layers above define what they do.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use crate::kernel::future::{Future, Waiter, native_future};
use crate::kernel::kinds::{Kind, Kinds, Number};

/// A kind of done-callback: a `static` in the module that waits with it.
pub type DoneCallbackKind = Kind<Description>;

/// What a kind of done-callback does.
pub struct Description {
    /// The function to call with the callback and the future that is done.
    call: fn(&DoneCallback, &Bound<'_, PyAny>) -> PyResult<()>,
    /// The function that finds the task that waits, if the kind knows it.
    waiting_task: fn(&DoneCallback, Python<'_>) -> Option<Py<PyAny>>,
    /// The `__qualname__` of asyncio's counterpart.
    name: &'static str,
}

static KINDS: Kinds<Description> = Kinds::new();

impl DoneCallbackKind {
    /// Makes a kind, with the `__qualname__` of asyncio's counterpart and the function to call.
    pub const fn of(
        name: &'static str,
        call: fn(&DoneCallback, &Bound<'_, PyAny>) -> PyResult<()>,
    ) -> Self {
        Self::new(Description {
            call,
            waiting_task: |_, _| None,
            name,
        })
    }

    /// Makes a kind that knows the task that waits, for the call graph of Python 3.14.
    pub const fn of_task(
        name: &'static str,
        call: fn(&DoneCallback, &Bound<'_, PyAny>) -> PyResult<()>,
        waiting_task: fn(&DoneCallback, Python<'_>) -> Option<Py<PyAny>>,
    ) -> Self {
        Self::new(Description {
            call,
            waiting_task,
            name,
        })
    }
}

/// A native done-callback: its kind, and the objects and the number that it is called with.
pub struct DoneCallback {
    kind: Number,
    /// The number by which `object` knows the future.
    place: u32,
    object: Py<PyAny>,
    second: Option<Py<PyAny>>,
}

// Every future has room for one waiter.
const _: () = assert!(size_of::<Waiter>() == 24, "three words");

impl DoneCallback {
    /// Makes a callback of a kind, for an object of the class that the kind is for.
    #[inline]
    pub fn new<T>(kind: &'static DoneCallbackKind, object: &Bound<'_, T>) -> Self {
        Self {
            kind: kind.number(&KINDS),
            place: 0,
            object: object.as_any().clone().unbind(),
            second: None,
        }
    }

    /// Sets the number by which the object knows the future.
    #[must_use]
    pub fn at(self, place: u32) -> Self {
        Self { place, ..self }
    }

    /// Sets the second object.
    #[must_use]
    pub fn with(self, second: Option<Py<PyAny>>) -> Self {
        Self { second, ..self }
    }

    /// Returns the object that the callback is for.
    #[inline]
    pub fn object<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.object.bind(py)
    }

    /// Returns the number by which the object knows the future.
    pub const fn place(&self) -> u32 {
        self.place
    }

    /// Returns the second object, if there is one.
    pub const fn second(&self) -> Option<&Py<PyAny>> {
        self.second.as_ref()
    }

    /// Calls the callback: `future` is done.
    #[inline]
    pub fn call(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        (KINDS.get(self.kind).call)(self, future)
    }

    /// Adds the callback to a future of any class.
    #[inline]
    pub fn attach(self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = future.py();
        if let Some(future) = native_future(future) {
            let waiter = Waiter::Native(self);
            if future.get().is_done(py) {
                return Future::tell(future, waiter);
            }
            future.get().add_waiter(py, waiter);
            return Ok(());
        }
        let callable = self.into_callable(py)?;
        future.call_method1(intern!(py, "add_done_callback"), (callable,))?;
        Ok(())
    }

    /// Removes the callback from a future of any class. Does nothing if the future does not have it any more.
    pub fn detach(self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = future.py();
        if let Some(future) = native_future(future) {
            let removed = future.get().with(py, |state| {
                state.waiters.take_first(
                    |waiter| matches!(waiter, Waiter::Native(callback) if callback.is(&self)),
                )
            });
            drop(removed);
            return Ok(());
        }
        let callable = self.into_callable(py)?;
        future.call_method1(intern!(py, "remove_done_callback"), (callable,))?;
        Ok(())
    }

    /// Returns the task that waits, if the kind knows it: for the call graph.
    pub fn waiting_task(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        (KINDS.get(self.kind).waiting_task)(self, py)
    }

    /// Makes a Python object of the callback, for those who need one.
    pub fn into_callable(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, CallableDoneCallback(self))?.into_any())
    }

    /// Clones the callback.
    pub fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            kind: self.kind,
            place: self.place,
            object: self.object.clone_ref(py),
            second: self.second.as_ref().map(|second| second.clone_ref(py)),
        }
    }

    /// Whether `other` is the same callback. The second object is not compared.
    pub fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.place == other.place && self.object.is(&other.object)
    }

    /// Shows the references to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)?;
        visit.call(&self.second)
    }
}

/// The callback as an object, for futures that are not ferrio's.
#[pyclass(module = "ferrio", frozen)]
pub struct CallableDoneCallback(DoneCallback);

impl CallableDoneCallback {
    /// Returns the callback.
    pub const fn callback(&self) -> &DoneCallback {
        &self.0
    }
}

#[pymethods]
impl CallableDoneCallback {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        self.0.call(future)
    }

    #[getter(__qualname__)]
    fn qualified_name(&self) -> &'static str {
        KINDS.get(self.0.kind).name
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
        self.0.object.as_ptr() as usize
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.traverse(visit)
    }
}
