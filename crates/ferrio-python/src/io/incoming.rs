//! Reading from sockets and pipes: one system call, into a buffer that all transports of a loop share.

use std::io;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::base::errors::would_block;
use crate::kernel::event_loop::Loop;

/// The outcome of one read.
pub enum Arrival<T> {
    /// Bytes have arrived.
    Data(T),
    /// The peer has ended the stream.
    Eof,
    /// Nothing has arrived yet.
    Nothing,
}

impl<T> Arrival<T> {
    /// Reads into the loop's buffer and passes the bytes to `take`, which must not reach Python.
    #[inline]
    pub fn read_with(
        event_loop: &Bound<'_, Loop>,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
        take: impl FnOnce(&[u8]) -> T,
    ) -> io::Result<Self> {
        let py = event_loop.py();
        event_loop
            .get()
            .with_read_buffer(py, |buffer| match read(buffer) {
                Ok(0) => Ok(Self::Eof),
                Ok(received) => Ok(Self::Data(take(&buffer[..received]))),
                Err(error) if would_block(&error) => Ok(Self::Nothing),
                Err(error) => Err(error),
            })
    }

    /// Converts the data, if there is any.
    #[inline]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Arrival<U> {
        match self {
            Self::Data(data) => Arrival::Data(f(data)),
            Self::Eof => Arrival::Eof,
            Self::Nothing => Arrival::Nothing,
        }
    }
}

impl<'py> Arrival<Bound<'py, PyBytes>> {
    /// Reads into the loop's buffer and copies the bytes into a new object.
    ///
    /// Allocating a buffer of full size for each read, as asyncio does, would cost more than everything else.
    #[inline]
    pub fn read(
        event_loop: &Bound<'py, Loop>,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Self> {
        let py = event_loop.py();
        Self::read_with(event_loop, read, |bytes| PyBytes::new(py, bytes))
    }
}
