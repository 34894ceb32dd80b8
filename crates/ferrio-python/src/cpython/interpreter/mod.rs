//! The interpreter's state: calls, contexts, exceptions, the current task, and what programs have replaced.
//!
//! | file | what is in it |
//! |---|---|
//! | `calling` | calls of Python objects |
//! | `class_version` | whether anything in a class has changed |
//! | `clock` | whether `time.monotonic()`, as asyncio's loops find it, is the system's clock |
//! | `contexts` | contexts (`contextvars`, PEP 567) |
//! | `handling` | the exception that is being handled |
//! | `names` | whether a name in a module may have been bound to something else |
//! | `raising` | raising existing exception objects |
//! | `running_task` | the current task, where the standard library's `current_task` looks for it |
//! | `signals` | the descriptor to which the interpreter writes signal numbers |
//! | `stop_iteration` | `StopIteration` as the carrier of a result out of `tp_iternext` |
//! | `subclasses` | what Python subclasses and programs override |
//! | `thread_exit` | threads that the interpreter ends while Rust functions are on their stack, before Python 3.14 |
//! | `threads` | the calling thread: its identity and its Python frame |

mod calling;
mod class_version;
mod clock;
mod contexts;
mod handling;
pub(super) mod names;
mod raising;
mod running_task;
#[cfg(Py_3_13)]
mod signals;
mod stop_iteration;
pub mod subclasses;
mod thread_exit;
mod threads;

pub use self::calling::{call, call_method, call_one, deeper};
pub use self::class_version::{WatchedClass, class_version, versions_hold};
pub use self::clock::{clock_is_replaced, clock_is_untouched, watch_clock};
pub use self::contexts::{copy_context, enter_context, in_context, is_context};
pub use self::handling::{finally, handling, raised_while};
pub use self::names::RUNNING_NAMES;
pub use self::raising::{ensure_traceback, normalized, raise, raise_from, raise_new, undisturbed};
#[cfg(not(Py_3_14))]
pub use self::running_task::leave_last_task;
pub use self::running_task::{CurrentTask, running_loop, running_task};
#[cfg(Py_3_13)]
pub use self::signals::replace_wakeup_fd;
pub(in crate::cpython) use self::stop_iteration::set_stop_iteration;
pub use self::stop_iteration::stop_iteration;
pub use self::thread_exit::guard as guard_thread_exit;
pub use self::threads::{current_frame, thread_ident};
