//! Reports of errors to the loop's exception handler.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Loop;
use crate::cpython;

impl Loop {
    /// Reports a caught error to the exception handler, which also finds the error as the exception that is being handled.
    /// `describe` sets the `message` and adds further entries to the report.
    #[cold]
    pub fn report(
        slf: &Bound<'_, Self>,
        error: &PyErr,
        describe: impl FnOnce(&Bound<'_, PyDict>) -> PyResult<()>,
    ) -> PyResult<()> {
        let py = slf.py();
        cpython::ensure_traceback(py, error);
        cpython::handling(py, error, || {
            let context = PyDict::new(py);
            context.set_item("message", py.None())?; // The first entry, as in asyncio; `describe` fills it in.
            context.set_item("exception", error)?;
            describe(&context)?;
            Self::call_exception_handler(slf, &context)
        })
    }

    /// Calls the loop's exception handler. For an error that was just caught, use [`Loop::report`].
    pub fn call_exception_handler(
        slf: &Bound<'_, Self>,
        context: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        slf.call_method1(intern!(slf.py(), "call_exception_handler"), (context,))?;
        Ok(())
    }
}
