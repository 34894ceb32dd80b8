//! One step of a task: polls the future, catches its panics, and ends the task.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use super::handle::{Shared, TaskRef};
use super::state::{self, Stage};
use super::{Cancelled, JoinError, Panicked, host};

pin_project! {
    /// The future that a loop polls for a task whose own future is `F`.
    pub(super) struct Step<F>
    where
        F: Future,
        F: 'static,
        F::Output: 'static,
    {
        shared: Rc<Shared<F::Output>>,
        // `None` once it is done; dropped here, since only here a panic of its destructor is caught.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Step<F>
    where
        F: Future,
        F: 'static,
        F::Output: 'static,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            abandon(this.shared, &mut this.future);
        }
    }
}

impl<F: Future> Step<F> {
    pub(super) const fn new(shared: Rc<Shared<F::Output>>, future: F) -> Step<F> {
        Step {
            shared,
            future: Some(future),
        }
    }
}

impl<F: Future> Future for Step<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        poll(this.shared, this.future, cx)
    }
}

/// Makes one step of a task. Ready means that the task is done, its future was dropped, and its outcome stored.
pub(super) fn poll<F>(
    shared: &Rc<Shared<F::Output>>,
    mut future: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<()>
where
    F: Future,
    F::Output: 'static,
{
    let state = shared.state();
    let before = state::set_current(Some(TaskRef::new(shared)));
    let timed = host::slow_step().map(|limit| (limit, Instant::now()));
    let should_hear = state.begin_step();
    let has_ended = state.aborted.get() || state.stage.get() == Stage::New && !begin(shared, cx);
    let polled = if has_ended {
        Ok(Poll::Ready(None))
    } else {
        catch_unwind(AssertUnwindSafe(|| {
            let future = future.as_mut().as_pin_mut();
            future
                .expect("a task that is done is not polled")
                .poll(cx)
                .map(Some)
        }))
    };
    if let Some((limit, start)) = timed {
        report_if_slow(&TaskRef::new(shared), limit, start.elapsed());
    }
    // What the future waits for is not ferrio's, and knows only one cancellation: to be dropped.
    let is_deaf = should_hear && state.has_heard_nothing();
    if matches!(polled, Ok(Poll::Pending)) && !is_deaf {
        drop(state::set_current(before));
        return Poll::Pending;
    }
    drop_future(shared, &mut future);
    let (end, output) = match polled {
        Ok(Poll::Ready(Some(output))) if !state.holds_cancelled() => (Stage::Finished, Ok(output)),
        Ok(output) => {
            drop(output); // It holds the cancellation, or there is none.
            (Stage::Cancelled, Err(cancelled(shared)))
        }
        Err(payload) => {
            let panicked = Panicked::new(&state.name(), payload);
            (Stage::Panicked, Err(JoinError::Panicked(panicked)))
        }
    };
    drop(state::set_current(before));
    finish(shared, end, output);
    Poll::Ready(())
}

/// Ends a task that is not done, because its loop is.
pub(super) fn abandon<T: 'static, F>(shared: &Rc<Shared<T>>, future: &mut Pin<&mut Option<F>>) {
    if shared.state().stage.get().is_done() {
        return;
    }
    drop_future(shared, future);
    let closed = Cancelled::new(Some("the event loop was closed".into()), None);
    finish(shared, Stage::Cancelled, Err(JoinError::Cancelled(closed)));
}

/// Begins the first step. Returns whether there is one: the future of a task that was cancelled before is never polled.
fn begin<T: 'static>(shared: &Rc<Shared<T>>, cx: &Context<'_>) -> bool {
    let state = shared.state();
    state.stage.set(Stage::Begun);
    if state.take_cancellation().is_some() {
        return false;
    }
    state.waker.replace(Some(cx.waker().clone()));
    true
}

fn cancelled<T: 'static>(shared: &Shared<T>) -> JoinError {
    JoinError::Cancelled(Cancelled::new(shared.state().message(), None))
}

/// Drops the task's future; a panic of its destructor is reported, since the task has its outcome already.
fn drop_future<T: 'static, F>(shared: &Rc<Shared<T>>, future: &mut Pin<&mut Option<F>>) {
    let dropped = catch_unwind(AssertUnwindSafe(|| future.as_mut().set(None)));
    if let Err(payload) = dropped {
        let task = TaskRef::new(shared);
        let panicked = Panicked::new(&task.name(), payload);
        report(
            "A destructor has panicked at the end of a task",
            &task,
            &panicked,
        );
    }
}

fn report(message: &str, task: &TaskRef, error: &(dyn std::error::Error + 'static)) {
    if let Some(host) = host::current() {
        host.report(message, task, Some(error));
    }
}

#[cold]
fn report_if_slow(task: &TaskRef, limit: Duration, taken: Duration) {
    if let Some(host) = host::current()
        && taken >= limit
    {
        let seconds = taken.as_secs_f64();
        host.report(
            &format!("Executing {task:?} took {seconds:.3} seconds"),
            task,
            None,
        );
    }
}

/// Stores the outcome and tells those who wait for it.
fn finish<T: 'static>(shared: &Rc<Shared<T>>, end: Stage, outcome: Result<T, JoinError>) {
    let state = shared.state();
    shared.set_outcome(outcome);
    state.stage.set(end);
    let waker = state.waker.take();
    drop(waker);
    TaskRef::new(shared).tell_observers();
}
