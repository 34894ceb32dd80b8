//! `ferrio.Loop`: asyncio's event loop on the engine's [`LoopCore`].
//!
//! | file | concern |
//! |---|---|
//! | `class` | [`Loop`]: its state, and how a loop is made |
//! | `callback` | [`Callback`], the payload of the core: everything that an iteration can run |
//! | `scheduling` | `call_soon`, `call_later`, `call_at`, `call_soon_threadsafe` |
//! | `creating` | `create_future`, `create_task`, the task factory |
//! | `running` | `run_forever`, one iteration, stopping and closing |
//! | `asking` | iterations that go through a program's `_run_once`, clock, selector or list of timers |
//! | `polling` | the poll of an iteration, and when the GIL is released for it |
//! | `watching` | `add_reader`, `add_writer`; the descriptors that belong to transports |
//! | `watched_files` | the objects by whose `fileno()` descriptors are watched |
//! | `unflushed` | writes that are sent at the end of an iteration |
//! | `signals` | signal handlers and the wake-up descriptor |
//! | `signal_guard` | signals end a poll that blocks |
//! | `last_task` | the task of the last step, which may stay the current one |
//! | `reporting` | reports of errors to the exception handler |
//! | `debug` | debug mode: checks, slow callbacks |
//! | `overrides` | methods that a subclass or a program has put in place of the loop's own |
//! | `queued`, `ready_queue` | queued payloads as handles; `_ready` |
//! | `listed_timers` | `_scheduled` |
//! | `selector`, `self_pipe` | `_selector`; `_ssock`, `_csock` |
//!
//! This half of the loop runs for every callback, timer, descriptor, packet and accepted connection. Whatever runs once
//! for a program or for an outgoing connection (name resolution, executors, the race of connection attempts, closing
//! asynchronous generators, reporting exceptions) is inherited by the Python class from the running Python's own
//! asyncio, whose patch releases differ in it.
//!
//! Methods of the loop that belong to one kind of transport lie beside it, in `crate::io`.
//!
//! The state is in small cells, each borrowed for a few instructions and never while Python code can run.

mod asking;
mod callback;
mod class;
mod creating;
mod debug;
mod last_task;
mod listed_timers;
mod overrides;
mod polling;
mod queued;
mod ready_queue;
mod reporting;
mod running;
mod scheduling;
mod selector;
mod self_pipe;
mod signal_guard;
mod signals;
mod unflushed;
mod watched_files;
mod watching;

pub use self::callback::{Action, Callback, FutureDone, Notice, finish_with_none};
use self::class::NO_THREAD;
pub use self::class::{Loop, READ_SIZE};
pub use self::overrides::native_loop;
pub use self::scheduling::{install_fast_methods, plain_seconds, time_after, time_at};
pub use self::selector::Selector;
pub use self::unflushed::Unflushed;
pub use self::watching::Direction;
