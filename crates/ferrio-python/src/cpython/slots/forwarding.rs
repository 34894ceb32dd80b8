//! Objects that are called in place of another callable, without an argument tuple on the way.
//!
//! The interpreter calls a function by an address that is in the function object (PEP 590). PyO3 gives its classes no such
//! field and `tp_call` only, for which arguments are packed into a tuple and unpacked again.

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::types::{PyString, PyType};
use pyo3::{PyClass, PyTraverseError};

use crate::cpython::memory::recycling::place;
use crate::cpython::slots::fast_method::{arguments, quickly};
use crate::cpython::tricks::Trick;

/// What is called in an object's place.
pub struct Callee {
    /// Where the interpreter looks for what to call: the object's own [`vectorcall`].
    own: ffi::vectorcallfunc,
    object: Py<PyAny>,
    /// The callee's function of the same kind.
    call: ffi::vectorcallfunc,
}

impl Callee {
    /// Calls of an object of class `T` become calls of `object`.
    pub fn new<T: Forward>(object: &Bound<'_, PyAny>) -> Self {
        // SAFETY: a live object, which is callable if there is such a function; the general one takes any object.
        let function = unsafe { ffi::PyVectorcall_Function(object.as_ptr()) };
        Self {
            own: vectorcall::<T>,
            object: object.clone().unbind(),
            call: function.unwrap_or(ffi::PyObject_Vectorcall),
        }
    }

    /// The callable.
    pub const fn object(&self) -> &Py<PyAny> {
        &self.object
    }

    /// Shows the garbage collector what is held.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)
    }
}

/// A class whose instances are called in the place of others.
pub trait Forward: PyClass<Frozen = True> + Sync {
    /// What is called.
    fn callee(&self) -> &Callee;

    /// Does what a call without keywords would come to; `None` if it is for the callee to do. It drops no reference: the
    /// interpreter has not been told that the thread is inside.
    fn call_at_once<'py>(
        &self,
        py: Python<'py>,
        args: &[Borrowed<'_, 'py, PyAny>],
    ) -> Option<PyResult<Bound<'py, PyAny>>>;
}

/// Has instances of `T` be called by the address in their [`Callee`], and as methods without being bound. `example` shows where
/// in an object the address is.
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
        // The interpreter remembers where a method was found only if the method's type does not change.
        (*raw).tp_flags |= ffi::Py_TPFLAGS_HAVE_VECTORCALL
            | ffi::Py_TPFLAGS_METHOD_DESCRIPTOR
            | ffi::Py_TPFLAGS_IMMUTABLETYPE;
        ffi::PyType_Modified(raw);
    }
    Ok(())
}

/// Calls the callee with the same arguments.
///
/// # Safety
/// The interpreter's: an instance of `T`, arguments as PEP 590 has them, the GIL held.
unsafe extern "C" fn vectorcall<T: Forward>(
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    flagged_count: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: only instances of `T` have this function, which live as long as the caller keeps them alive; the arguments are
    // as many borrowed references as is said, laid out as pointers are. The interpreter calls from attached threads.
    unsafe {
        let me = &*place::<T>(slf);
        if names.is_null() {
            let py = Python::assume_attached();
            let count = ffi::PyVectorcall_NARGS(flagged_count).cast_unsigned();
            let args = arguments::<Borrowed<'_, '_, PyAny>>(args, count);
            if let Some(result) = quickly(py, || me.call_at_once(py, args)) {
                return result;
            }
        }
        let callee = me.callee();
        (callee.call)(callee.object.as_ptr(), args, flagged_count, names)
    }
}

unsafe extern "C" {
    /// Makes a bound method (CPython: `Include/cpython/classobject.h`), which PyO3 does not declare.
    fn PyMethod_New(function: *mut ffi::PyObject, object: *mut ffi::PyObject)
    -> *mut ffi::PyObject;
}

/// `types.MethodType(function, object)`.
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

/// Puts `value` into the dictionary of `class` under `name`, and leaves the slots of the class as they are, which
/// `setattr` would have look the name up at each use.
pub fn replace_in_class(
    class: &Bound<'_, PyType>,
    name: &Bound<'_, PyString>,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    // SAFETY: a heap type that PyO3 made, whose dictionary is where the field says; what the interpreter has cached is
    // invalidated. All are live objects.
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
