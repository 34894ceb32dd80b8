//! `ferrio.Future`: the result of something that is not done yet (CPython: `asyncio/futures.py`).
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`Future`] |
//! | `state` | the interior state: [`Outcome`], who waits |
//! | `home` | the loop that a future belongs to, ferrio's or another |
//! | `waiters` | [`Waiter`]: tasks, callbacks and combinators that are told when the future is done |
//! | `finishing` | results, exceptions, cancellation; reports of exceptions that nobody looked at |
//! | `methods` | what Python calls |
//! | `attributes` | the private attributes that well-known libraries read, the representation |
//! | `awaited_by` | Python 3.14's call graph |
//! | `any` | futures of any class, native or not, seen alike |
//! | `awaiting` | `await future` |
//! | `native` | which objects are native futures with their own methods |
//!
//! A future never runs anything: being done queues its waiters on the loop, in the order in which they came.

pub mod any;
pub mod attributes;
#[cfg(Py_3_14)]
pub mod awaited_by;
mod awaiting;
mod class;
mod finishing;
mod home;
mod methods;
mod native;
mod state;
mod waiters;

pub use self::awaiting::FutureIter;
pub use self::class::{Future, install_slots};
pub use self::home::Home;
pub use self::native::{know_native_future, native_future};
pub use self::state::Outcome;
pub use self::waiters::{Waiter, Waiters};
