//! Subclasses that Python code makes: what they override, and what they say they are. Methods that a program puts into a
//! native class itself.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

/// Whether the class is a subclass of `T` that has its own of one of these attributes.
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

/// Whether the class of an object is a subclass of `T` that has its own of this attribute.
#[inline]
pub fn has_own<T: PyTypeInfo>(
    object: &Bound<'_, PyAny>,
    name: &Bound<'_, PyString>,
) -> PyResult<bool> {
    Ok(!object.is_exact_instance_of::<T>() && overrides::<T>(&object.get_type(), &[name])?)
}

/// What `__class__` answers: asyncio's class, so that `isinstance` with it holds, but a subclass's own for its instances.
pub fn class_of<T: PyTypeInfo>(
    object: &Bound<'_, PyAny>,
    asyncio_s: &Bound<'_, PyAny>,
) -> Py<PyAny> {
    if object.is_exact_instance_of::<T>() {
        asyncio_s.clone().unbind()
    } else {
        object.get_type().into_any().unbind()
    }
}

/// How often a program has set or deleted an attribute of a native class or of one that derives from it, and one.
static CHANGES: AtomicU32 = AtomicU32::new(1);

/// What stands in place of a number of changes that is not known.
const UNCOUNTED: u32 = u32::MAX;

/// The metaclass of native classes tells of each change. Their version is no measure: the interpreter gives none to a class
/// that has a method resolution order of its own.
pub fn class_changed() {
    if CHANGES.load(Relaxed) != UNCOUNTED {
        CHANGES.fetch_add(1, Relaxed);
    }
}

/// For an interpreter in which native classes do not get their metaclass, so that nobody counts: methods are looked up each time.
pub fn changes_are_not_counted() {
    CHANGES.store(UNCOUNTED, Relaxed);
}

/// A method of a native class, in whose place a program may put another.
pub struct Method {
    name: &'static str,
    /// The number of changes when the method was found to be the native one, or 0.
    native_at: AtomicU32,
}

impl Method {
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            native_at: AtomicU32::new(0),
        }
    }

    /// Whether the native method is still there, for an instance of the very class. To find out costs a comparison. If it cannot
    /// be found out, the answer is no: whoever calls the method as an attribute is right in any case.
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
