//! The lock of a handle that other threads may cancel.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;

use crate::base::cell::AttachedCell;
use crate::cpython;

/// How often a thread that waits looks whether there are signals to handle.
const LOOK: Duration = Duration::from_millis(50);

/// Counts how often a lock was released that somebody waited for.
static RELEASES: Mutex<u64> = Mutex::new(0);
static RELEASED: Condvar = Condvar::new();

/// A reentrant lock, as the `threading.RLock` of CPython's `_ThreadSafeHandle` (3.14). The interpreter's own lock guards it,
/// so that it costs nothing to have and nearly nothing to take.
pub struct HandleLock {
    shared: bool,
    state: AttachedCell<State>,
}

#[derive(Default)]
struct State {
    owner: u64,
    /// How often the owner has taken it.
    depth: u32,
    /// Whether another thread waits.
    contended: bool,
}

/// A lock that is held for the length of a scope.
pub struct Locked<'a, 'py>(Option<(&'a HandleLock, Python<'py>)>);

impl HandleLock {
    /// The lock of a handle; one that is not `shared` among threads is never taken.
    #[inline]
    pub const fn new(shared: bool) -> Self {
        Self {
            shared,
            state: AttachedCell::new(State {
                owner: 0,
                depth: 0,
                contended: false,
            }),
        }
    }

    /// Whether other threads may come.
    pub const fn is_shared(&self) -> bool {
        self.shared
    }

    /// Takes the lock, once no other thread has it. Raises what a signal handler raises meanwhile.
    #[inline]
    pub fn lock<'a, 'py>(&'a self, py: Python<'py>) -> PyResult<Locked<'a, 'py>> {
        if self.shared {
            self.lock_shared(py)
        } else {
            Ok(Locked(None))
        }
    }

    #[inline(never)]
    fn lock_shared<'a, 'py>(&'a self, py: Python<'py>) -> PyResult<Locked<'a, 'py>> {
        let thread = cpython::thread_ident();
        while !self.try_lock(py, thread) {
            // The owner cannot release it before this thread has detached.
            let seen = *releases();
            py.detach(|| {
                let changed = RELEASED.wait_timeout_while(releases(), LOOK, |now| *now == seen);
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
