//! `Handle` and `TimerHandle`: a callback with its arguments and its context, which can be cancelled until it has run.
//!
//! The native classes have the attributes of `asyncio.Handle` and `asyncio.TimerHandle` (CPython: `asyncio/events.py`),
//! and their instances are instances of those to `isinstance`.
//!
//! | file | concern |
//! |---|---|
//! | `class`, `timer` | [`Handle`], [`TimerHandle`] |
//! | `call` | the callback with its arguments: how a handle is made of them, and the call |
//! | `lock` | the lock of a handle from `call_soon_threadsafe` |
//! | `replaced_run` | an `asyncio.Handle._run` that a program has replaced |

mod call;
mod class;
mod lock;
mod replaced_run;
mod timer;

pub use self::call::{Args, HandleParts};
pub use self::class::{Handle, source_traceback};
pub use self::replaced_run::{look_at_run, run_is_own, run_was_replaced};
pub use self::timer::{TimerHandle, When};
