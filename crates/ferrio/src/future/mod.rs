//! A value that is set once, and awaited by many: asyncio's `Future`.
//!
//! | module | what it is |
//! |---|---|
//! | `promise` | [`promise`]: a [`Promise`] sets what a [`Future`] gives |
//! | `promise_error` | why there is no value |

mod promise;
mod promise_error;

pub use promise::{Future, Promise, promise};
pub use promise_error::{InvalidStateError, PromiseError};
