//! Threads for blocking work.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};

use crate::task::{Builder, JoinError, Panicked, take_cancellation};

use super::event_loop::{EventLoop, running};
use super::runner::RunError;

type Job = Box<dyn FnOnce() + Send>;

/// A pool of threads, which are started when there is work for them; `concurrent.futures.ThreadPoolExecutor`.
///
/// Dropping it, or calling [`shutdown`](Self::shutdown), waits for the work that was submitted.
#[derive(Debug)]
pub struct ThreadPool {
    shared: Arc<Shared>,
    limit: usize,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    idle: usize,
    shut_down: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("jobs", &self.jobs.len())
            .field("idle", &self.idle)
            .field("shut_down", &self.shut_down)
            .finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code under these locks panics.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// What a thread does until the pool is shut down.
    fn work(&self) {
        while let Some(job) = self.next() {
            job();
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.shut_down {
                return None;
            }
            queue.idle += 1;
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
            queue.idle -= 1;
        }
    }
}

impl ThreadPool {
    /// Makes a pool of at most `limit` threads, at least one.
    pub fn new(limit: usize) -> ThreadPool {
        ThreadPool {
            shared: Arc::default(),
            limit: limit.max(1),
            threads: Mutex::default(),
        }
    }

    /// Calls `function` in one of the threads, and wakes whoever awaits the result.
    ///
    /// One who is cancelled takes the work back if it has not begun; if it has, it goes on, and its result is dropped.
    pub fn submit<T, F>(&self, function: F) -> Submitted<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let promise = Arc::new(Mutex::new(Promise::Queued(None)));
        let theirs = Arc::clone(&promise);
        let added = self.add(Box::new(move || {
            if let Some(waker) = perform(&theirs, function) {
                waker.wake();
            }
        }));
        if let Err(error) = added {
            *lock(&promise) = Promise::Refused(error);
        }
        Submitted {
            promise,
            has_waited: false,
        }
    }

    /// Queues a job. Fails if the pool is shut down, and if there is no thread for the job and none can be started; the job
    /// is dropped then.
    fn add(&self, job: Job) -> io::Result<()> {
        let queue = lock(&self.shared.queue);
        if queue.shut_down {
            return Err(io::Error::other(
                "cannot schedule new futures after shutdown",
            ));
        }
        let needs_thread = queue.jobs.len() >= queue.idle;
        drop(queue);
        if needs_thread {
            self.start_thread()?;
        }
        lock(&self.shared.queue).jobs.push_back(job);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Starts another thread, unless there are as many as there may be. If there can be no more, those that there are
    /// do the work; it is an error if there are none.
    fn start_thread(&self) -> io::Result<()> {
        let mut threads = lock(&self.threads);
        if threads.len() >= self.limit {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let name = format!("ferrio_{}", threads.len());
        let started = thread::Builder::new()
            .name(name)
            .spawn(move || shared.work());
        match started {
            Ok(thread) => threads.push(thread),
            Err(error) if threads.is_empty() => {
                let message = format!("can't start new thread: {error}");
                return Err(io::Error::new(error.kind(), message));
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// Lets the threads end by themselves when the work that was submitted is done.
    pub(super) fn detach(self) {
        lock(&self.shared.queue).shut_down = true;
        self.shared.changed.notify_all();
        lock(&self.threads).clear();
    }

    /// Waits for the work that was submitted, and ends the threads. What is submitted afterwards is refused.
    pub fn shutdown(&self) {
        lock(&self.shared.queue).shut_down = true;
        self.shared.changed.notify_all();
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            // What a job panics with is caught in the job.
            let _ = thread.join();
        }
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// How far a piece of work is.
enum Promise<T> {
    /// It waits for a thread; here is who is to be woken.
    Queued(Option<Waker>),
    /// It is under way.
    Begun(Option<Waker>),
    Done(thread::Result<T>),
    /// There is no thread for it.
    Refused(io::Error),
    /// Nobody wants the result, or it was taken.
    Gone,
}

/// Calls `function` unless it was taken back, and leaves the result; returns who is to be woken.
fn perform<T>(promise: &Mutex<Promise<T>>, function: impl FnOnce() -> T) -> Option<Waker> {
    {
        let mut promise = lock(promise);
        let Promise::Queued(waker) = &mut *promise else {
            return None;
        };
        *promise = Promise::Begun(waker.take());
    }
    let result = catch_unwind(AssertUnwindSafe(function));
    let mut promise = lock(promise);
    if let Promise::Begun(waker) = &mut *promise {
        let waker = waker.take();
        *promise = Promise::Done(result);
        return waker;
    }
    drop(promise); // The result's destructor may be anybody's code.
    None
}

/// Work that was submitted to a [`ThreadPool`]. Awaiting it gives the result.
pub struct Submitted<T> {
    promise: Arc<Mutex<Promise<T>>>,
    has_waited: bool,
}

impl<T> Submitted<T> {
    fn take_back(&self) {
        let replaced = std::mem::replace(&mut *lock(&self.promise), Promise::Gone);
        drop(replaced);
    }
}

impl<T> Future for Submitted<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.has_waited
            && let Some(cancelled) = take_cancellation()
        {
            self.take_back();
            return Poll::Ready(Err(cancelled.into()));
        }
        let mut promise = lock(&self.promise);
        match std::mem::replace(&mut *promise, Promise::Gone) {
            Promise::Done(result) => {
                drop(promise);
                let panicked = |payload| Panicked::new("a thread of the pool", payload).into();
                return Poll::Ready(result.map_err(panicked));
            }
            Promise::Refused(error) => return Poll::Ready(Err(JoinError::Thread(error))),
            Promise::Queued(_) => *promise = Promise::Queued(Some(cx.waker().clone())),
            Promise::Begun(_) => *promise = Promise::Begun(Some(cx.waker().clone())),
            Promise::Gone => panic!("the result of a thread is taken once"),
        }
        drop(promise);
        if !self.has_waited
            && let Some(cancelled) = take_cancellation()
        {
            self.take_back();
            return Poll::Ready(Err(cancelled.into()));
        }
        self.has_waited = true;
        Poll::Pending
    }
}

impl<T> Drop for Submitted<T> {
    fn drop(&mut self) {
        self.take_back();
    }
}

impl<T> std::fmt::Debug for Submitted<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submitted").finish_non_exhaustive()
    }
}

impl EventLoop {
    /// Calls `function` in a thread of the loop's own pool; asyncio's `run_in_executor(None, …)`. For a pool of one's own
    /// there is [`ThreadPool::submit`].
    ///
    /// # Panics
    ///
    /// If the loop is closed.
    pub fn run_in_executor<T, F>(&self, function: F) -> Submitted<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.check_closed();
        let mut executor = self.0.executor.borrow_mut();
        executor.get_or_insert_with(default_pool).submit(function)
    }

    /// Sets the pool that [`to_thread`] and [`run_in_executor`](Self::run_in_executor) use. The one before does the work
    /// that it was given.
    pub fn set_default_executor(&self, pool: ThreadPool) {
        if let Some(replaced) = self.0.executor.replace(Some(pool)) {
            replaced.detach();
        }
    }

    /// Waits for the threads of the loop's own pool, while the loop runs: they may want something of it.
    pub(super) fn shutdown_default_executor(&self) -> Result<(), RunError> {
        let Some(pool) = self.0.executor.take() else {
            return Ok(());
        };
        let waiting = ThreadPool::new(1);
        let ended = waiting.submit(move || pool.shutdown());
        // If no thread can be started to wait in, the pool was dropped, which waits as well.
        self.run_task(Builder::new(), ended, |_| ()).map(drop)
    }
}

/// As many threads as `ThreadPoolExecutor` has at most: four more than processors, and no more than 32.
fn default_pool() -> ThreadPool {
    let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    ThreadPool::new((processors + 4).min(32))
}

/// Calls `function`, which may block, in a thread of the running loop's pool; `asyncio.to_thread`.
///
/// ```
/// let sum = ferrio::run(async { ferrio::to_thread(|| (1..=1000).sum::<u32>()).await })??;
/// assert_eq!(sum, 500_500);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// If no loop runs on this thread. A panic of `function` is an error for the one who awaits it.
pub fn to_thread<T, F>(function: F) -> Submitted<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let event_loop = running(|inner| EventLoop(std::rc::Rc::clone(inner)));
    event_loop
        .expect("no running event loop")
        .run_in_executor(function)
}
