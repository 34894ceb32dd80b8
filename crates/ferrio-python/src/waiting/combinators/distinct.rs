//! What is given to a combinator, each once.

use std::collections::HashSet;

use pyo3::prelude::*;
use pyo3::types::{PyList, PySet};

use crate::kernel::coroutine::is_known_coroutine;
use crate::kernel::future::native_future;

/// What an iterable gives, each once, in the order in which it comes.
///
/// Native futures and coroutines are equal only to themselves, so that addresses say all about them; others are compared as
/// Python compares them.
pub fn distinct<'py>(iterable: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut all: Vec<_> = match iterable.cast_exact::<PyList>() {
        Ok(list) => list.iter().collect(),
        Err(_) => iterable.try_iter()?.collect::<PyResult<_>>()?,
    };
    if !all
        .iter()
        .all(|object| native_future(object).is_some() || is_known_coroutine(object))
    {
        let seen = PySet::empty(iterable.py())?;
        let mut different = Vec::with_capacity(all.len());
        for object in all {
            if !seen.contains(&object)? {
                seen.add(&object)?;
                different.push(object);
            }
        }
        return Ok(different);
    }
    let mut addresses: Vec<_> = all.iter().map(Bound::as_ptr).collect();
    addresses.sort_unstable();
    if addresses.windows(2).any(|pair| pair[0] == pair[1]) {
        let mut seen = HashSet::new();
        all.retain(|object| seen.insert(object.as_ptr()));
    }
    Ok(all)
}
