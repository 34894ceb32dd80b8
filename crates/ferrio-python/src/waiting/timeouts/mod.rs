//! Timers that coroutines wait for: `sleep`, `timeout`, `timeout_at`, `wait_for` (CPython: `asyncio/tasks.py`,
//! `asyncio/timeouts.py`).
//!
//! | file | concern |
//! |---|---|
//! | `timer` | a timer on ferrio's loop or another |
//! | `timeout` | `Timeout`, `timeout`, `timeout_at` |
//! | `wait_for` | `wait_for` |
//! | `wait_for_task` | the same before Python 3.12 |
//! | `sleep` | `sleep` |

pub mod sleep;
pub mod timeout;
mod timer;
pub mod wait_for;
#[cfg(not(Py_3_12))]
mod wait_for_task;

pub use self::timeout::Timeout;
pub use self::timer::{Timer, native_loop};
