//! What a task asks of the loop that runs it, and which loop runs on this thread.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use async_task::Runnable;

use super::handle::{Task, TaskRef};
use super::step::Step;

/// What other threads may do with a loop: hand it a task that was woken.
pub trait RemoteHost: Send + Sync + 'static {
    /// The identity of the loop in this process.
    fn id(&self) -> u64;

    /// The loop's thread.
    fn thread(&self) -> ThreadId;

    /// Queues a task and wakes the loop. Gives the task back when the loop is closed.
    fn inject(&self, runnable: Runnable) -> Result<(), Runnable>;
}

/// A loop, seen by its tasks.
///
/// The methods are called on the loop's thread only, at any time: also while a task is polled or dropped.
pub trait Host {
    /// The way in for other threads.
    fn remote(&self) -> Arc<dyn RemoteHost>;

    /// The identity of the loop: that of its [`remote`](Self::remote).
    fn id(&self) -> u64;

    /// Queues a task that was woken.
    fn push(&self, runnable: Runnable);

    /// Queues a callback.
    fn call_soon(&self, callback: Box<dyn FnOnce()>);

    /// Adds a new task to the table of all tasks, and returns its place there.
    fn add(&self, task: TaskRef) -> usize;

    /// Removes a task that is done from the table.
    fn remove(&self, place: usize);

    /// Reports that something has gone wrong which nobody else will hear of.
    fn report(
        &self,
        message: &str,
        task: &TaskRef,
        error: Option<&(dyn std::error::Error + 'static)>,
    );

    /// Returns how long a step may take before it is reported; `None` if steps need not be timed. Asked when the loop
    /// begins to run.
    fn slow_step(&self) -> Option<Duration>;
}

thread_local! {
    /// The loop that runs on this thread.
    static HOST: RefCell<Option<Rc<dyn Host>>> = const { RefCell::new(None) };
    /// Its identity.
    static ID: Cell<Option<u64>> = const { Cell::new(None) };
    /// How long a step may take before that loop wants to know.
    static SLOW: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Returns the identity of the loop that runs on this thread.
#[inline]
pub(super) fn current_id() -> Option<u64> {
    ID.get()
}

/// Returns how long a step may take before it is reported; `None` if steps need not be timed.
#[inline]
pub(super) fn slow_step() -> Option<Duration> {
    SLOW.get()
}

/// The error of running a loop inside another one's task or callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Cannot run the event loop while another loop is running")]
pub struct AlreadyRunning;

/// While this lives, a loop runs on this thread.
#[derive(Debug)]
pub struct Entered(());

/// Makes a loop the one that runs on this thread.
pub fn enter(host: Rc<dyn Host>) -> Result<Entered, AlreadyRunning> {
    drop_orphans();
    let entered = HOST.try_with(|current| {
        let mut current = current.borrow_mut();
        if current.is_some() {
            return Err(AlreadyRunning);
        }
        SLOW.set(host.slow_step());
        ID.set(Some(host.id()));
        *current = Some(host);
        Ok(Entered(()))
    });
    // At the end of a thread, when its variables are gone, no loop runs any more.
    entered.unwrap_or(Err(AlreadyRunning))
}

impl Drop for Entered {
    fn drop(&mut self) {
        SLOW.set(None);
        ID.set(None);
        let host = HOST.try_with(|current| current.borrow_mut().take());
        drop(host);
    }
}

/// Returns the loop that runs on this thread.
pub fn current() -> Option<Rc<dyn Host>> {
    HOST.try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

/// Hands a task that was woken to its loop, from any thread.
pub(super) fn schedule(remote: &Arc<dyn RemoteHost>, runnable: Runnable) {
    let mut runnable = Some(runnable);
    let _ = HOST.try_with(|current| {
        let current = current.borrow();
        let host = current.as_deref().filter(|host| host.id() == remote.id());
        if let Some(host) = host
            && let Some(runnable) = runnable.take()
        {
            host.push(runnable);
        }
    });
    if let Some(Err(orphan)) = runnable.map(|runnable| remote.inject(runnable)) {
        add_orphan(remote.thread(), orphan);
    }
}

/// What describes a new task.
#[derive(Debug)]
pub struct Builder {
    pub(super) name: Option<Rc<str>>,
    pub(super) spawned_at: &'static Location<'static>,
}

impl Builder {
    /// Describes a task that is made where this is called.
    #[track_caller]
    pub fn new() -> Builder {
        Builder {
            name: None,
            spawned_at: Location::caller(),
        }
    }

    /// Sets the name; without one it is `Task-1` and so on.
    #[must_use]
    pub fn name(mut self, name: impl Into<Rc<str>>) -> Builder {
        self.name = Some(name.into());
        self
    }

    /// Makes the task, and queues its first step on the loop `host`.
    pub fn spawn_on<F>(self, host: &dyn Host, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let remote = host.remote();
        let task = Task::from_builder(self, remote.id());
        let task_ref = task.task_ref();
        task_ref.set_place(host.add(task_ref.clone()));
        let step = Step::new(task.shared(), future);
        let (runnable, detached) =
            async_task::spawn_local(step, move |runnable| schedule(&remote, runnable));
        detached.detach();
        runnable.schedule();
        task
    }
}

impl Default for Builder {
    #[track_caller]
    fn default() -> Builder {
        Builder::new()
    }
}

/// Tasks that were woken on another thread just when their loop was closed, with their own thread, on which they have to be
/// dropped: their futures are not `Send`.
static ORPHANS: Mutex<Vec<(ThreadId, Runnable)>> = Mutex::new(Vec::new());

fn add_orphan(owner: ThreadId, runnable: Runnable) {
    let mut orphans = ORPHANS.lock().unwrap_or_else(PoisonError::into_inner);
    orphans.push((owner, runnable));
}

/// Drops the tasks of closed loops of this thread that other threads have left.
pub fn drop_orphans() {
    let here = thread::current().id();
    let mut orphans = ORPHANS.lock().unwrap_or_else(PoisonError::into_inner);
    let mine: Vec<_> = orphans
        .extract_if(.., |(owner, _)| *owner == here)
        .collect();
    // Their destructors may be anybody's code.
    drop(orphans);
    drop(mine);
}
