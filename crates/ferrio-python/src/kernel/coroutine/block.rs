//! Coroutines that are an `async` block of Rust.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::{Step, Wait};
use crate::base::cell::AttachedCell;

/// What a block and its coroutine hand to each other.
#[derive(Default)]
struct Exchange {
    /// From the block: the awaitable that the coroutine is to await.
    awaitable: Option<Py<PyAny>>,
    /// To the block: what the awaitable has returned or raised.
    outcome: Option<PyResult<Py<PyAny>>>,
}

/// The block's side of its coroutine.
pub struct Co(Arc<AttachedCell<Exchange>>);

impl Co {
    /// Awaits a Python object and returns what that returns or raises.
    pub async fn wait(&self, awaitable: Py<PyAny>) -> PyResult<Py<PyAny>> {
        Python::attach(|py| {
            // The outcome of the first resumption may still be there: nobody has asked for it.
            let unused = self.0.with(py, |exchange| {
                exchange.awaitable = Some(awaitable);
                exchange.outcome.take()
            });
            drop(unused);
        });
        Outcome(&self.0).await
    }
}

/// A Rust future that is ready when the awaitable has ended.
struct Outcome<'a>(&'a AttachedCell<Exchange>);

impl Future for Outcome<'_> {
    type Output = PyResult<Py<PyAny>>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = Python::attach(|py| self.0.with(py, |exchange| exchange.outcome.take()));
        outcome.map_or(Poll::Pending, Poll::Ready)
    }
}

/// A block as the rest of a coroutine.
struct Block<F> {
    future: Pin<Box<F>>,
    exchange: Arc<AttachedCell<Exchange>>,
}

/// Makes the first piece of a block. The garbage collector does not see the references that a Rust future holds.
pub(super) fn begin<F>(body: impl FnOnce(Co) -> F) -> Box<dyn Wait>
where
    F: Future<Output = PyResult<Py<PyAny>>> + Send + 'static,
{
    let exchange = Arc::new(AttachedCell::default());
    let future = Box::pin(body(Co(Arc::clone(&exchange))));
    Box::new(Block { future, exchange })
}

impl<F> Wait for Block<F>
where
    F: Future<Output = PyResult<Py<PyAny>>> + Send + 'static,
{
    fn resume(mut self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        self.exchange
            .with(py, |exchange| exchange.outcome = Some(outcome));
        let mut context = Context::from_waker(Waker::noop());
        match self.future.as_mut().poll(&mut context) {
            Poll::Ready(result) => result.map(Step::Return),
            Poll::Pending => {
                let awaitable = self.exchange.with(py, |exchange| exchange.awaitable.take());
                let awaitable = awaitable.ok_or_else(|| {
                    PyRuntimeError::new_err("a ferrio coroutine suspended without an awaitable")
                })?;
                Ok(Step::Wait(awaitable, self))
            }
        }
    }

    fn traverse(&self, _: PyVisit<'_>) -> Result<(), PyTraverseError> {
        Ok(())
    }
}
