//! Waiting for a time: `sleep`, `timeout`, `timeout_at`, `wait_for` (CPython: `asyncio/tasks.py`, `asyncio/timeouts.py`).
//!
//! | file | concern |
//! |---|---|
//! | `timer` | [`Timer`]: a timer on ferrio's loop or on another one |
//! | `timeout` | the class `Timeout`, `timeout`, `timeout_at` |
//! | `timeout_attributes` | the private attributes of a `Timeout` |
//! | `wait_for` | `wait_for` |
//! | `wait_for_task` | `wait_for` before Python 3.12 |
//! | `sleep` | `sleep` |

pub mod sleep;
pub mod timeout;
mod timeout_attributes;
mod timer;
pub mod wait_for;
#[cfg(not(Py_3_12))]
mod wait_for_task;

pub use self::timeout::Timeout;
pub use self::timer::Timer;
