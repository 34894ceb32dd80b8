//! The private attributes that well-known libraries read, common to all classes over a
//! [`LoopBound`](super::LoopBound).

/// Defines `__class__`, and the attributes of asyncio's `_LoopBoundMixin`.
macro_rules! loop_bound_attributes {
    ($class:ident, $asyncio_class:path) => {
        #[pymethods]
        impl $class {
            #[getter(__class__)]
            fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
                let asyncio_class = $asyncio_class(slf.py())?;
                Ok($crate::cpython::subclasses::class_of::<Self>(
                    slf,
                    asyncio_class,
                ))
            }

            #[getter(_loop)]
            fn get_loop_attribute(&self, py: Python<'_>) -> Option<Py<PyAny>> {
                self.state.loop_attribute(py)
            }

            #[setter(_loop)]
            fn set_loop_attribute(&self, py: Python<'_>, event_loop: Option<Py<PyAny>>) {
                self.state.set_loop_attribute(py, event_loop);
            }

            #[pyo3(name = "_get_loop")]
            fn event_loop<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                slf.get().state.event_loop(slf.as_any())
            }
        }
    };
}

/// Defines an attribute that shows a line of waiters.
macro_rules! waiters_attribute {
    ($class:ident, $name:ident, $function:ident, $($field:ident).+) => {
        #[pymethods]
        impl $class {
            #[getter($name)]
            fn $function(slf: &Bound<'_, Self>) -> $crate::waiting::sync::WaitersView {
                $crate::waiting::sync::WaitersView::new(slf.as_any(), |owner, f| {
                    if let Ok(owner) = owner.cast::<Self>() {
                        let (py, me) = (owner.py(), owner.get());
                        // Python code may append objects of any class.
                        me.state.expect_foreign(py);
                        me.state.with(py, |algorithm| f(&mut algorithm.$($field).+));
                    }
                })
            }
        }
    };
}

pub(crate) use {loop_bound_attributes, waiters_attribute};
