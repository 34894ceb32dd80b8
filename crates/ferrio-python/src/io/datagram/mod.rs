//! `DatagramTransport`: a datagram socket on the loop (CPython: `asyncio.selector_events._SelectorDatagramTransport`).
//!
//! | file | concern |
//! |---|---|
//! | `class` | the class [`DatagramTransport`] |
//! | `receiving` | `datagram_received`, `error_received`, pausing, batches |
//! | `sending` | `sendto`: addresses, errors |
//! | `queueing` | datagrams that the kernel has refused: batches, flow control |
//! | `closing` | how it closes, where that differs from other transports |
//! | `attributes` | the other attributes that programs see |
//! | `sock_methods` | the loop's `sock_recvfrom`, `sock_recvfrom_into`, `sock_sendto` |
//!
//! `sendto` passes a datagram to the kernel at once, and queues only those that the kernel refuses. Internet and Unix
//! addresses are converted natively (`crate::io::address`). Sockets of other families send and receive by their own
//! methods.
//! A socket that is not plain (`crate::io::plain_sockets`) gets asyncio's own transport.
//!
//! The state is never borrowed while a callback of the protocol runs.

mod attributes;
mod class;
mod closing;
mod queueing;
mod receiving;
mod sending;
mod sock_methods;

pub use self::class::DatagramTransport;
use self::class::{Arrived, HEADER_SIZE, Peer, State};
