//! Coroutines that are written in Rust: objects that Python drives like any coroutine.
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class: making, resuming, closing, what programs see |
//! | `body` | what a coroutine begins with |
//! | `driving` | what is between two resumptions, and what a resumption does |
//! | `block` | coroutines that are an `async` block |
//! | `then` | one piece of a coroutine after another |
//! | `throwing` | exceptions that are thrown in |
//! | `handling` | awaiting while an exception is handled |
//! | `function` | the functions that return coroutines, as objects that say so |
//! | `iterator` | the iterator of a coroutine that cannot be its own |
//! | `name` | the name of a coroutine, and where it was created |
//!
//! There are two ways to write one. Where it matters what an `await` costs, a function on two objects, which is called
//! when the coroutine is first resumed and needs no memory but the object itself:
//!
//! ```ignore
//! pub const ACQUIRE: Body = body!("Lock.acquire", |lock: Lock| acquire(lock));
//!
//! ACQUIRE.call(lock, None)
//! ```
//!
//! It returns a [`Step`]: the result, or an awaitable and the [`Wait`] that goes on when that has ended. Elsewhere, an
//! `async` block:
//!
//! ```ignore
//! Coroutine::create(py, "Loop.sock_accept", async move |co| {
//!     let result = co.wait(future).await?;   // a Python awaitable
//!     …
//! })
//! ```
//!
//! What an awaitable yields is yielded to whoever drives the coroutine (`asyncio.Task`, or a coroutine that awaits this
//! one), and what the driver sends or throws reaches the awaitable, as with `yield from` (PEP 380). So a cancellation
//! arrives in the coroutine as an `Err(CancelledError)`, to be passed on or dealt with. There is no waker: only a driver
//! resumes a coroutine.
//!
//! A coroutine in Rust has no place of its own for the exception that it handles (`cpython/interpreter/handling.rs`): it says so with
//! `cpython::handling` for the time of a piece, and with [`AwaitHandling`] for what it awaits.

mod block;
mod body;
mod class;
mod driving;
mod function;
mod handling;
mod iterator;
mod name;
mod then;
mod throwing;

pub use self::block::Co;
pub(crate) use self::body::body;
pub use self::body::{Body, Call};
pub use self::class::{Coroutine, as_method_result, is_known_coroutine};
pub use self::driving::{Step, Wait};
pub use self::function::{AtOnce, CoroutineFunction};
pub use self::handling::AwaitHandling;
pub use self::name::may_trace_origins;
pub use self::throwing::as_thrown;
