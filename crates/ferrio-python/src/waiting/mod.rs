//! What tasks wait with.
//!
//! | module | what is in it |
//! |---|---|
//! | [`timeouts`] | `sleep`, `timeout`, `wait_for` |
//! | [`combinators`] | `gather`, `wait`, `as_completed`, `shield` |
//! | [`task_group`] | `TaskGroup` |
//! | [`sync`] | locks, events, conditions, semaphores, barriers |
//! | [`queue`] | queues |

pub mod combinators;
pub mod queue;
pub mod sync;
pub mod task_group;
pub mod timeouts;
