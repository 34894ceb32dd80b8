//! Macros for private attributes of native classes that programs read and set. Each attribute is a field of the class's
//! `state`.

/// Defines the getter and setter of an attribute that is an object or `None`.
macro_rules! object_attribute {
    ($class:ident, $field:ident, $name:ident, $get:ident, $set:ident) => {
        #[pymethods]
        impl $class {
            #[getter($name)]
            pub(super) fn $get(&self, py: Python<'_>) -> Option<Py<PyAny>> {
                self.state.get_ref(py, |state| state.$field.as_ref())
            }

            #[setter($name)]
            pub(super) fn $set(&self, py: Python<'_>, object: Option<Py<PyAny>>) {
                let replace = |old: &mut _| std::mem::replace(old, object);
                let old = self.state.with(py, |state| replace(&mut state.$field));
                drop(old);
            }
        }
    };
}

/// Defines the getter and setter of an attribute that is a flag.
macro_rules! flag_attribute {
    ($class:ident, $field:ident, $name:ident, $get:ident, $set:ident) => {
        #[pymethods]
        impl $class {
            #[getter($name)]
            fn $get(&self, py: Python<'_>) -> bool {
                self.state.with(py, |state| state.$field)
            }

            #[setter($name)]
            fn $set(&self, py: Python<'_>, flag: bool) {
                self.state.with(py, |state| state.$field = flag);
            }
        }
    };
}

pub(crate) use {flag_attribute, object_attribute};
