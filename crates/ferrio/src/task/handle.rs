//! What a program holds of a task.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::state::{self, Observer, Stage, State, Watch};
use super::{Builder, Cancelled, JoinError, host};

/// What a task shares with its handles.
pub(super) struct Shared<T> {
    state: State,
    outcome: RefCell<Option<Result<T, JoinError>>>,
    /// Whether nobody will ask for the outcome any more.
    detached: Cell<bool>,
}

impl<T: 'static> Shared<T> {
    pub(super) const fn state(&self) -> &State {
        &self.state
    }

    /// Keeps the outcome for one who holds a claim to it.
    pub(super) fn set_outcome(self: &Rc<Self>, outcome: Result<T, JoinError>) {
        if self.detached.get() {
            self.report_unseen(&outcome);
        } else {
            self.outcome.replace(Some(outcome));
        }
    }

    pub(super) fn take_outcome(&self) -> Option<Result<T, JoinError>> {
        self.outcome.take()
    }

    /// Reports a panic that nobody has asked for.
    fn report_unseen(self: &Rc<Self>, outcome: &Result<T, JoinError>) {
        if let Err(error @ JoinError::Panicked(_)) = outcome
            && let Some(host) = host::current()
        {
            let task = TaskRef::new(self);
            host.report("Task exception was never retrieved", &task, Some(error));
        }
    }
}

/// A task of any output.
trait AnyTask {
    fn state(&self) -> &State;
}

impl<T> AnyTask for Shared<T> {
    fn state(&self) -> &State {
        &self.state
    }
}

/// Refers to a task without a claim to its output.
///
/// Clones refer to the same task, and are equal.
#[derive(Clone)]
pub struct TaskRef(Rc<dyn AnyTask>);

impl TaskRef {
    #[inline]
    pub(super) fn new<T: 'static>(shared: &Rc<Shared<T>>) -> TaskRef {
        TaskRef(Rc::clone(shared) as Rc<dyn AnyTask>)
    }

    #[inline]
    pub(super) fn state(&self) -> &State {
        self.0.state()
    }

    pub(super) fn set_place(&self, place: usize) {
        self.state().key.set(place);
    }

    /// Asks the task to end: whatever it awaits fails with [`Cancelled`]. asyncio's `Task.cancel`.
    ///
    /// Returns `false` if it is done already. A task that has not begun never begins. A task that awaits a future which is
    /// not ferrio's, and so knows nothing of this, ends by having its own future dropped.
    pub fn cancel(&self, message: impl Into<Option<&'static str>>) -> bool {
        self.state().cancel(message.into().map(Arc::from))
    }

    /// Does the same with a message that is made at run time.
    pub fn cancel_with(&self, message: Option<Arc<str>>) -> bool {
        self.state().cancel(message)
    }

    /// Returns how often the task was cancelled, less the calls of [`uncancel`](Self::uncancel).
    pub fn cancelling(&self) -> usize {
        self.state().requests()
    }

    /// Takes one request to cancel back, for one who has dealt with it; returns how many are left.
    pub fn uncancel(&self) -> usize {
        self.state().uncancel()
    }

    /// Whether the task has finished, was cancelled or has panicked.
    pub fn is_done(&self) -> bool {
        self.state().stage.get().is_done()
    }

    /// Whether the task has ended as cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.state().stage.get() == Stage::Cancelled
    }

    /// Returns the name.
    pub fn name(&self) -> Rc<str> {
        self.state().name()
    }

    /// Sets the name.
    pub fn set_name(&self, name: impl Into<Rc<str>>) {
        self.state().set_name(name.into());
    }

    /// Returns where in the program the task was made.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.state().spawned_at
    }

    /// Has the loop call `callback` when the task is done, in the iteration after; callbacks are called in the order in
    /// which they were added.
    pub fn add_done_callback(&self, callback: impl FnOnce(&TaskRef) + 'static) {
        if self.is_done() {
            self.call_soon(Box::new(callback));
        } else {
            self.state().observe(Observer::Callback(Box::new(callback)));
        }
    }

    /// Waits until the task is done, whatever its outcome.
    ///
    /// Unlike one who awaits the task, one who is cancelled here leaves the task alone.
    pub fn finished(&self) -> Finished {
        Finished {
            task: self.clone(),
            observer: None,
        }
    }

    /// Queues a step, or nothing if the task is done.
    pub(crate) fn queue(&self) {
        self.state().queue_step();
    }

    /// Ends the task where it stands, in its next step: its future is dropped, and cannot refuse or await anything any more.
    ///
    /// Returns `false` if the task is done already.
    pub fn abort(&self) -> bool {
        self.state().abort()
    }

    /// Has `watch` told when the task is done; returns the key by which it is [forgotten](Self::unwatch).
    pub(crate) fn watch(&self, watch: Rc<dyn Watch>, number: usize) -> u64 {
        self.state().observe(Observer::Watch(watch, number))
    }

    pub(crate) fn unwatch(&self, key: u64) {
        self.state().forget_observer(key);
    }

    /// Checks that the current task may wait for this one.
    pub(crate) fn check(&self) -> Result<(), JoinError> {
        check(self.state())
    }

    /// Whether a `Cancelled` that the task was given is still alive.
    pub(crate) fn holds_cancelled(&self) -> bool {
        self.state().holds_cancelled()
    }

    /// Whether the task has panicked.
    pub(crate) fn has_panicked(&self) -> bool {
        self.state().stage.get() == Stage::Panicked
    }

    fn call_soon(&self, callback: Box<dyn FnOnce(&TaskRef)>) {
        if let Some(host) = host::current() {
            let task = self.clone();
            host.call_soon(Box::new(move || callback(&task)));
        }
    }

    /// Tells all who wait that the task is done, and leaves the host's table.
    pub(super) fn tell_observers(&self) {
        let state = self.state();
        for (_, observer) in state.take_observers() {
            match observer {
                Observer::Waker(waker) => waker.wake(),
                Observer::Callback(callback) => self.call_soon(callback),
                Observer::Watch(watch, number) => watch.task_done(number),
            }
        }
        let place = state.key.replace(usize::MAX);
        if place != usize::MAX
            && let Some(host) = host::current().filter(|host| host.id() == state.host)
        {
            host.remove(place);
        }
    }
}

impl PartialEq for TaskRef {
    fn eq(&self, other: &TaskRef) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for TaskRef {}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state().stage.get() {
            Stage::New | Stage::Begun if self.cancelling() > 0 => "cancelling",
            Stage::New | Stage::Begun => "pending",
            Stage::Finished => "finished",
            Stage::Cancelled => "cancelled",
            Stage::Panicked => "panicked",
        };
        let (name, place) = (self.name(), self.spawned_at());
        write!(f, "<Task {state} name='{name}' spawned at {place}>")
    }
}

/// A task that was made by [`spawn`](crate::spawn), and the claim to its output.
///
/// Awaiting it gives the output, or says why there is none. One who is cancelled while he awaits a task cancels that task
/// and waits for its end, as in asyncio; see [`TaskRef::finished`] for a way that leaves it alone.
///
/// Dropping it detaches the task, which goes on. As in asyncio, a panic that nobody can learn of any more is reported to
/// the loop's exception handler.
pub struct Task<T: 'static> {
    shared: Rc<Shared<T>>,
    waiting: Option<u64>,
}

impl<T: 'static> Task<T> {
    pub(super) fn from_builder(builder: Builder, host: u64) -> Task<T> {
        let shared = Rc::new(Shared {
            state: State::new(builder.name, builder.spawned_at, host),
            outcome: RefCell::new(None),
            detached: Cell::new(false),
        });
        Task {
            shared,
            waiting: None,
        }
    }

    pub(super) fn shared(&self) -> Rc<Shared<T>> {
        Rc::clone(&self.shared)
    }

    /// Returns a reference to the task, which has no claim to the output.
    pub fn task_ref(&self) -> TaskRef {
        TaskRef::new(&self.shared)
    }

    /// As [`TaskRef::cancel`].
    pub fn cancel(&self, message: impl Into<Option<&'static str>>) -> bool {
        self.task_ref().cancel(message)
    }

    /// As [`TaskRef::abort`].
    pub fn abort(&self) -> bool {
        self.task_ref().abort()
    }

    /// As [`TaskRef::cancelling`].
    pub fn cancelling(&self) -> usize {
        self.task_ref().cancelling()
    }

    /// As [`TaskRef::uncancel`].
    pub fn uncancel(&self) -> usize {
        self.task_ref().uncancel()
    }

    /// As [`TaskRef::is_done`].
    pub fn is_done(&self) -> bool {
        self.task_ref().is_done()
    }

    /// As [`TaskRef::is_cancelled`].
    pub fn is_cancelled(&self) -> bool {
        self.task_ref().is_cancelled()
    }

    /// As [`TaskRef::name`].
    pub fn name(&self) -> Rc<str> {
        self.task_ref().name()
    }

    /// As [`TaskRef::set_name`].
    pub fn set_name(&self, name: impl Into<Rc<str>>) {
        self.task_ref().set_name(name);
    }

    /// As [`TaskRef::add_done_callback`].
    pub fn add_done_callback(&self, callback: impl FnOnce(&TaskRef) + 'static) {
        self.task_ref().add_done_callback(callback);
    }

    /// Takes the outcome, if the task is done and nobody has taken it before.
    pub fn try_take(&mut self) -> Option<Result<T, JoinError>> {
        let outcome = self.shared.outcome.take()?;
        Some(outcome.map_err(given_to_the_current_task))
    }
}

impl<T: 'static> Task<T> {
    /// Looks at the outcome without taking it. `None` if there is none yet, or if it was taken.
    pub(crate) fn peek<R>(&self, look: impl FnOnce(&Result<T, JoinError>) -> R) -> Option<R> {
        let outcome = self.shared.outcome.borrow();
        outcome.as_ref().map(look)
    }
}

/// Makes one who ends with the error of a cancelled task end as cancelled himself.
fn given_to_the_current_task(error: JoinError) -> JoinError {
    match error {
        JoinError::Cancelled(it) => JoinError::Cancelled(Cancelled::given(it.shared_message())),
        other => other,
    }
}

impl<T: 'static> Future for Task<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    ///
    /// If the outcome was taken before.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let state = self.shared.state();
        if state.stage.get().is_done() {
            let outcome = self.try_take();
            return Poll::Ready(outcome.expect("the outcome of a task is taken once"));
        }
        if let Err(error) = check(state) {
            return Poll::Ready(Err(error));
        }
        // One who is cancelled while he awaits a task cancels it.
        if let Some(cancelled) = super::take_cancellation() {
            state.cancel(cancelled.shared_message());
        }
        let waiting = watch(state, self.waiting, cx);
        self.waiting = Some(waiting);
        Poll::Pending
    }
}

/// Checks that the current task may wait for the one with this state.
fn check(state: &State) -> Result<(), JoinError> {
    let is_me = state::with_current(|current| std::ptr::eq(current, state));
    if is_me == Some(true) {
        return Err(JoinError::AwaitsItself);
    }
    match host::current_id() {
        Some(id) if id != state.host => Err(JoinError::OtherLoop),
        _ => Ok(()),
    }
}

/// Has the task wake the one who waits, who may be registered already; returns the key of the registration.
fn watch(state: &State, waiting: Option<u64>, cx: &Context<'_>) -> u64 {
    match waiting {
        Some(key) => {
            state.update_waker(key, cx.waker());
            key
        }
        None => state.observe(Observer::Waker(cx.waker().clone())),
    }
}

impl<T: 'static> Unpin for Task<T> {}

impl<T: 'static> Drop for Task<T> {
    fn drop(&mut self) {
        let state = self.shared.state();
        if let Some(key) = self.waiting.take() {
            state.forget_observer(key);
        }
        self.shared.detached.set(true);
        if let Some(outcome) = self.shared.outcome.take() {
            self.shared.report_unseen(&outcome);
        }
    }
}

impl<T: 'static> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.task_ref().fmt(f)
    }
}

/// Waits for the end of a task; made by [`TaskRef::finished`].
#[derive(Debug)]
pub struct Finished {
    task: TaskRef,
    observer: Option<u64>,
}

impl Future for Finished {
    type Output = Result<(), Cancelled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.observer.is_some()
            && let Some(cancelled) = super::take_cancellation()
        {
            return Poll::Ready(Err(cancelled));
        }
        if self.task.is_done() {
            return Poll::Ready(Ok(()));
        }
        if let Some(cancelled) = super::take_cancellation() {
            return Poll::Ready(Err(cancelled));
        }
        let observer = watch(self.task.state(), self.observer, cx);
        self.observer = Some(observer);
        Poll::Pending
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        if let Some(key) = self.observer.take() {
            self.task.state().forget_observer(key);
        }
    }
}
