//! The loop, the callbacks that it runs, and what tasks are made of: asyncio's `base_events`, `selector_events`,
//! `events`, `futures` and `tasks`, as far as they run for every callback.
//!
//! | module | what is in it |
//! |---|---|
//! | [`event_loop`] | `Loop` |
//! | [`handle`] | `Handle`, `TimerHandle` |
//! | [`future`] | `Future` |
//! | [`done_callback`] | done-callbacks of ferrio's own |
//! | [`coroutine`] | coroutines that are written in Rust; its page follows one `await` |
//! | [`task`] | `Task` |
//! | `kinds` | what the layers above tell this one about their classes |

pub mod coroutine;
pub mod done_callback;
pub mod event_loop;
pub mod future;
pub mod handle;
mod kinds;
pub mod task;
