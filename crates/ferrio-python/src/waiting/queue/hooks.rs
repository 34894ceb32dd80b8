//! What a subclass of a queue that Python code has made overrides.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::Queue;
use crate::cpython::subclasses::overrides;

/// Which methods are to be called as any program would call them, because a subclass has its own.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// Any of these, `put_nowait` or `get_nowait`.
    pub any: bool,
    /// `_init`, `_get` or `_put`.
    pub items: bool,
    /// `qsize`, `empty` or `full`.
    pub sizes: bool,
}

impl Hooks {
    /// What the class overrides.
    pub fn of(class: &Bound<'_, PyType>) -> PyResult<Self> {
        let py = class.py();
        let items = [
            intern!(py, "_init"),
            intern!(py, "_get"),
            intern!(py, "_put"),
        ];
        let sizes = [
            intern!(py, "qsize"),
            intern!(py, "empty"),
            intern!(py, "full"),
        ];
        let nowait = [intern!(py, "put_nowait"), intern!(py, "get_nowait")];
        let (items, sizes, nowait) = (
            overrides::<Queue>(class, &items)?,
            overrides::<Queue>(class, &sizes)?,
            overrides::<Queue>(class, &nowait)?,
        );
        Ok(Self {
            any: items || sizes || nowait,
            items,
            sizes,
        })
    }
}
