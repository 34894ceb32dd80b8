//! Where a queue's items are stored, and in which order they leave.

use std::collections::VecDeque;

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::Queue;
use crate::base::imports;

/// The order in which items leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// First in, first out.
    Fifo,
    /// Last in, first out.
    Lifo,
    /// The smallest item first, by Python's `<`.
    Priority,
}

/// The items of a queue.
pub enum Items {
    /// In Rust: in a [`Kind::Fifo`] queue until a program reads `_queue`.
    Native(VecDeque<Py<PyAny>>),
    /// In the Python object that is the value of `_queue`: a list, a `deque`, or an object of a subclass.
    Object(Py<PyAny>),
}

impl Items {
    pub const fn new() -> Self {
        Self::Native(VecDeque::new())
    }

    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Native(items) => items.iter().try_for_each(|item| visit.call(item)),
            Self::Object(items) => visit.call(items),
        }
    }
}

impl Queue {
    /// Implements `_init`: starts without items.
    pub(super) fn init_items(&self, py: Python<'_>) {
        let items = match self.kind {
            Kind::Fifo => Items::new(),
            Kind::Lifo | Kind::Priority => Items::Object(PyList::empty(py).into_any().unbind()),
        };
        self.set_items(py, items);
    }

    pub(super) fn set_items(&self, py: Python<'_>, items: Items) {
        let old = self
            .state
            .with(py, |state| std::mem::replace(&mut state.items, items));
        drop(old);
    }

    /// Returns the Python object that the items are in, if they are in one.
    pub(super) fn items_object<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.state.with(py, |state| match &state.items {
            Items::Native(_) => None,
            Items::Object(items) => Some(items.bind(py).clone()),
        })
    }

    /// Returns the Python object that the items are in. Items in Rust are moved to a `deque` for good.
    pub(super) fn items_as_object<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(items) = self.items_object(py) {
            return Ok(items);
        }
        let copied: Vec<Py<PyAny>> = self.state.with(py, |state| match &state.items {
            Items::Native(items) => items.iter().map(|item| item.clone_ref(py)).collect(),
            Items::Object(_) => Vec::new(),
        });
        let items = imports::deque(py)?.call1((copied,))?;
        self.set_items(py, Items::Object(items.clone().unbind()));
        Ok(items)
    }

    /// Returns the number of items.
    pub(super) fn len(&self, py: Python<'_>) -> PyResult<usize> {
        let native = self.state.with(py, |state| match &state.items {
            Items::Native(items) => Ok(items.len()),
            Items::Object(items) => Err(items.bind(py).clone()),
        });
        native.or_else(|items| items.len())
    }

    /// Implements `_put`.
    pub(super) fn put_item(&self, item: Bound<'_, PyAny>) -> PyResult<()> {
        let py = item.py();
        let item = item.unbind();
        let other = self.state.with(py, |state| match &mut state.items {
            Items::Native(items) => {
                items.push_back(item);
                None
            }
            Items::Object(items) => Some((items.bind(py).clone(), item)),
        });
        let Some((items, item)) = other else {
            return Ok(());
        };
        if self.kind == Kind::Priority {
            imports::heappush(py)?.call1((items, item))?;
        } else if let Ok(list) = items.cast_exact::<PyList>() {
            list.append(item)?;
        } else {
            items.call_method1(intern!(py, "append"), (item,))?;
        }
        Ok(())
    }

    /// Implements `_get`.
    pub(super) fn get_item<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let native = self.state.with(py, |state| match &mut state.items {
            Items::Native(items) => Ok(items.pop_front()),
            Items::Object(items) => Err(items.bind(py).clone()),
        });
        let items = match native {
            Ok(Some(item)) => return Ok(item.into_bound(py)),
            // An empty `deque` raises the exception below.
            Ok(None) => self.items_as_object(py)?,
            Err(items) => items,
        };
        match self.kind {
            Kind::Fifo => items.call_method0(intern!(py, "popleft")),
            Kind::Lifo => items.call_method0(intern!(py, "pop")),
            Kind::Priority => imports::heappop(py)?.call1((items,)),
        }
    }
}
