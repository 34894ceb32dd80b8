//! Descriptors and what is at their other ends: transports with their protocols, servers, processes, TLS, streams.
//!
//! | module | what is in it |
//! |---|---|
//! | [`socket`], [`address`] | system calls of the data path; socket addresses |
//! | [`plain_sockets`] | which sockets these system calls are for |
//! | [`sock_methods`] | the loop's `sock_recv`, `sock_sendall`, `sock_accept`, `sock_connect` |
//! | [`fatal_error`] | what sockets, pipes and TLS do with a fatal error |
//! | [`incoming`], [`outgoing`] | what transports share: reading, and writing with flow control |
//! | [`extra_info`] | `get_extra_info` |
//! | [`connection`] | what the transports of sockets and pipes share: how they begin, close and fail |
//! | [`transport`] | `SocketTransport` |
//! | [`datagram`] | `DatagramTransport` |
//! | [`pipe`] | `ReadPipeTransport`, `WritePipeTransport` |
//! | [`process`] | `SubprocessTransport` |
//! | [`server`] | `Server` |
//! | [`tls`] | `TlsProtocol`, `TlsTransport` |
//! | [`streams`] | `StreamReader`, `StreamWriter`, `StreamReaderProtocol` |

pub mod address;
pub mod connection;
pub mod datagram;
pub mod extra_info;
pub mod fatal_error;
pub mod incoming;
pub mod outgoing;
pub mod pipe;
pub mod plain_sockets;
pub mod process;
pub mod server;
pub mod sock_methods;
pub mod socket;
pub mod streams;
pub mod tls;
pub mod transport;
