//! Objects that are called in place of another callable, without an argument tuple on the way.
//!
//! The interpreter calls a function through an address in the function object (PEP 590). PyO3's classes have no such field,
//! only `tp_call`, for which the arguments are packed into a tuple and unpacked again.

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::types::{PyString, PyType};
use pyo3::{PyClass, PyTraverseError};

use crate::cpython::memory::recycling::place;
use crate::cpython::slots::fast_method::{arguments, run_fast_path};
use crate::cpython::tricks::Trick;

/// The callable that is called in an object's place.
pub struct Callee {
    /// The function that the interpreter calls: [`vectorcall`].
    own: ffi::vectorcallfunc,
    object: Py<PyAny>,
    /// The callable's function of the same kind.
    call: ffi::vectorcallfunc,
}

impl Callee {
    /// Makes the field by which calls of an object of class `T` become calls of `object`.
    pub fn new<T: Forward>(object: &Bound<'_, PyAny>) -> Self {
        // SAFETY: a live object. If it has no such function, the general one is used, which takes any object.
        let function = unsafe { ffi::PyVectorcall_Function(object.as_ptr()) };
        Self {
            own: vectorcall::<T>,
            object: object.clone().unbind(),
            call: function.unwrap_or(ffi::PyObject_Vectorcall),
        }
    }

    /// Returns the callable.
    pub const fn object(&self) -> &Py<PyAny> {
        &self.object
    }

    /// Shows the reference to the garbage collector.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)
    }
}

/// A class whose instances are called in place of other callables.
pub trait Forward: PyClass<Frozen = True> + Sync {
    /// Returns the callable.
    fn callee(&self) -> &Callee;

    /// Does the work of a call without keywords; returns `None` to leave the call to the callable. It must not drop a `Py`,
    /// since PyO3 has not been told that the thread is attached.
    fn call_at_once<'py>(
        &self,
        py: Python<'py>,
        args: &[Borrowed<'_, 'py, PyAny>],
    ) -> Option<PyResult<Bound<'py, PyAny>>>;
}

/// Makes the interpreter call instances of `T` through the address in their [`Callee`], also as methods, without a bound
/// method object. `example` shows where in an object the address is.
pub fn install_forwarding<T: Forward>(example: &Bound<'_, T>) -> PyResult<()> {
    if !Trick::Calls.is_allowed() {
        return Ok(());
    }
    let field = (&raw const example.get().callee().own).addr();
    let offset = isize::try_from(field - example.as_ptr().addr())
        .map_err(|_| PyRuntimeError::new_err("the object has an impossible layout"))?;
    let ty = example.py().get_type::<T>();
    // SAFETY: a heap type that PyO3 made, of which no program has an instance yet, and without subclasses. The field is at
    // the same place in all instances, whose values lie in the objects; it is set when an instance is made and stays.
    unsafe {
        let raw = ty.as_type_ptr();
        (*raw).tp_vectorcall_offset = offset;
        // The interpreter caches where a method was found only if the method's type is immutable.
        (*raw).tp_flags |= ffi::Py_TPFLAGS_HAVE_VECTORCALL
            | ffi::Py_TPFLAGS_METHOD_DESCRIPTOR
            | ffi::Py_TPFLAGS_IMMUTABLETYPE;
        ffi::PyType_Modified(raw);
    }
    Ok(())
}

/// Calls the callable with the same arguments.
///
/// # Safety
/// As the interpreter calls it: with an instance of `T`, with arguments as in PEP 590, with the GIL held.
unsafe extern "C" fn vectorcall<T: Forward>(
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    flagged_count: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: only instances of `T` have this function, and the caller keeps them alive. The arguments are as many borrowed
    // references as the count says, and a `Borrowed` is laid out as a pointer. The interpreter calls from attached threads.
    unsafe {
        let me = &*place::<T>(slf);
        if names.is_null() {
            let py = Python::assume_attached();
            let count = ffi::PyVectorcall_NARGS(flagged_count).cast_unsigned();
            let args = arguments::<Borrowed<'_, '_, PyAny>>(args, count);
            if let Some(result) = run_fast_path(py, || me.call_at_once(py, args)) {
                return result;
            }
        }
        let callee = me.callee();
        (callee.call)(callee.object.as_ptr(), args, flagged_count, names)
    }
}

unsafe extern "C" {
    /// Makes a bound method (CPython: `Include/cpython/classobject.h`). PyO3 does not declare this function.
    fn PyMethod_New(function: *mut ffi::PyObject, object: *mut ffi::PyObject)
    -> *mut ffi::PyObject;
}

/// Calls `types.MethodType(function, object)`.
pub fn bind<'py>(
    function: &Bound<'py, PyAny>,
    object: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: live objects; the result is a new reference, or null with an exception set.
    unsafe {
        let method = PyMethod_New(function.as_ptr(), object.as_ptr());
        Bound::from_owned_ptr_or_err(function.py(), method)
    }
}

/// Sets an attribute of a class without changing its slots. `setattr` would replace a native slot function by one that
/// looks the name up at each use.
pub fn replace_in_class(
    class: &Bound<'_, PyType>,
    name: &Bound<'_, PyString>,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    // SAFETY: live objects. The class is a heap type that PyO3 made, whose dictionary is where the field says, and the
    // interpreter's caches are invalidated.
    let outcome = unsafe {
        let ty = class.as_type_ptr();
        let outcome = ffi::PyDict_SetItem((*ty).tp_dict, name.as_ptr(), value.as_ptr());
        ffi::PyType_Modified(ty);
        outcome
    };
    if outcome != 0 {
        return Err(PyErr::fetch(class.py()));
    }
    // The proof that this was the dictionary: the interpreter finds the value there.
    let names = class.getattr(intern!(class.py(), "__dict__"))?;
    match names.get_item(name) {
        Ok(found) if found.is(value) => Ok(()),
        _ => class.setattr(name, value),
    }
}
