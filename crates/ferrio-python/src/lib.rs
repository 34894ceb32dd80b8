//! The extension module `ferrio._ferrio`: asyncio's classes on the engine in the crate `ferrio`.
//!
//! A folder is a layer. It uses what is above it in this table, and nothing that is below; `tests/architecture` holds it.
//!
//! | layer | what is in it |
//! |---|---|
//! | [`base`] | cells for interior state, errors, what is imported of the standard library |
//! | [`cpython`] | the C API that PyO3 has no safe form of; all `unsafe` code but the cell's |
//! | [`kernel`] | the loop, handles, futures, coroutines written in Rust, tasks |
//! | [`waiting`] | what tasks wait with: combinators, timeouts, task groups, locks, queues |
//! | [`io`] | transports, servers, subprocesses, TLS, streams, each with its methods of the loop |
//! | [`module`] | what is exported, and in which order it is installed |

#![deny(unsafe_code)]
#![allow(
    missing_docs,
    reason = "what is public here is public to Python, which documents it in docstrings"
)]
#![allow(
    clippy::doc_markdown,
    reason = "the doc comments of Python's methods are docstrings, which are not Markdown"
)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "the signatures of Python's methods are PyO3's to choose"
)]

mod base;
mod cpython;
mod io;
mod kernel;
mod module;
mod waiting;
