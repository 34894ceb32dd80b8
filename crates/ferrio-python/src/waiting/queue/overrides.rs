//! Which methods a subclass of a queue overrides.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::Queue;
use crate::cpython::subclasses;

/// Which groups of methods a subclass overrides. Such methods have to be called; all others have known effects.
#[derive(Clone, Copy)]
pub struct Overrides {
    /// Any method of the groups below, `put_nowait` or `get_nowait`.
    pub any: bool,
    /// `_init`, `_get` or `_put`.
    pub items: bool,
    /// `qsize`, `empty` or `full`.
    pub sizes: bool,
}

impl Overrides {
    /// Looks the methods up in a class.
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
            subclasses::overrides::<Queue>(class, &items)?,
            subclasses::overrides::<Queue>(class, &sizes)?,
            subclasses::overrides::<Queue>(class, &nowait)?,
        );
        Ok(Self {
            any: items || sizes || nowait,
            items,
            sizes,
        })
    }
}
