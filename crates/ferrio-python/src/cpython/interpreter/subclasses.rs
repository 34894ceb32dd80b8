//! Overrides of native classes: by subclasses that Python code makes, and by programs that set attributes of a native class
//! itself. The `__class__` of instances.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

/// Whether the class is a subclass of `T` that overrides one of these attributes.
pub fn overrides<T: PyTypeInfo>(
    class: &Bound<'_, PyType>,
    names: &[&Bound<'_, PyString>],
) -> PyResult<bool> {
    let native = class.py().get_type::<T>();
    if class.is(&native) {
        return Ok(false);
    }
    for &name in names {
        if !class.getattr(name)?.is(&native.getattr(name)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the class of an object is a subclass of `T` that overrides this attribute.
#[inline]
pub fn has_own<T: PyTypeInfo>(
    object: &Bound<'_, PyAny>,
    name: &Bound<'_, PyString>,
) -> PyResult<bool> {
    Ok(!object.is_exact_instance_of::<T>() && overrides::<T>(&object.get_type(), &[name])?)
}

/// Returns the `__class__` of an object: asyncio's class, so that `isinstance` with it holds; for a subclass of `T`, the
/// subclass.
pub fn class_of<T: PyTypeInfo>(
    object: &Bound<'_, PyAny>,
    asyncio_class: &Bound<'_, PyAny>,
) -> Py<PyAny> {
    if object.is_exact_instance_of::<T>() {
        asyncio_class.clone().unbind()
    } else {
        object.get_type().into_any().unbind()
    }
}

/// One plus the number of times that a program has set or deleted an attribute of a native class or of a subclass of one.
static CHANGES: AtomicU32 = AtomicU32::new(1);

/// Takes the place of the number of changes where nobody counts them.
const UNCOUNTED: u32 = u32::MAX;

/// Counts a change of a native class; called by the metaclass. The class version cannot be used here: the interpreter gives
/// none to a class that has a method resolution order of its own.
pub fn class_changed() {
    if CHANGES.load(Relaxed) != UNCOUNTED {
        CHANGES.fetch_add(1, Relaxed);
    }
}

/// For an interpreter in which native classes do not get their metaclass, so that nobody counts: methods are looked up each time.
pub fn changes_are_not_counted() {
    CHANGES.store(UNCOUNTED, Relaxed);
}

/// A method of a native class that a program may replace in the class.
pub struct Method {
    name: &'static str,
    /// The value of [`CHANGES`] when the method was found to be the native one, or 0.
    native_at: AtomicU32,
}

impl Method {
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            native_at: AtomicU32::new(0),
        }
    }

    /// Whether the class still has the native method, for an instance of exactly this class. This costs a comparison. If it
    /// cannot be found out, the answer is no: calling the method as an attribute is always right.
    #[inline]
    pub fn is_native(&self, object: &Bound<'_, PyAny>) -> bool {
        self.native_at.load(Relaxed) == CHANGES.load(Relaxed) || self.look(object).unwrap_or(false)
    }

    #[cold]
    fn look(&self, object: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = object.py();
        let class = object.get_type();
        let changes = CHANGES.load(Relaxed);
        let method = class.getattr(self.name)?;
        let descriptor = py.get_type::<PyString>().getattr("join")?.get_type();
        let is_native = method.get_type().is(&descriptor)
            && method.getattr("__objclass__")?.is(&class)
            && method.getattr("__name__")?.eq(self.name)?;
        if is_native && changes != UNCOUNTED {
            self.native_at.store(changes, Relaxed);
        }
        Ok(is_native)
    }
}
