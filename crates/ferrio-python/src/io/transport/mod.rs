//! `SocketTransport`: a connected stream socket on the loop (CPython: `asyncio.selector_events._SelectorSocketTransport`).
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`SocketTransport`] |
//! | `reading` | what arrives: `data_received`, `buffer_updated`, `eof_received`, pausing |
//! | `writing` | what is to leave: `write`, flow control, `write_eof` |
//! | `closing` | how it closes, where that differs from other transports |
//! | `attributes` | the private attributes that programs see |
//! | `sendfile` | the loop's `sendfile` |
//!
//! Writes leave as `crate::io::outgoing` says: together, at the end of the iteration.
//!
//! A socket that is not plain (`crate::io::plain_sockets`) gets asyncio's own transport, which calls the socket's methods.
//!
//! No callback of the protocol is ever called while the state is borrowed.

mod attributes;
mod class;
mod closing;
mod reading;
mod sendfile;
mod writing;

use self::class::Delivery;
pub use self::class::{ConnectionArguments, SocketTransport};
