//! The children that one gathers, and what becomes of their errors.

use crate::task::{Cancelled, JoinError, TaskRef};

use super::child::Child;

/// One of the children, which keeps what it has given until all are done.
pub trait Kept<E> {
    #[doc(hidden)]
    fn task(&self) -> TaskRef;

    /// Takes the outcome of the child's task. Fails if that ends the whole.
    #[doc(hidden)]
    fn settle(&mut self) -> Result<(), E>;
}

/// The children, and what they give together.
pub trait Children: Unpin {
    /// All outputs, in the order of the arguments.
    type Outputs;
    /// The error that ends the whole.
    type Error: From<JoinError>;

    #[doc(hidden)]
    fn len(&self) -> usize;

    #[doc(hidden)]
    fn child(&mut self, number: usize) -> &mut dyn Kept<Self::Error>;

    #[doc(hidden)]
    fn outputs(self) -> Self::Outputs;
}

/// A child whose error ends the whole.
pub struct Strict<T: 'static, E: 'static> {
    child: Child<T, E>,
    value: Option<T>,
}

impl<T, E: From<JoinError>> Strict<T, E> {
    #[track_caller]
    pub(super) fn new<F: Future<Output = Result<T, E>> + 'static>(future: F) -> Strict<T, E> {
        let child = Child::new(future);
        Strict { child, value: None }
    }

    pub(super) fn value(self) -> T {
        self.value.expect("all children are done")
    }
}

impl<T, E: From<JoinError>> Kept<E> for Strict<T, E> {
    fn task(&self) -> TaskRef {
        self.child.task()
    }

    fn settle(&mut self) -> Result<(), E> {
        self.child.take().map(|value| self.value = Some(value))
    }
}

impl<T, E: From<JoinError>> Children for Vec<Strict<T, E>> {
    type Outputs = Vec<T>;
    type Error = E;

    fn len(&self) -> usize {
        self.len()
    }

    fn child(&mut self, number: usize) -> &mut dyn Kept<E> {
        &mut self[number]
    }

    fn outputs(self) -> Vec<T> {
        self.into_iter().map(Strict::value).collect()
    }
}

impl<T, E> Unpin for Strict<T, E> {}

/// A child whose error is kept like an output.
pub struct Lenient<T: 'static, E: 'static> {
    child: Child<T, E>,
    outcome: Option<Result<T, E>>,
}

impl<T, E: From<JoinError>> Lenient<T, E> {
    #[track_caller]
    pub(super) fn new<F: Future<Output = Result<T, E>> + 'static>(future: F) -> Lenient<T, E> {
        Lenient {
            child: Child::new(future),
            outcome: None,
        }
    }
}

impl<T, E: From<JoinError>> Kept<Cancelled> for Lenient<T, E> {
    fn task(&self) -> TaskRef {
        self.child.task()
    }

    fn settle(&mut self) -> Result<(), Cancelled> {
        self.outcome = Some(self.child.take());
        Ok(())
    }
}

impl<T, E: From<JoinError>> Children for Vec<Lenient<T, E>> {
    type Outputs = Vec<Result<T, E>>;
    type Error = Cancelled;

    fn len(&self) -> usize {
        self.len()
    }

    fn child(&mut self, number: usize) -> &mut dyn Kept<Cancelled> {
        &mut self[number]
    }

    fn outputs(self) -> Vec<Result<T, E>> {
        let outcomes = self.into_iter().map(|child| child.outcome);
        outcomes
            .map(|outcome| outcome.expect("all children are done"))
            .collect()
    }
}

impl<T, E> Unpin for Lenient<T, E> {}
