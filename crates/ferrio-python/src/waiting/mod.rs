//! What tasks wait with: timeouts, combinators of futures, task groups, synchronization, queues.
//!
//! | module | what is in it |
//! |---|---|
//! | [`timeouts`] | `sleep`, `timeout`, `wait_for` |
//! | [`combinators`] | `gather`, `wait`, `as_completed`, `shield` |
//! | [`task_group`] | `TaskGroup` |
//! | [`sync`] | locks, events, conditions, semaphores, barriers |
//! | [`queue`] | queues |
//! | `calling_task` | the task that waits behind a combinator or a task group |
//! | `return_await` | a coroutine that only awaits and returns |

mod calling_task;
pub mod combinators;
pub mod queue;
mod return_await;
pub mod sync;
pub mod task_group;
pub mod timeouts;
