//! TLS over any transport (CPython: `asyncio.sslproto`).
//!
//! | file | concern |
//! |---|---|
//! | `protocol` | [`TlsProtocol`]: what the underlying transport calls, and what of asyncio's class others touch |
//! | `transport` | [`TlsTransport`]: what the application calls |
//! | `state` | the states, limits and flags of a connection |
//! | `underlying` | the transport that carries the ciphertext |
//! | `session` | the `ssl.SSLObject` and the two ways to drive it |
//! | `handshake` | from the connection to `connection_made` |
//! | `reading` | from ciphertext to `data_received`, `buffer_updated`, `eof_received` |
//! | `writing` | from `write` to ciphertext |
//! | `shutdown` | `close`, `abort`, fatal errors, `connection_lost` |
//! | `running_version` | what the running Python's own `sslproto` is like |
//! | `attributes` | the private attributes that programs see |
//!
//! The `ssl.SSLContext` is the user's, and the `SSLObject` over two memory BIOs is made by it, so that certificates,
//! callbacks, ALPN, sessions and `get_extra_info` are CPython's. Handshake and shutdown are calls of its methods, once
//! for a connection; data goes past them straight to the OpenSSL behind it, where that can be had.
//!
//! The order of everything that an application can observe is that of `sslproto`, down to what looks arbitrary. The one
//! liberty: what is written in an iteration is encrypted at its end, together, unless somebody could tell the difference.
//!
//! No state is borrowed while an SSL call runs: callbacks of the context are Python code and may do anything.

mod attributes;
mod handshake;
mod protocol;
mod reading;
mod running_version;
mod session;
mod shutdown;
mod state;
mod transport;
mod underlying;
mod writing;

pub use self::protocol::TlsProtocol;
pub use self::running_version::{protocol_class, remember_stock, start_tls};
pub use self::transport::TlsTransport;
