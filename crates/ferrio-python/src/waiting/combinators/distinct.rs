//! The arguments of a combinator without duplicates.

use std::collections::HashSet;

use pyo3::prelude::*;
use pyo3::types::{PyList, PySet};

use crate::kernel::coroutine::is_known_coroutine;
use crate::kernel::future::native_future;

/// Returns the items of an iterable without duplicates, in their order.
///
/// Native futures and coroutines are equal only to themselves, so their addresses are compared. Other objects are compared
/// by Python.
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
        let mut distinct = Vec::with_capacity(all.len());
        for object in all {
            if !seen.contains(&object)? {
                seen.add(&object)?;
                distinct.push(object);
            }
        }
        return Ok(distinct);
    }
    if has_duplicates(all.iter().map(|object| object.as_ptr() as usize).collect()) {
        let mut seen = HashSet::new();
        all.retain(|object| seen.insert(object.as_ptr()));
    }
    Ok(all)
}

/// Whether an address stands twice in the list. A sort of a short list is cheaper than a set.
pub fn has_duplicates(mut addresses: Vec<usize>) -> bool {
    addresses.sort_unstable();
    addresses.windows(2).any(|pair| pair[0] == pair[1])
}
