//! The engine: asyncio's event loop without a way to run anything.
//!
//! The engine decides *what runs next*. It owns the
//! ready queue, the timers, the table of watched file descriptors and the way
//! in for other threads, and it makes one system call an iteration. It does
//! not know what a callback is, and it never calls one. Both ferrio's Python
//! bindings and the Rust API of this crate are built on it.
//!
//! # Layers
//!
//! Arrows point down only; nothing below knows anything above.
//!
//! | module | what it is | uses |
//! |---|---|---|
//! | `turn` | [`LoopCore`]: one iteration of the loop | all but `proto`, `sync` |
//! | `parked` | [`Parked`]: what an iteration needs while it waits | `sys` |
//! | `reactor` | which payload waits for which file descriptor | `sys` |
//! | `timers` | deadlines in order, cancellation, compaction | `time` |
//! | `ready` | first in, first out | |
//! | `inject` | what other threads hand over, and how they wake the loop | `ready`, `sys` |
//! | `time` | the clock that all of the above read | `sys` |
//! | `sys` | the poller and its waker: epoll with an eventfd, kqueue with a pipe | |
//! | `proto` | sans-I/O parts of transports: write and read buffers, flow control, datagram queue | |
//! | `sync` | who goes on, who waits, who is woken: lock, event, condition, semaphore, barrier, queue | |
//!
//! # The key decision
//!
//! [`LoopCore<C>`](LoopCore) is generic over the payload `C` and hands it back
//! instead of invoking it. So no user code ever runs while the core is
//! borrowed, there is no box and no dynamic dispatch for each callback, and the
//! caller chooses what `C` is: for the Python bindings two words with a table of
//! functions, for a Rust program a task to poll or a callback.
//!
//! An iteration is therefore written by the caller, out of four calls:
//!
//! ```
//! use ferrio::engine::{Block, LoopCore, Time};
//!
//! let mut core = LoopCore::new()?;
//! core.push("soon");
//! core.schedule(Time::now(), "timer");
//!
//! let mut parked = core.park(Block::Allowed);
//! // `core` is not borrowed here: a lock that guards it may be released.
//! let outcome = parked.wait();
//! let mut seen = Vec::new();
//! for _ in 0..core.unpark(parked, outcome, |callback| *callback)? {
//!     seen.extend(core.pop());
//! }
//! assert_eq!(seen, ["soon", "timer"]);
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod inject;
pub mod parked;
pub mod proto;
pub mod reactor;
pub mod ready;
pub mod sync;
#[allow(unsafe_code)] // The one home of unsafe code: each block says why it is sound.
pub mod sys;
pub mod time;
pub mod timers;
pub mod turn;

pub use inject::Injector;
pub use parked::Parked;
pub use proto::{DatagramQueue, FlowControl, LimitsError, ReadBuffer, Search, WriteBuffer};
pub use reactor::Reactor;
pub use ready::Ready;
pub use sys::datagrams::{MAX_BATCH, ReceiveBatch, send_batch, unix_name};
pub use sys::{Event, Interest};
pub use time::Time;
pub use timers::{TimerKey, Timers, has_too_many_cancelled};
pub use turn::{Block, LoopCore, MAX_WAIT};
