//! TLS over any transport (CPython: `asyncio.sslproto`).
//!
//! | file | concern |
//! |---|---|
//! | `protocol` | [`TlsProtocol`]: the protocol of the underlying transport |
//! | `transport` | [`TlsTransport`]: the transport of the application |
//! | `state` | the states, limits and flags of a connection |
//! | `underlying` | the transport that carries the ciphertext |
//! | `sharing` | an `SSLObject` that the program has, and that another thread may use |
//! | `session` | the `ssl.SSLObject` and the two ways to drive it |
//! | `handshake` | from the new connection to `connection_made` |
//! | `reading` | from ciphertext to `data_received`, `buffer_updated`, `eof_received` |
//! | `writing` | from `write` to ciphertext |
//! | `shutdown` | `close`, `abort`, fatal errors, `connection_lost` |
//! | `running_version` | where the `sslproto` of the running Python differs from other releases |
//! | `attributes` | the private attributes that programs see |
//!
//! The program's `ssl.SSLContext` makes an `SSLObject` over two memory BIOs. So certificates, callbacks, ALPN, sessions
//! and `get_extra_info` are CPython's. Handshake and shutdown, which happen once in a connection, are calls of its
//! methods. Data bypasses these methods and goes straight to the OpenSSL connection behind the object, if that can be had.
//!
//! Everything that an application can observe happens in the order of `sslproto`, even where that order looks arbitrary.
//! There is one exception: the writes of an iteration are encrypted together at its end, unless a program could notice.
//!
//! No state is borrowed while an SSL call runs: callbacks of the context are Python code and may do anything.

mod attributes;
mod handshake;
mod protocol;
mod reading;
mod running_version;
mod session;
mod sharing;
mod shutdown;
mod state;
mod transport;
mod underlying;
mod writing;

pub use self::protocol::TlsProtocol;
pub use self::running_version::{protocol_class, remember_original, start_tls};
pub use self::transport::TlsTransport;
