//! A task of a group: its failure goes to the group.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::task::{Panicked, current_task, host};

use super::group::Group;
use super::group_error::TaskError;

pin_project! {
    /// The future of a task of a group. It has an output only if it has not failed.
    pub(super) struct Member<F, E: 'static> {
        // `None` when it is done.
        #[pin]
        future: Option<F>,
        group: Rc<Group<E>>,
    }
}

impl<F, E> Member<F, E> {
    pub(super) const fn new(future: F, group: Rc<Group<E>>) -> Member<F, E> {
        Member {
            future: Some(future),
            group,
        }
    }
}

impl<F, T, E> Future for Member<F, E>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Pending; // It has failed, and its task ends in its next step.
        };
        let me = current_task().expect("a task polls it");
        let failure = match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(Poll::Ready(Ok(output))) => return Poll::Ready(output),
            Ok(Poll::Ready(Err(error))) => {
                // It may hold a `Cancelled` that is not in the output.
                this.future.set(None);
                (!me.holds_cancelled()).then_some(TaskError::Failed(error))
            }
            Ok(Poll::Pending) => return Poll::Pending,
            Err(payload) => Some(TaskError::Panicked(Panicked::new(&me.name(), payload))),
        };
        if let Some(error) = failure
            && let Some(host) = host::current()
        {
            let group = Rc::clone(this.group);
            host.call_soon(Box::new(move || group.fail(error)));
        }
        me.abort();
        Poll::Pending
    }
}
