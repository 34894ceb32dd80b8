//! The private attributes that well-known libraries read, the same in all classes over a [`Bound`](super::Bound).

/// `__class__`, and what asyncio's `_LoopBoundMixin` gives.
macro_rules! of_bound {
    ($class:ident, $asyncio_s:path) => {
        #[pymethods]
        impl $class {
            #[getter(__class__)]
            fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
                let asyncio_s = $asyncio_s(slf.py())?;
                Ok($crate::cpython::subclasses::class_of::<Self>(
                    slf, asyncio_s,
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

/// A line of waiters as an attribute.
macro_rules! line {
    ($class:ident, $name:ident, $function:ident, $($field:ident).+) => {
        #[pymethods]
        impl $class {
            #[getter($name)]
            fn $function(slf: &Bound<'_, Self>) -> $crate::waiting::sync::WaitersView {
                $crate::waiting::sync::WaitersView::new(slf.as_any(), |owner, act| {
                    if let Ok(owner) = owner.cast::<Self>() {
                        let (py, me) = (owner.py(), owner.get());
                        // What Python code puts in may be anything.
                        me.state.expect_foreign(py);
                        me.state.with(py, |algorithm| act(&mut algorithm.$($field).+));
                    }
                })
            }
        }
    };
}

pub(crate) use {line, of_bound};
