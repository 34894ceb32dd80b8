//! Waiting for a Python awaitable inside a [`Coroutine`](super::Coroutine).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pyo3::intern;
use pyo3::prelude::*;

use crate::cell::AttachedCell;
use crate::ffi::{self, Sent};

/// What passes between a coroutine's driver and its body.
#[derive(Default)]
pub(super) struct Exchange {
    /// From the driver: what was sent or thrown.
    pub(super) input: Option<PyResult<Py<PyAny>>>,
    /// To the driver.
    pub(super) yielded: Option<Py<PyAny>>,
    /// The iterator of the awaitable that the body waits for.
    pub(super) awaiting: Option<Py<PyAny>>,
}

/// The body's end of its coroutine.
pub struct Co(Arc<AttachedCell<Exchange>>);

impl Co {
    pub(super) fn new(exchange: Arc<AttachedCell<Exchange>>) -> Self {
        Self(exchange)
    }

    /// Waits for a Python awaitable and gives what it returns or raises. An exception that is thrown into the
    /// coroutine goes to the awaitable first.
    pub async fn wait(&self, awaitable: Py<PyAny>) -> PyResult<Py<PyAny>> {
        Python::attach(|py| {
            let iter = ffi::await_iterator(awaitable.bind(py))?;
            // The awaitable may be a temporary that only the iterator is to keep.
            drop(awaitable);
            self.0.with(py, |exchange| {
                exchange.input = Some(Ok(py.None()));
                exchange.awaiting = Some(iter);
            });
            PyResult::Ok(())
        })?;
        Delegate(&self.0).await
    }
}

/// `yield from` the exchange's iterator.
struct Delegate<'a>(&'a Arc<AttachedCell<Exchange>>);

impl Future for Delegate<'_> {
    type Output = PyResult<Py<PyAny>>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Python::attach(|py| {
            let (input, iter) = self.0.with(py, |exchange| {
                let iter = exchange.awaiting.as_ref().map(|iter| iter.clone_ref(py));
                (exchange.input.take(), iter)
            });
            let Some(iter) = iter else {
                return Poll::Pending;
            };
            let outcome = match input {
                Some(Err(error)) => throw(py, &iter, error),
                Some(Ok(value)) => ffi::iter_send(py, &iter, &value),
                None => ffi::iter_send(py, &iter, &py.None()),
            };
            match outcome {
                Ok(Sent::Yielded(value)) => {
                    self.0.with(py, |exchange| exchange.yielded = Some(value));
                    Poll::Pending
                }
                Ok(Sent::Returned(value)) => {
                    drop(self.0.with(py, |exchange| exchange.awaiting.take()));
                    Poll::Ready(Ok(value))
                }
                Err(error) => {
                    drop(self.0.with(py, |exchange| exchange.awaiting.take()));
                    Poll::Ready(Err(error))
                }
            }
        })
    }
}

/// Throws into an iterator as `yield from` does: `GeneratorExit` closes it, one without `throw` just ends.
fn throw(py: Python<'_>, iter: &Py<PyAny>, error: PyErr) -> PyResult<Sent> {
    use pyo3::exceptions::{PyGeneratorExit, PyStopIteration};
    let iter = iter.bind(py);
    if error.is_instance_of::<PyGeneratorExit>(py) {
        if let Some(close) = iter.getattr_opt(intern!(py, "close"))? {
            close.call0()?;
        }
        return Err(error);
    }
    let Some(throw) = iter.getattr_opt(intern!(py, "throw"))? else {
        return Err(error);
    };
    match throw.call1((error.value(py),)) {
        Ok(value) => Ok(Sent::Yielded(value.unbind())),
        Err(stop) if stop.is_instance_of::<PyStopIteration>(py) => Ok(Sent::Returned(
            stop.value(py).getattr(intern!(py, "value"))?.unbind(),
        )),
        Err(error) => Err(error),
    }
}
