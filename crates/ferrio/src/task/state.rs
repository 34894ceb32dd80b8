//! What is known of a task besides its future and its output, and which task is running.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use super::cancellation::{Cancelled, Token};
use super::handle::TaskRef;
use super::locals::Locals;
use super::observers::Observers;

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its first step has not begun.
    New,
    /// Its first step has begun.
    Begun,
    /// It has an output.
    Finished,
    /// It was cancelled.
    Cancelled,
    /// It has panicked.
    Panicked,
}

impl Stage {
    pub(super) const fn is_done(self) -> bool {
        matches!(self, Stage::Finished | Stage::Cancelled | Stage::Panicked)
    }
}

/// Who is to be told that a task is done.
pub(super) enum Observer {
    /// One who awaits it.
    Waker(Waker),
    /// A callback, which the loop calls.
    Callback(Box<dyn FnOnce(&TaskRef)>),
    /// One who waits for many tasks, and the number under which it knows this one.
    Watch(Rc<dyn Watch>, usize),
}

/// One who waits for many tasks.
pub(crate) trait Watch {
    /// Is called when the task that is known by `number` is done, in its last step. It must not run code of others,
    /// except that it wakes.
    fn task_done(&self, number: usize);
}

/// The state of a task.
pub(super) struct State {
    /// The number in the default name.
    number: u64,
    name: RefCell<Option<Rc<str>>>,
    pub spawned_at: &'static Location<'static>,
    /// The identity of the host that runs the task.
    pub host: u64,
    pub stage: Cell<Stage>,
    /// The task's own waker, from its first step to its end.
    pub waker: RefCell<Option<Waker>>,
    /// Whether the task was cancelled and no leaf has taken that yet.
    must_cancel: Cell<bool>,
    message: RefCell<Option<Arc<str>>>,
    /// Whether a leaf has taken a cancellation in the step that is under way, or the last one.
    has_heard: Cell<bool>,
    /// Whether the future is to be dropped instead of polled.
    pub aborted: Cell<bool>,
    /// How often the task was cancelled, less the calls of `uncancel`.
    requests: Cell<usize>,
    /// Shared by all `Cancelled` that this task was given.
    token: RefCell<Option<Arc<Token>>>,
    observers: Observers<Observer>,
    pub locals: RefCell<Locals>,
    /// The task's place in its host's table.
    pub key: Cell<usize>,
}

thread_local! {
    /// The task whose step is under way on this thread.
    static CURRENT: RefCell<Option<TaskRef>> = const { RefCell::new(None) };
    /// The number of tasks made on this thread.
    static TASKS: Cell<u64> = const { Cell::new(0) };
}

/// Returns the task whose step is under way; `None` outside of tasks. asyncio's function of this name.
pub fn current_task() -> Option<TaskRef> {
    CURRENT
        .try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

/// Makes a task the current one, or none; returns the one that was.
pub(super) fn set_current(task: Option<TaskRef>) -> Option<TaskRef> {
    CURRENT
        .try_with(|current| current.replace(task))
        .ok()
        .flatten()
}

/// Calls `look` with the state of the current task, if there is one.
#[inline]
pub(super) fn with_current<R>(look: impl FnOnce(&State) -> R) -> Option<R> {
    CURRENT
        .try_with(|current| current.borrow().as_ref().map(|task| look(task.state())))
        .ok()
        .flatten()
}

/// Returns the current task's token.
pub(super) fn token() -> Option<Arc<Token>> {
    with_current(State::token)
}

impl State {
    pub(super) fn new(
        name: Option<Rc<str>>,
        spawned_at: &'static Location<'static>,
        host: u64,
    ) -> State {
        let number = TASKS.with(|tasks| {
            tasks.set(tasks.get() + 1);
            tasks.get()
        });
        let locals = with_current(|parent| parent.locals.borrow().clone());
        State {
            number,
            name: RefCell::new(name),
            spawned_at,
            host,
            stage: Cell::new(Stage::New),
            waker: RefCell::new(None),
            must_cancel: Cell::new(false),
            message: RefCell::new(None),
            has_heard: Cell::new(false),
            aborted: Cell::new(false),
            requests: Cell::new(0),
            token: RefCell::new(None),
            observers: Observers::new(),
            locals: RefCell::new(locals.unwrap_or_default()),
            key: Cell::new(usize::MAX),
        }
    }

    pub(super) fn name(&self) -> Rc<str> {
        let mut name = self.name.borrow_mut();
        let named = name.get_or_insert_with(|| format!("Task-{}", self.number).into());
        Rc::clone(named)
    }

    pub(super) fn set_name(&self, name: Rc<str>) {
        self.name.replace(Some(name));
    }

    /// Asks for cancellation; `false` if the task is done.
    pub(super) fn cancel(&self, message: Option<Arc<str>>) -> bool {
        if self.stage.get().is_done() {
            return false;
        }
        self.requests.set(self.requests.get() + 1);
        self.must_cancel.set(true);
        self.message.replace(message);
        self.queue_step();
        true
    }

    /// Has the task's future dropped in its next step; `false` if the task is done.
    pub(super) fn abort(&self) -> bool {
        if self.stage.get().is_done() {
            return false;
        }
        self.aborted.set(true);
        self.queue_step();
        true
    }

    /// Queues a step. A task without a waker has not begun, so that its first step is queued, or is done.
    pub(super) fn queue_step(&self) {
        let waker = self.waker.borrow().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether the task was cancelled and no leaf has taken that yet.
    pub(super) fn must_cancel(&self) -> bool {
        self.must_cancel.get()
    }

    /// Asks for cancellation on behalf of a scope, which polls what is to take the mark.
    pub(super) fn cancel_scope(&self) {
        self.requests.set(self.requests.get() + 1);
        if !self.must_cancel.replace(true) {
            let replaced = self.message.take();
            drop(replaced);
        }
    }

    /// Remembers the message of a cancellation that is not the task's own, but may end it.
    pub(super) fn remember(&self, message: Option<Arc<str>>) {
        if self.requests.get() == 0 {
            self.message.replace(message);
        }
    }

    /// Takes the mark back.
    pub(super) fn clear_mark(&self) {
        self.must_cancel.set(false);
    }

    /// Sets the mark again, for a request that was not passed on by the one who was told of it.
    pub(super) fn renew_mark(&self) {
        self.must_cancel.set(true);
    }

    /// Exchanges the token with that of a scope which is entered or left.
    pub(super) fn swap_token(&self, other: &mut Option<Arc<Token>>) {
        std::mem::swap(&mut *self.token.borrow_mut(), other);
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.get()
    }

    /// Takes one request back; returns how many are left. As in asyncio, a mark that no leaf has taken goes with the
    /// last one.
    pub(super) fn uncancel(&self) -> usize {
        let left = self.requests.get().saturating_sub(1);
        self.requests.set(left);
        if left == 0 {
            self.must_cancel.set(false);
        }
        left
    }

    /// Takes the mark of cancellation.
    #[inline]
    pub(super) fn take_cancellation(&self) -> Option<Cancelled> {
        self.must_cancel.get().then(|| {
            self.must_cancel.set(false);
            self.has_heard.set(true);
            let message = self.message.borrow().clone();
            Cancelled::new(message, Some(self.token()))
        })
    }

    /// Begins a step. Returns whether the task was cancelled before, so that a leaf should take that in this step.
    #[inline]
    pub(super) fn begin_step(&self) -> bool {
        self.has_heard.set(false);
        self.must_cancel.get()
    }

    /// Whether no leaf has taken a cancellation in this step.
    pub(super) fn has_heard_nothing(&self) -> bool {
        self.must_cancel.get() && !self.has_heard.get()
    }

    pub(super) fn token(&self) -> Arc<Token> {
        let mut token = self.token.borrow_mut();
        Arc::clone(token.get_or_insert_with(Arc::default))
    }

    /// Whether a `Cancelled` that the task was given is still alive.
    pub(super) fn holds_cancelled(&self) -> bool {
        let token = self.token.borrow();
        token
            .as_ref()
            .is_some_and(|token| Arc::strong_count(token) > 1)
    }

    pub(super) fn message(&self) -> Option<Arc<str>> {
        self.message.borrow().clone()
    }

    /// Adds an observer; returns the key by which it is replaced and removed.
    pub(super) fn observe(&self, observer: Observer) -> u64 {
        self.observers.add(observer)
    }

    /// Sets the waker of an observer that awaits the task.
    pub(super) fn update_waker(&self, key: u64, waker: &Waker) {
        self.observers
            .update(key, waker, |observer| match observer {
                Observer::Waker(old) => Some(old),
                Observer::Callback(_) | Observer::Watch(..) => None,
            });
    }

    pub(super) fn forget_observer(&self, key: u64) {
        self.observers.forget(key);
    }

    pub(super) fn take_observers(&self) -> impl IntoIterator<Item = (u64, Observer)> {
        self.observers.take()
    }
}
