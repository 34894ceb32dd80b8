//! The class of a native class.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// Makes `metaclass` the class of `class`, which PyO3 has made with `type` as its class, and which no program has seen. Returns
/// whether that was possible: only if `metaclass` adds nothing to the layout of `type`, and the interpreter then finds it there.
pub fn set_metaclass(class: &Bound<'_, PyType>, metaclass: &Bound<'_, PyType>) -> PyResult<bool> {
    let py = class.py();
    let plain = py.get_type::<PyType>();
    let size = intern!(py, "__basicsize__");
    let item_size = intern!(py, "__itemsize__");
    let same_layout = metaclass.getattr(size)?.eq(plain.getattr(size)?)?
        && metaclass
            .getattr(item_size)?
            .eq(plain.getattr(item_size)?)?;
    if !same_layout || !metaclass.is_subclass(&plain)? || !class.get_type().is(&plain) {
        return Ok(false);
    }
    // SAFETY: the old metaclass is `type`, which never goes away. The new one is a subclass of it with the same layout, and
    // the class gets a reference to it. The interpreter's caches are invalidated.
    unsafe {
        (*class.as_ptr()).ob_type = metaclass.clone().into_ptr().cast();
        ffi::PyType_Modified(class.as_type_ptr());
    }
    Ok(class.get_type().is(metaclass))
}
