//! Which tasks and futures await a future: Python 3.14's call graph (CPython: `asyncio/graph.py`).
//!
//! The list of waiters says which tasks and combinators wait. Further ones, which asyncio's own functions record through
//! `future_add_to_awaited_by`, are kept in a set.

use pyo3::prelude::*;
use pyo3::types::PySet;

use super::Future;
use crate::base::imports;

/// Record that waiter awaits fut, for the call graph of Python 3.14.
#[pyfunction]
#[pyo3(signature = (fut, waiter, /))]
pub fn future_add_to_awaited_by(fut: &Bound<'_, PyAny>, waiter: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = fut.py();
    let Ok(future) = fut.cast::<Future>() else {
        imports::future_add_to_awaited_by(py)?.call1((fut, waiter))?;
        return Ok(());
    };
    if waiter.is_none() {
        return Ok(());
    }
    let new = PySet::empty(py)?;
    let set = future.get().with(py, |state| {
        let set = &mut state.rare().awaited_by;
        set.get_or_insert_with(|| new.unbind()).clone_ref(py)
    });
    set.bind(py).add(waiter)
}

/// Record that waiter does not await fut any more.
#[pyfunction]
#[pyo3(signature = (fut, waiter, /))]
pub fn future_discard_from_awaited_by(
    fut: &Bound<'_, PyAny>,
    waiter: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let py = fut.py();
    let Ok(future) = fut.cast::<Future>() else {
        imports::future_discard_from_awaited_by(py)?.call1((fut, waiter))?;
        return Ok(());
    };
    let state = &future.get().state;
    match state.get_bound(py, |state| state.rare_if_any()?.awaited_by.as_ref()) {
        Some(set) => set.discard(waiter).map(drop),
        None => Ok(()),
    }
}

/// Adds the functions to the extension module, where `python/ferrio/_tasks.py` finds them.
pub fn export(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(future_add_to_awaited_by, module)?)?;
    module.add_function(wrap_pyfunction!(future_discard_from_awaited_by, module)?)
}
