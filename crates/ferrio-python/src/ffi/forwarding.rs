//! Objects that are called in place of another callable, without an argument tuple on the way.
//!
//! The interpreter calls a function by an address that is in the function object (PEP 590). PyO3 gives its classes no such
//! field and `tp_call` only, for which arguments are packed into a tuple and unpacked again.

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::types::{PyString, PyType};
use pyo3::{PyClass, PyTraverseError};

use super::recycling::place;

/// What is called in an object's place.
pub struct Callee {
    /// Where the interpreter looks for what to call: the object's own [`vectorcall`].
    own: ffi::vectorcallfunc,
    object: Py<PyAny>,
    /// The callee's function of the same kind.
    call: ffi::vectorcallfunc,
    method: Method,
}

/// The native method behind the callee, if it is one. It is called at once, as the interpreter does where it knows what is
/// called: through the callee, which does the same, a call is 3 ns dearer.
enum Method {
    /// Without arguments.
    Plain(Py<PyType>, ffi::PyCFunction),
    /// With arguments, which may have names.
    Keywords(Py<PyType>, ffi::PyCFunctionFastWithKeywords),
    /// A function, or a slot.
    Other,
}

impl Method {
    fn of(object: &Bound<'_, PyAny>) -> Self {
        // SAFETY: a live object of exactly this type has this layout; a method's definition and class live as long as it,
        // and its flags say which of the functions it has.
        unsafe {
            if ffi::Py_TYPE(object.as_ptr()) != &raw mut ffi::PyMethodDescr_Type {
                return Self::Other;
            }
            let descriptor = object.as_ptr().cast::<ffi::PyMethodDescrObject>();
            let class = (*descriptor).d_common.d_type.cast();
            let class = Bound::from_borrowed_ptr(object.py(), class).cast_into_unchecked();
            let definition = (*descriptor).d_method;
            match (*definition).ml_flags {
                ffi::METH_NOARGS => Self::Plain(class.unbind(), (*definition).ml_meth.PyCFunction),
                flags if flags == ffi::METH_FASTCALL | ffi::METH_KEYWORDS => {
                    let function = (*definition).ml_meth.PyCFunctionFastWithKeywords;
                    Self::Keywords(class.unbind(), function)
                }
                _ => Self::Other,
            }
        }
    }
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
            method: Method::of(object),
        }
    }

    /// The callable.
    pub const fn object(&self) -> &Py<PyAny> {
        &self.object
    }

    /// Shows the garbage collector what is held.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Method::Plain(class, _) | Method::Keywords(class, _) = &self.method {
            visit.call(class)?;
        }
        visit.call(&self.object)
    }
}

/// A class whose instances are called in the place of others.
pub trait Forward: PyClass<Frozen = True> + Sync {
    /// What is called.
    fn callee(&self) -> &Callee;
}

/// Has instances of `T` be called by the address in their [`Callee`], and as methods without being bound. `example` shows where
/// in an object the address is.
pub fn install_forwarding<T: Forward>(example: &Bound<'_, T>) -> PyResult<()> {
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
    // SAFETY: only instances of `T` have this function; the callee lives as long as `slf`, which the caller keeps alive. A
    // native method gets an instance of its class, and of arguments what its flags say; the callee complains of the rest.
    unsafe {
        let callee = (*place::<T>(slf)).callee();
        let count = ffi::PyVectorcall_NARGS(flagged_count);
        match &callee.method {
            Method::Plain(class, function)
                if count == 1 && names.is_null() && is_instance(*args, class) =>
            {
                function(*args, std::ptr::null_mut())
            }
            Method::Keywords(class, function) if count >= 1 && is_instance(*args, class) => {
                function(*args, args.add(1).cast_mut(), count - 1, names)
            }
            _ => (callee.call)(callee.object.as_ptr(), args, flagged_count, names),
        }
    }
}

/// Whether the object is an instance of the class or of a subclass.
///
/// # Safety
/// It is live.
#[inline]
unsafe fn is_instance(object: *mut ffi::PyObject, class: &Py<PyType>) -> bool {
    // SAFETY: the caller's; a class is a type object.
    unsafe { ffi::PyObject_TypeCheck(object, class.as_ptr().cast()) != 0 }
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
    match outcome {
        0 => Ok(()),
        _ => Err(PyErr::fetch(class.py())),
    }
}
