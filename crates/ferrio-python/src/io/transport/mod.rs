//! `SocketTransport`: a connected stream socket on the loop (CPython: `asyncio.selector_events._SelectorSocketTransport`).
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`SocketTransport`] |
//! | `reading` | what arrives: `data_received`, `buffer_updated`, `eof_received`, pausing |
//! | `writing` | what is to leave: `write`, flow control, `write_eof` |
//! | `closing` | `close`, `abort`, fatal errors, `connection_lost` |
//! | `attributes` | the private attributes that programs see |
//! | `common` | what stream and datagram sockets have in common |
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
mod common;
mod reading;
mod sendfile;
mod writing;

use self::class::Delivery;
pub use self::class::{Connection, SocketTransport};
pub use self::common::{Portrait, TransportPhase, describe_socket};
