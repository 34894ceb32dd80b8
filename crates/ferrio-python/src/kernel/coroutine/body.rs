//! What a coroutine begins with: its name and its first piece.

use pyo3::prelude::*;

use super::Coroutine;
use super::driving::State;
use crate::cpython::Resumed;

/// Runs a coroutine's first piece on its target and argument, and follows the step that the piece ends with.
pub type Begin = fn(&Coroutine, &Bound<'_, PyAny>, Option<Py<PyAny>>) -> Resumed;

/// A coroutine's name and its first piece: what all calls of one method have in common.
#[derive(Clone, Copy)]
pub struct Body {
    /// The qualified name that users see in representations and warnings.
    name: &'static str,
    begin: Begin,
}

/// Makes a [`Body`] of a name and a function that takes the target, cast to its class, and the argument, and returns
/// `PyResult<Step>`:
///
/// ```ignore
/// const PUT: Body = body!("Queue.put", |queue: Queue, item| Queue::put_step(queue, item));
/// ```
///
/// This is a macro so that the function and `follow`, which deals with its result, become one: a result that passes
/// from one to the other through memory costs more than most of these functions.
macro_rules! body {
    ($name:expr, |$target:ident: $class:ty| $step:expr) => {
        $crate::kernel::coroutine::body!($name, |$target: $class, _argument| $step)
    };
    ($name:expr, |$target:ident: $class:ty, $argument:ident| $step:expr) => {
        $crate::kernel::coroutine::Body::new($name, |coroutine, target, $argument| {
            let step = || -> pyo3::PyResult<$crate::kernel::coroutine::Step> {
                let $target = target.cast::<$class>()?;
                $step
            };
            coroutine.follow(target.py(), step())
        })
    };
}
pub(crate) use body;

impl Body {
    /// Makes a body; use [`body!`].
    pub const fn new(name: &'static str, begin: Begin) -> Self {
        Self { name, begin }
    }

    /// Returns a coroutine that begins when it is awaited.
    #[inline]
    pub const fn call(self, target: Py<PyAny>, argument: Option<Py<PyAny>>) -> Call {
        Call {
            body: self,
            target,
            argument,
        }
    }
}

/// A coroutine before it becomes an object.
pub struct Call {
    body: Body,
    target: Py<PyAny>,
    argument: Option<Py<PyAny>>,
}

impl<'py> IntoPyObject<'py> for Call {
    type Target = Coroutine;
    type Output = Bound<'py, Coroutine>;
    type Error = PyErr;

    #[inline]
    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, Coroutine>> {
        let Body { name, begin } = self.body;
        Coroutine::make(py, name, || State::Call {
            begin,
            target: Some(self.target),
            argument: self.argument,
        })
    }
}
