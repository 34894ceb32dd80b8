//! The extension module `ferrio._ferrio`: asyncio's classes on the engine in the crate `ferrio`.
//!
//! A folder is a layer, and the table lists the lowest first. A layer uses only lower ones, which `tests/architecture` enforces.
//!
//! | layer | what is in it |
//! |---|---|
//! | [`base`] | cells for interior state, errors, arguments, imports from the standard library |
//! | [`cpython`] | the parts of the C API that PyO3 has no safe form of; all `unsafe` code except the cell's |
//! | [`kernel`] | the loop, handles, futures, coroutines that are written in Rust, tasks |
//! | [`waiting`] | what tasks wait with: combinators, timeouts, task groups, locks, queues |
//! | [`io`] | transports, servers, subprocesses, TLS, streams, each with its methods of the loop |
//! | [`module`] | the exports, and the order in which everything is installed |

#![deny(unsafe_code)]
#![allow(
    missing_docs,
    reason = "public items are public to Python and documented in docstrings"
)]
#![allow(
    clippy::doc_markdown,
    reason = "the doc comments of Python's methods are docstrings, which are not Markdown"
)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "PyO3 prescribes the signatures of Python's methods"
)]

mod base;
mod cpython;
mod io;
mod kernel;
mod module;
mod waiting;
