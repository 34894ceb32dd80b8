//! What runs: the loop, what it calls, and what tasks are made of.
//!
//! | module | what is in it |
//! |---|---|
//! | [`event_loop`] | `Loop` |
//! | [`handle`] | `Handle`, `TimerHandle` |
//! | [`future`] | `Future` |
//! | [`done_callback`] | done-callbacks of ferrio's own |
//! | [`coroutine`] | coroutines written in Rust |
//! | [`task`] | `Task` |
//! | `kinds` | what layers above tell this one about their classes |

pub mod coroutine;
pub mod done_callback;
pub mod event_loop;
pub mod future;
pub mod handle;
mod kinds;
pub mod task;
