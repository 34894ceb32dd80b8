//! The extension module `ferrio._ferrio`.
use pyo3::prelude::*;

/// Native half of the ferrio package.
#[pymodule]
mod _ferrio {}
