//! [`EventLoop`]: its methods, as asyncio's loop has them.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use slab::Slab;

use crate::engine::{LoopCore, Time};
use crate::task::{Builder, Host, RemoteHost, Runnable, Task, TaskRef};

use super::callback::{Call, Handle, TimerHandle};
use super::executor::ThreadPool;
use super::payload::{Injected, Listener, Payload};
use super::remote::{Home, Remote};
use super::reports::{Handler, Report};

/// A callback or step that takes longer is reported in debug mode, unless the program sets another limit.
const SLOW: Duration = Duration::from_millis(100);

/// An event loop: it runs tasks and callbacks on the thread on which it was made.
///
/// Clones are the same loop. Most programs never touch it: [`run`](crate::run) makes one, and [`spawn`](crate::spawn)
/// and everything that awaits find the one that runs.
///
/// The methods are those of asyncio's loop, with the same order of callbacks: what is called soon runs in the next
/// iteration, in the order of the calls; then come descriptors that are ready, then timers that are due.
#[derive(Clone)]
pub struct EventLoop(pub(super) Rc<Inner>);

/// What all clones of a loop share.
pub(crate) struct Inner {
    pub core: RefCell<LoopCore<Payload, Injected>>,
    pub(super) home: Arc<Home>,
    pub(super) tasks: RefCell<Slab<TaskRef>>,
    pub(super) stopping: Cell<bool>,
    pub(super) closed: Cell<bool>,
    pub(super) handler: RefCell<Option<Rc<Handler>>>,
    pub(super) slow: Cell<Duration>,
    pub(super) debug: Cell<bool>,
    pub(super) executor: RefCell<Option<ThreadPool>>,
}

thread_local! {
    /// The loop that runs on this thread.
    static RUNNING: RefCell<Option<Rc<Inner>>> = const { RefCell::new(None) };
}

/// Calls `use_it` with the loop that runs on this thread, if there is one.
#[inline]
pub(crate) fn running<R>(use_it: impl FnOnce(&Rc<Inner>) -> R) -> Option<R> {
    RUNNING
        .try_with(|running| running.borrow().as_ref().map(use_it))
        .ok()
        .flatten()
}

/// Sets the loop that runs on this thread.
pub(super) fn set_running(inner: Option<Rc<Inner>>) {
    let before = RUNNING.with(|running| running.replace(inner));
    drop(before);
}

impl EventLoop {
    /// Makes a loop.
    ///
    /// Fails when the process has no file descriptors left for its poller and its waker.
    pub fn new() -> io::Result<EventLoop> {
        let core = LoopCore::with_injected()?;
        let home = Home::new(core.injector());
        Ok(EventLoop(Rc::new(Inner {
            core: RefCell::new(core),
            home,
            tasks: RefCell::default(),
            stopping: Cell::new(false),
            closed: Cell::new(false),
            handler: RefCell::new(None),
            slow: Cell::new(SLOW),
            debug: Cell::new(false),
            executor: RefCell::new(None),
        })))
    }

    /// Returns the loop that runs on this thread; asyncio's `get_running_loop`, but `None` where that raises.
    pub fn running() -> Option<EventLoop> {
        running(|inner| EventLoop(Rc::clone(inner)))
    }

    /// Returns the loop for use by other threads.
    pub fn remote(&self) -> Remote {
        Remote(Arc::clone(&self.0.home))
    }

    /// Calls `callback` in the next iteration, behind what was asked for before.
    ///
    /// # Panics
    ///
    /// If the loop is closed.
    #[track_caller]
    pub fn call_soon(&self, callback: impl FnOnce() + 'static) -> Handle {
        self.check_closed();
        let call = Call::new(callback);
        self.0.push(Payload::Call(Rc::clone(&call)));
        Handle(call)
    }

    /// Calls `callback` when `delay` has passed.
    ///
    /// # Panics
    ///
    /// If the loop is closed.
    #[track_caller]
    pub fn call_later(&self, delay: Duration, callback: impl FnOnce() + 'static) -> TimerHandle {
        self.schedule(Time::now().saturating_add(delay), callback)
    }

    /// Calls `callback` at `when`, or in the next iteration if that has passed.
    ///
    /// # Panics
    ///
    /// If the loop is closed.
    #[track_caller]
    pub fn call_at(&self, when: Instant, callback: impl FnOnce() + 'static) -> TimerHandle {
        self.schedule(time_of(when), callback)
    }

    #[track_caller]
    fn schedule(&self, at: Time, callback: impl FnOnce() + 'static) -> TimerHandle {
        self.check_closed();
        let call = Call::new(callback);
        let payload = Payload::Call(Rc::clone(&call));
        let key = self.0.core.borrow_mut().schedule(at, payload);
        TimerHandle {
            call,
            at,
            key,
            event_loop: Rc::downgrade(&self.0),
        }
    }

    /// Makes a task of a future. Its first step runs in the next iteration.
    ///
    /// # Panics
    ///
    /// If the loop is closed.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
    {
        self.spawn_with(Builder::new(), future)
    }

    /// Makes a task that has, for example, a name; otherwise as [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_with<F>(&self, builder: Builder, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
    {
        self.check_closed();
        builder.spawn_on(&*self.0, future)
    }

    /// Panics if the loop is closed: nothing that it is given would ever run.
    #[track_caller]
    pub(super) fn check_closed(&self) {
        assert!(!self.is_closed(), "Event loop is closed");
    }

    /// Returns all tasks of this loop that are not done, in no order.
    pub fn all_tasks(&self) -> Vec<TaskRef> {
        let tasks = self.0.tasks.borrow();
        tasks.iter().map(|(_, task)| task.clone()).collect()
    }

    /// Calls `callback` whenever `fd` is readable, until [`remove_reader`](Self::remove_reader).
    ///
    /// Replaces the reader that `fd` has. Fails with `EBADF` for what is no open descriptor, and on Linux with `EPERM`
    /// for a regular file or directory (`epoll_ctl(2)`).
    pub fn add_reader(&self, fd: &impl AsRawFd, callback: impl Fn() + 'static) -> io::Result<()> {
        let listener = Listener::new(callback);
        let payload = Payload::Listener(Rc::clone(&listener));
        // What is dropped in there is only a reference: the callback's destructor may be anybody's code.
        let replaced = (self.0.core.borrow_mut()).set_reader(fd.as_raw_fd(), payload);
        replaced
            .map(|payload| cancelled(payload.as_ref()))
            .map(drop)
    }

    /// Calls `callback` whenever `fd` is writable; otherwise as [`add_reader`](Self::add_reader).
    pub fn add_writer(&self, fd: &impl AsRawFd, callback: impl Fn() + 'static) -> io::Result<()> {
        let listener = Listener::new(callback);
        let payload = Payload::Listener(Rc::clone(&listener));
        // What is dropped in there is only a reference: the callback's destructor may be anybody's code.
        let replaced = (self.0.core.borrow_mut()).set_writer(fd.as_raw_fd(), payload);
        replaced
            .map(|payload| cancelled(payload.as_ref()))
            .map(drop)
    }

    /// Takes the reader of a descriptor back; returns whether it had one. The descriptor may be closed.
    pub fn remove_reader(&self, fd: RawFd) -> io::Result<bool> {
        let removed = self.0.core.borrow_mut().remove_reader(fd);
        removed.map(|payload| cancelled(payload.as_ref()))
    }

    /// Takes the writer of a descriptor back; otherwise as [`remove_reader`](Self::remove_reader).
    pub fn remove_writer(&self, fd: RawFd) -> io::Result<bool> {
        let removed = self.0.core.borrow_mut().remove_writer(fd);
        removed.map(|payload| cancelled(payload.as_ref()))
    }

    /// Ends [`run_forever`](Self::run_forever) after the iteration that is under way, or else after the next one.
    pub fn stop(&self) {
        self.0.stopping.set(true);
    }

    /// Returns the time on the loop's clock.
    pub fn time(&self) -> Instant {
        Instant::now()
    }

    /// Whether the loop runs; it runs on this thread then.
    pub fn is_running(&self) -> bool {
        running(|inner| Rc::ptr_eq(inner, &self.0)) == Some(true)
    }

    /// Whether the loop is closed.
    pub fn is_closed(&self) -> bool {
        self.0.closed.get()
    }

    /// Whether the loop is in debug mode.
    pub fn get_debug(&self) -> bool {
        self.0.debug.get()
    }

    /// Turns debug mode on or off: in debug mode, steps and callbacks are reported that take longer than the
    /// [limit](Self::set_slow_callback_duration). It counts from the next run of the loop.
    pub fn set_debug(&self, on: bool) {
        self.0.debug.set(on);
    }

    /// Sets how long a step or callback may take before it is reported in debug mode; 0.1 seconds at first.
    pub fn set_slow_callback_duration(&self, limit: Duration) {
        self.0.slow.set(limit);
    }

    /// Has `handler` called with all reports, instead of having them written to standard error; `None` undoes that.
    pub fn set_exception_handler(&self, handler: Option<Box<Handler>>) {
        let replaced = self.0.handler.replace(handler.map(Rc::from));
        drop(replaced);
    }

    /// Passes a report on to the exception handler.
    pub fn call_exception_handler(&self, report: &Report<'_>) {
        self.0.handle(report);
    }
}

/// Cancels a reader or writer that was removed, if there was one; returns whether there was.
fn cancelled(removed: Option<&Payload>) -> bool {
    removed.map(Payload::cancel).is_some()
}

/// The last handle of a loop closes it.
impl Drop for EventLoop {
    fn drop(&mut self) {
        if Rc::strong_count(&self.0) == 1 {
            self.close();
        }
    }
}

impl Inner {
    pub(crate) fn push(&self, payload: Payload) {
        self.core.borrow_mut().push(payload);
    }
}

/// Converts a point in time to the loop's clock. The result is never before it.
pub(crate) fn time_of(when: Instant) -> Time {
    let left = when.saturating_duration_since(Instant::now());
    Time::now().saturating_add(left)
}

impl Host for Inner {
    fn remote(&self) -> Arc<dyn RemoteHost> {
        Arc::clone(&self.home) as Arc<dyn RemoteHost>
    }

    fn id(&self) -> u64 {
        self.home.id()
    }

    fn push(&self, runnable: Runnable) {
        Inner::push(self, Payload::Task(runnable));
    }

    fn call_soon(&self, callback: Box<dyn FnOnce()>) {
        Inner::push(self, Payload::Once(callback));
    }

    fn add(&self, task: TaskRef) -> usize {
        self.tasks.borrow_mut().insert(task)
    }

    fn remove(&self, place: usize) {
        let removed = self.tasks.borrow_mut().try_remove(place);
        drop(removed);
    }

    fn slow_step(&self) -> Option<Duration> {
        self.debug.get().then(|| self.slow.get())
    }

    fn report(
        &self,
        message: &str,
        task: &TaskRef,
        error: Option<&(dyn std::error::Error + 'static)>,
    ) {
        self.handle(&Report::new(message).task(task).error(error));
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop")
            .field("running", &self.is_running())
            .field("closed", &self.is_closed())
            .field("debug", &self.get_debug())
            .finish()
    }
}
