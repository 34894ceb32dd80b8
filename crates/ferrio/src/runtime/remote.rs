//! A loop for other threads.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ThreadId};

use crate::engine::Injector;
use crate::task::{RemoteHost, Runnable};

use super::payload::Injected;

/// The error of one who hands something to a loop that is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Event loop is closed")]
pub struct LoopClosed;

/// A loop, for use from any thread. Clones are the same loop.
#[derive(Clone)]
pub struct Remote(pub(super) Arc<Home>);

/// What a loop shares with other threads.
pub(super) struct Home {
    id: u64,
    thread: ThreadId,
    injector: Arc<Injector<Injected>>,
}

impl Home {
    pub(super) fn new(injector: Arc<Injector<Injected>>) -> Arc<Home> {
        static LOOPS: AtomicU64 = AtomicU64::new(0);
        Arc::new(Home {
            id: LOOPS.fetch_add(1, Ordering::Relaxed),
            thread: thread::current().id(),
            injector,
        })
    }
}

impl RemoteHost for Home {
    fn id(&self) -> u64 {
        self.id
    }

    fn thread(&self) -> ThreadId {
        self.thread
    }

    fn inject(&self, runnable: Runnable) -> Result<(), Runnable> {
        match self.injector.offer(Injected::Task(runnable)) {
            Ok(_) => Ok(()),
            Err(Injected::Task(runnable)) => Err(runnable),
            Err(Injected::Once(_)) => unreachable!("what is refused is what was offered"),
        }
    }
}

impl Remote {
    /// Has the loop call `callback` in its next iteration; asyncio's `call_soon_threadsafe`.
    ///
    /// Fails if the loop is closed; the callback is dropped then.
    pub fn call_soon_threadsafe(
        &self,
        callback: impl FnOnce() + Send + 'static,
    ) -> Result<(), LoopClosed> {
        let refused = self.0.injector.offer(Injected::Once(Box::new(callback)));
        refused.map(drop).map_err(|_| LoopClosed)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("loop", &self.0.id).finish()
    }
}
