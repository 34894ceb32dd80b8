//! `DatagramTransport`: a datagram socket on the loop (CPython: `asyncio.selector_events._SelectorDatagramTransport`).
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`DatagramTransport`] |
//! | `receiving` | what arrives: `datagram_received`, `error_received`, batches |
//! | `sending` | `sendto`: addresses, errors |
//! | `queueing` | what waits to leave: batches, flow control |
//! | `closing` | how it closes, where that differs from other transports |
//! | `attributes` | what asyncio's class has for users and for the standard library to read |
//! | `sock_methods` | the loop's `sock_recvfrom`, `sock_recvfrom_into`, `sock_sendto` |
//!
//! A datagram is offered to the kernel in `sendto` itself; only what the kernel refuses is queued. Internet and Unix
//! addresses are converted natively (`crate::io::address`); sockets of other families send and receive by their own methods.
//! A socket that is not plain (`crate::io::plain_sockets`) gets asyncio's own transport.
//!
//! No callback of the protocol is ever called while the state is borrowed.

mod attributes;
mod class;
mod closing;
mod queueing;
mod receiving;
mod sending;
mod sock_methods;

pub use self::class::DatagramTransport;
use self::class::{Arrived, HEADER_SIZE, Peer, State};
