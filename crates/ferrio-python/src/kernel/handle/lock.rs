//! The lock of a handle that any thread may cancel (CPython 3.14: `_ThreadSafeHandle`).

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;

use crate::base::cell::AttachedCell;
use crate::cpython;

/// How long a waiting thread sleeps before it lets Python handle signals.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// The number of releases of a lock that a thread was waiting for.
static RELEASES: Mutex<u64> = Mutex::new(0);
static RELEASED: Condvar = Condvar::new();

/// The threads that may use a handle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// The loop's thread: the lock is never taken.
    OneThread,
    /// Any thread.
    AnyThread,
}

/// A reentrant lock, as the `threading.RLock` of CPython's `_ThreadSafeHandle`. Its state is guarded by the GIL, so it needs
/// no memory of the operating system and costs nearly nothing to take.
pub struct HandleLock {
    sharing: Sharing,
    state: AttachedCell<State>,
}

#[derive(Default)]
struct State {
    /// `threading.get_ident()` of the owner; only valid while `depth` is not 0.
    owner: u64,
    /// The number of times that the owner has taken the lock.
    depth: u32,
    /// Whether another thread waits.
    contended: bool,
}

/// A guard that holds the lock for the length of a scope.
pub struct Locked<'a, 'py>(Option<(&'a HandleLock, Python<'py>)>);

impl HandleLock {
    /// Makes the lock of a handle that these threads may use.
    #[inline]
    pub const fn new(sharing: Sharing) -> Self {
        Self {
            sharing,
            state: AttachedCell::new(State {
                owner: 0,
                depth: 0,
                contended: false,
            }),
        }
    }

    /// Whether any thread may use the handle.
    pub fn is_shared(&self) -> bool {
        self.sharing == Sharing::AnyThread
    }

    /// Takes the lock as soon as no other thread has it. Raises what a signal handler raises meanwhile.
    #[inline]
    pub fn lock<'a, 'py>(&'a self, py: Python<'py>) -> PyResult<Locked<'a, 'py>> {
        if self.is_shared() {
            self.lock_shared(py)
        } else {
            Ok(Locked(None))
        }
    }

    #[inline(never)]
    fn lock_shared<'a, 'py>(&'a self, py: Python<'py>) -> PyResult<Locked<'a, 'py>> {
        let thread = cpython::thread_ident();
        while !self.try_lock(py, thread) {
            // The owner needs the GIL to release the lock, so no release is missed between here and the wait.
            let seen = *releases();
            py.detach(|| {
                let changed =
                    RELEASED.wait_timeout_while(releases(), SIGNAL_INTERVAL, |now| *now == seen);
                drop(changed.unwrap_or_else(PoisonError::into_inner));
            });
            py.check_signals()?;
        }
        Ok(Locked(Some((self, py))))
    }

    fn try_lock(&self, py: Python<'_>, thread: u64) -> bool {
        self.state.with(py, |state| {
            let mine = state.depth == 0 || state.owner == thread;
            if mine {
                state.owner = thread;
                state.depth += 1;
            } else {
                state.contended = true;
            }
            mine
        })
    }

    fn unlock(&self, py: Python<'_>) {
        let wanted = self.state.with(py, |state| {
            state.depth -= 1;
            state.depth == 0 && std::mem::take(&mut state.contended)
        });
        if wanted {
            *releases() += 1;
            RELEASED.notify_all();
        }
    }
}

impl Drop for Locked<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        if let Some((lock, py)) = self.0 {
            lock.unlock(py);
        }
    }
}

fn releases() -> std::sync::MutexGuard<'static, u64> {
    RELEASES.lock().unwrap_or_else(PoisonError::into_inner)
}
