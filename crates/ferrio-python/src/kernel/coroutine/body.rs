//! What a coroutine begins with.

use pyo3::prelude::*;

use super::Coroutine;
use super::driving::State;
use crate::cpython::Resumed;

/// Runs a coroutine's first piece on its target and an argument, and does what the piece ends with.
pub type Begin = fn(&Coroutine, &Bound<'_, PyAny>, Option<Py<PyAny>>) -> Resumed;

/// A coroutine's name and its first piece: what a method's calls have in common.
#[derive(Clone, Copy)]
pub struct Body {
    /// The qualified name that users see in representations and warnings.
    name: &'static str,
    begin: Begin,
}

/// A [`Body`] of a name and a function of the target, cast to its class, and the argument, which returns `PyResult<Step>`:
///
/// ```ignore
/// const PUT: Body = body!("Queue.put", |queue: Queue, item| Queue::put_step(queue, item));
/// ```
///
/// The function becomes one with what deals with its result, which is why this is a macro: a result that passes from one to
/// the other through memory costs more than most of these functions.
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
    /// What [`body!`] makes.
    pub const fn new(name: &'static str, begin: Begin) -> Self {
        Self { name, begin }
    }

    /// A coroutine that begins when it is awaited.
    #[inline]
    pub const fn call(self, target: Py<PyAny>, argument: Option<Py<PyAny>>) -> Call {
        Call {
            body: self,
            target,
            argument,
        }
    }
}

/// A coroutine that has not become an object yet.
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
