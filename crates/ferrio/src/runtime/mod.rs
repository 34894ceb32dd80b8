//! The event loop of a Rust program: [`EventLoop`] runs tasks and callbacks on one thread.
//!
//! | module | what it is |
//! |---|---|
//! | `payload` | what the loop's queue holds |
//! | `event_loop` | [`EventLoop`]: its methods, as asyncio's loop has them |
//! | `iteration` | one iteration, and the ways to run many |
//! | `callback` | [`Handle`] and [`TimerHandle`] |
//! | `remote` | [`Remote`]: a loop for other threads |
//! | `reports` | [`Report`] and exception handlers |
//! | `main_task` | the future that a loop is run for, which may borrow |
//! | `runner` | [`run`], [`Runner`] |
//! | `executor` | threads for blocking work |

mod callback;
mod event_loop;
mod executor;
mod iteration;
mod main_task;
mod payload;
mod remote;
mod reports;
mod runner;

pub use callback::{Handle, TimerHandle};
pub use event_loop::EventLoop;
pub(crate) use event_loop::{Inner, running, time_of};
pub use executor::{Submitted, ThreadPool, to_thread};
pub(crate) use payload::Payload;
pub use remote::{LoopClosed, Remote};
pub use reports::{Handler, Report};
pub use runner::{RunError, Runner, run};
