//! A part of a task that is cancelled by itself: the body of a timeout or of a task group.
//!
//! The scope asks its task for a cancellation, as asyncio's context managers do, and polls the future that is to take it
//! at once. When the future is done the request is taken back. What was given inside is told from what was given before
//! by a token of the scope's own.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::cancellation::Token;
use super::handle::TaskRef;
use super::state;

/// A scope that was entered. Dropping it takes its request back.
struct Scope {
    task: TaskRef,
    /// How many requests the task had heard of before.
    requests: usize,
    /// Held by all `Cancelled` that were given inside.
    token: Option<Arc<Token>>,
    request: Request,
}

/// Whether the scope has asked its task for a cancellation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Request {
    None,
    /// It has.
    Asked,
    /// It has, when somebody else had just asked, whom the task had not heard yet.
    AskedToo,
}

impl Scope {
    fn ask(&mut self) {
        if self.request == Request::None {
            let state = self.task.state();
            self.request = if state.must_cancel() {
                Request::AskedToo
            } else {
                Request::Asked
            };
            state.cancel_scope();
        }
    }

    /// Whether the scope has asked for a cancellation that nothing has taken.
    fn is_ignored(&self) -> bool {
        self.request != Request::None && self.task.state().must_cancel()
    }

    fn holds_cancelled(&self) -> bool {
        let token = self.token.as_ref();
        token.is_some_and(|token| Arc::strong_count(token) > 1)
    }

    /// Takes the request back, if there is one; returns whether the task has heard of others since, or will.
    fn leave(&mut self) -> bool {
        let state = self.task.state();
        let request = std::mem::replace(&mut self.request, Request::None);
        let left = match request {
            Request::None => state.requests(),
            Request::Asked | Request::AskedToo => state.uncancel(),
        };
        if left <= self.requests && request == Request::Asked {
            state.clear_mark();
        }
        left > self.requests
    }

    /// Calls `poll` with the scope's token in the place of the task's.
    fn within<R>(&mut self, poll: impl FnOnce() -> R) -> R {
        struct Within<'a>(&'a mut Scope);
        impl Drop for Within<'_> {
            fn drop(&mut self) {
                let scope = &mut *self.0;
                let state = scope.task.state();
                state.swap_token(&mut scope.token);
                if let Some(token) = scope.token.as_ref().filter(|token| !token.is_linked()) {
                    token.link(state.token());
                }
            }
        }
        self.task.state().swap_token(&mut self.token);
        let _within = Within(self);
        poll()
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        self.leave();
    }
}

pin_project! {
    /// A future in a scope of the task that polls it first.
    pub(crate) struct InScope<F> {
        // `None` when it is done.
        #[pin]
        future: Option<F>,
        // Dropped after the future.
        scope: Option<Scope>,
    }
}

/// How a scope was left.
pub(crate) struct Exit<T> {
    /// What the future has given; `None` if it took no notice of a cancellation by the scope, and was dropped.
    pub output: Option<T>,
    /// Whether the output holds a `Cancelled` that was given inside.
    pub holds_cancelled: bool,
    /// Whether the task has heard inside that it was cancelled by others, or will hear it now.
    pub cancelled_by_others: bool,
}

impl<F: Future> InScope<F> {
    pub(crate) const fn new(future: F) -> InScope<F> {
        InScope {
            future: Some(future),
            scope: None,
        }
    }

    /// Polls the future; before that cancels the scope, if `cancel` says so.
    ///
    /// # Panics
    ///
    /// If it is done, and outside of tasks.
    pub(crate) fn poll_scope(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        cancel: impl FnOnce() -> bool,
    ) -> Poll<Exit<F::Output>> {
        let mut this = self.project();
        let scope = this.scope.get_or_insert_with(Scope::enter);
        if cancel() {
            scope.ask();
        }
        let mut future = this.future.as_mut();
        let polled = scope.within(|| {
            let future = future.as_mut().as_pin_mut();
            future
                .expect("a scope that was left is not polled")
                .poll(cx)
        });
        let output = match polled {
            Poll::Ready(output) => Some(output),
            Poll::Pending if scope.is_ignored() => None,
            Poll::Pending => return Poll::Pending,
        };
        // It may hold a `Cancelled` that is not in the output.
        this.future.set(None);
        Poll::Ready(Exit {
            holds_cancelled: output.is_some() && scope.holds_cancelled(),
            cancelled_by_others: scope.leave(),
            output,
        })
    }

    /// The task of the scope, once it was polled.
    pub(crate) fn task(&self) -> Option<&TaskRef> {
        self.scope.as_ref().map(|scope| &scope.task)
    }
}

impl Scope {
    fn enter() -> Scope {
        let task = state::current_task().expect("this is awaited inside a task");
        let state = task.state();
        // A request that the task has not heard of is heard inside.
        let unheard = usize::from(state.must_cancel());
        Scope {
            requests: state.requests().saturating_sub(unheard),
            task,
            token: None,
            request: Request::None,
        }
    }
}

impl TaskRef {
    /// Has the task hear of its cancellation again, for one who was told and keeps it to himself.
    pub(crate) fn renew_cancellation(&self) {
        self.state().renew_mark();
    }
}
