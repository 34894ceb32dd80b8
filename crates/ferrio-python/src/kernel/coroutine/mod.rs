//! Coroutines that are written in Rust: objects that Python drives like those of an `async def` (CPython:
//! `types.CoroutineType`).
//!
//! | file | concern |
//! |---|---|
//! | `function` | [`CoroutineFunction`]: the functions whose calls make coroutines |
//! | `body` | [`Body`]: a coroutine's name and its first piece |
//! | `class` | [`Coroutine`]: the class, and what programs see of it |
//! | `driving` | [`Step`], [`Wait`]: what a resumption does |
//! | `then` | one piece of a coroutine after another |
//! | `block` | [`Co`]: coroutines that are an `async` block of Rust |
//! | `throwing` | exceptions that are thrown in |
//! | `handling` | [`AwaitHandling`]: awaiting while an exception is handled |
//! | `iterator` | the iterator of a coroutine whose slots do not make it its own |
//! | `name` | a coroutine's name, and where it was created |
//!
//! # Writing one
//!
//! A coroutine is a chain of *pieces*: Rust code that runs without a pause and ends with a [`Step`], which is the
//! result or something to await. There are two ways to write the chain. Where the cost of an `await` matters, the first
//! piece is a function of two objects, which needs no memory but the coroutine itself; each later piece is a [`Wait`]:
//!
//! ```ignore
//! pub const ACQUIRE: Body = body!("Lock.acquire", |lock: Lock| Lock::acquire_step(lock, Returns::True));
//!
//! ACQUIRE.call(lock, None)
//! ```
//!
//! Elsewhere, all pieces are one `async` block, which Rust's compiler cuts at each `await`:
//!
//! ```ignore
//! Coroutine::create(py, "Loop.sock_accept", async move |co| {
//!     let result = co.wait(future).await?;   // a Python awaitable
//!     …
//! })
//! ```
//!
//! # One `await`, from the call to the result
//!
//! A task runs `await lock.acquire()` while another task holds the lock.
//!
//! 1. *Call.* The class has a [`CoroutineFunction`] under the name `acquire`. The interpreter calls it through
//!    `cpython/slots/forwarding.rs`. A call with the usual number of arguments takes `call_at_once` (`function`); any
//!    other call goes to the method that PyO3 has made. Both end in `ACQUIRE.call(lock, None)`.
//! 2. *Make.* [`Body::call`] returns a [`Call`], which becomes a [`Coroutine`] in the state `Call` (`body`; `class`:
//!    `make`). Its memory is that of an earlier object, if there is one (`cpython/memory/recycling.rs`).
//! 3. *Await.* The coroutine is its own iterator: the slots in `cpython/slots/awaiting.rs` give the object itself, and
//!    each resumption by the interpreter calls `Coroutine::resume` (`driving`). A task whose own coroutine is native
//!    calls it directly.
//! 4. *First piece.* `resume` takes the function and its two objects out of the state, which becomes `Running`, and
//!    calls the function. It casts the target to its class and runs `Lock::acquire_step`, which returns a `Step`.
//! 5. *Follow.* `follow` does what the step says. `Return` and an error finish the coroutine. `Yield` and `YieldOnce`
//!    suspend it like a bare `yield`. Here it is `Wait(future, rest)`, for which `follow` calls `wait`.
//! 6. *Wait.* `wait` gets the awaitable's iterator; a native future is its own. `resume_awaited` resumes the iterator for the
//!    first time. `go_on` looks at the answer. The future is pending and yields itself, so the coroutine stores the
//!    iterator and the rest as its state `Waiting` and yields the future to its driver. The task puts itself on the
//!    future's list of waiters (`kernel/task/waiting.rs`). An awaitable that has ended at once skips all this.
//! 7. *Resume.* When the future is done, the task resumes the coroutine. `resume_any` finds the state `Waiting`, and
//!    `resume_awaited` passes the driver's input on to the awaitable, as `yield from` does (PEP 380). The future has ended, so
//!    `go_on` hands its result or exception to the rest: [`Wait::resume`] runs the next piece. Its step goes to
//!    `follow` again, which returns `True` to the driver.
//!
//! Variations:
//!
//! - *Then.* `Condition.wait_for` awaits `Condition.wait`, but needs no second object for it: [`Step::then`] passes the
//!   steps of `wait` on until that has ended, and goes on with its result (`then`).
//! - *Block.* A `Block` is a `Wait` that polls the Rust future of an `async` block. `Co::wait` leaves the awaitable in
//!   the cell that both share and is pending; the `Block` takes it out and ends its piece with it (`block`). There is
//!   no waker: only a driver resumes a coroutine.
//! - *Throw.* `Coroutine.throw` makes the exception (`throwing`: `as_thrown`) and resumes the coroutine with it. In the
//!   state `Waiting`, `resume_awaited` throws it into the awaitable; what comes out of there reaches the rest as an `Err`. So a
//!   cancellation arrives in a piece as `Err(CancelledError)`, to be returned or dealt with.
//! - *Close.* `Coroutine.close` throws a `GeneratorExit` into a suspended coroutine, which must not yield again, and
//!   just finishes one that has not begun (`class`: `close_body`). A coroutine that goes away suspended is closed; one
//!   that was never awaited is warned of (`name`).
//!
//! A coroutine in Rust has no place of its own for the exception that it handles (`cpython/interpreter/handling.rs`).
//! A piece that runs inside an `except` or `finally` therefore uses `cpython::handling`, and wraps what it awaits there
//! in an [`AwaitHandling`].

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
pub use self::function::{AtOnce, CoroutineFunction, Parameters};
pub use self::handling::AwaitHandling;
pub use self::name::may_trace_origins;
pub use self::throwing::as_thrown;
