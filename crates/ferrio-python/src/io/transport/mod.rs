//! `SocketTransport`: a connected stream socket on the loop (CPython: `asyncio.selector_events._SelectorSocketTransport`).
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`SocketTransport`] |
//! | `reading` | receiving: `data_received`, `buffer_updated`, `eof_received`, pausing |
//! | `writing` | sending: `write`, flow control, `write_eof` |
//! | `closing` | how it closes, where that differs from other transports |
//! | `attributes` | the private attributes that programs see |
//! | `sendfile` | the loop's `sendfile` |
//!
//! Writes are collected and sent together at the end of the loop's iteration (`crate::io::outgoing`).
//!
//! A socket that is not plain (`crate::io::plain_sockets`) gets asyncio's own transport, which calls the socket's methods.
//!
//! The state is never borrowed while a callback of the protocol runs.

mod attributes;
mod class;
mod closing;
mod reading;
mod sendfile;
mod writing;

use self::class::Delivery;
pub use self::class::{ConnectionArguments, SocketTransport};
