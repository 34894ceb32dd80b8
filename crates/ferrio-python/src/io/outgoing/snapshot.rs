//! Copies of a write buffer, for programs that look at it.

use std::io::IoSlice;

use ferrio::engine::WriteBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use super::Chunk;
use crate::base::imports;

/// Copies the buffered pieces.
pub fn copy_pieces(buffer: &WriteBuffer<Chunk>) -> Vec<Vec<u8>> {
    let mut slices = vec![IoSlice::new(&[]); buffer.chunk_count()];
    let pieces = buffer.gather(&mut slices);
    pieces.iter().map(|piece| piece.to_vec()).collect()
}

/// Makes a `deque` of `bytes`, one for each piece.
pub fn deque_of<'py>(py: Python<'py>, pieces: &[Vec<u8>]) -> PyResult<Bound<'py, PyAny>> {
    let pieces = pieces.iter().map(|piece| PyBytes::new(py, piece));
    imports::deque(py)?.call1((PyList::new(py, pieces.collect::<Vec<_>>())?,))
}
