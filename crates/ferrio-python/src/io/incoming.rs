//! What arrives: reading once, for sockets and pipes.

use std::io;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::base::errors::would_block;
use crate::kernel::event_loop::Loop;

/// What reading once led to.
pub enum Arrival<T> {
    /// Something.
    Data(T),
    /// The end of the stream.
    Eof,
    /// Nothing yet.
    Nothing,
}

impl<T> Arrival<T> {
    /// Reads into the loop's buffer and has `take` take what arrived, which must not reach Python.
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

    /// The same with something else made of what arrived.
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
    /// Reads into the loop's buffer and copies what arrived: allocating a buffer of that size for each read, as asyncio
    /// does, costs more than all the rest.
    #[inline]
    pub fn read(
        event_loop: &Bound<'py, Loop>,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Self> {
        let py = event_loop.py();
        Self::read_with(event_loop, read, |bytes| PyBytes::new(py, bytes))
    }
}
