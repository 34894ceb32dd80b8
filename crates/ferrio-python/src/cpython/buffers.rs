//! The bytes of other objects: the buffer protocol (PEP 3118).

use std::cell::Cell;
use std::os::raw::c_int;

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;

/// A contiguous view of an object's bytes, released when dropped.
pub struct ByteView(Box<ffi::Py_buffer>);

// SAFETY: the view is a counted reference to an exporter; it is read and released only by attached threads (`bytes`,
// `bytes_mut` and `cells` take a token, `drop` attaches).
unsafe impl Send for ByteView {}
// SAFETY: as above; there is nothing to see without a token but the length, which never changes.
unsafe impl Sync for ByteView {}

impl ByteView {
    /// Views `object` for reading. Raises `TypeError` or `BufferError` as `memoryview` does.
    pub fn readable(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::get(object, ffi::PyBUF_SIMPLE)
    }

    /// Views `object` for writing. Raises `TypeError` or `BufferError`, also for a read-only object.
    pub fn writable(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::get(object, ffi::PyBUF_WRITABLE)
    }

    fn get(object: &Bound<'_, PyAny>, flags: c_int) -> PyResult<Self> {
        let mut view = Box::new(ffi::Py_buffer::new());
        // SAFETY: `view` outlives the call and stays at its address until released, as exporters may require.
        if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *view, flags) } != 0 {
            return Err(
                PyErr::take(object.py()).unwrap_or_else(|| PyBufferError::new_err("no buffer"))
            );
        }
        Ok(Self(view))
    }

    /// Returns the length in bytes.
    pub fn len(&self) -> usize {
        usize::try_from(self.0.len).unwrap_or(0)
    }

    /// Returns the bytes, for reading without a call of Python code in between.
    ///
    /// The token keeps Python code of other threads from changing them during the borrow. Code that uses the memory
    /// without the GIL (a C extension, or a system call of another thread that was given the same buffer) must not write
    /// to it: PEP 3118 leaves it to the program that nobody does.
    pub fn bytes<'a>(&'a self, _py: Python<'a>) -> &'a [u8] {
        if self.0.buf.is_null() {
            return &[];
        }
        // SAFETY: the exporter guarantees `len` readable bytes at `buf` until the view is released. Nobody writes to them
        // meanwhile, as said above.
        unsafe { std::slice::from_raw_parts(self.0.buf.cast::<u8>(), self.len()) }
    }

    /// Returns the bytes of a view made by [`ByteView::writable`], for a system call that writes to them: no Python code may
    /// run during the borrow. As for [`ByteView::bytes`], code without the GIL must not use the memory.
    pub fn bytes_mut<'a>(&'a mut self, _py: Python<'a>) -> &'a mut [u8] {
        if self.0.buf.is_null() || self.0.readonly != 0 {
            return &mut [];
        }
        // SAFETY: the exporter guarantees `len` writable bytes at `buf` until the view is released. Nobody uses them
        // meanwhile, as said above.
        unsafe { std::slice::from_raw_parts_mut(self.0.buf.cast::<u8>(), self.len()) }
    }

    /// Returns the bytes of a view made by [`ByteView::writable`] as cells, for writing while Python code may run, which may
    /// read and change them.
    pub fn cells<'a>(&'a self, _py: Python<'a>) -> &'a [Cell<u8>] {
        if self.0.buf.is_null() || self.0.readonly != 0 {
            return &[];
        }
        // SAFETY: the exporter guarantees `len` writable bytes at `buf` until the view is released. Cells may change while
        // they are borrowed.
        unsafe { std::slice::from_raw_parts(self.0.buf.cast::<Cell<u8>>(), self.len()) }
    }
}

impl Drop for ByteView {
    fn drop(&mut self) {
        // SAFETY: the view was filled by PyObject_GetBuffer and is released once, by an attached thread.
        Python::attach(|_| unsafe { ffi::PyBuffer_Release(&raw mut *self.0) });
    }
}
