//! `ferrio.Future`: the result of something that is not done yet (CPython: `asyncio/futures.py`).
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`Future`] |
//! | `state` | the interior state: [`Outcome`], waiters, flags |
//! | `home` | [`Home`]: the loop that a future belongs to, ferrio's or another |
//! | `waiters` | [`Waiter`]: the tasks and callbacks that are scheduled when the future is done |
//! | `finishing` | results, exceptions and cancellation; reports of exceptions that were never retrieved |
//! | `methods` | asyncio's methods |
//! | `attributes` | the private attributes that well-known libraries read, `repr` |
//! | `awaited_by` | Python 3.14's call graph |
//! | `any` | what is asked of futures of any class |
//! | `awaiting` | `await future` |
//! | `native` | which objects are native futures whose methods are not overridden |
//!
//! A future never runs anything. When it is done, its waiters go into the loop's queue, in the order in which they were
//! added.

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
