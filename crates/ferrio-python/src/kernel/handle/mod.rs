//! `Handle` and `TimerHandle`: a callback with its arguments and its context, that can be cancelled until it has run.
//!
//! The classes stand beside `asyncio.Handle` and `asyncio.TimerHandle` (CPython's `asyncio/events.py`), answer their
//! names to `isinstance`, and have their attributes.
//!
//! | file | concern |
//! |---|---|
//! | `class`, `timer` | [`Handle`], [`TimerHandle`] |
//! | `call` | the callback with its arguments, and its call |
//! | `lock` | the lock of handles of `call_soon_threadsafe` |
//! | `replaced_run` | `asyncio.Handle._run` that a program has replaced |

mod call;
mod class;
mod lock;
mod replaced_run;
mod timer;

pub use self::call::Args;
pub use self::class::{Handle, HandleParts, source_traceback};
pub use self::replaced_run::{look_at_run, run_is_own, run_was_replaced};
pub use self::timer::{TimerHandle, When};
