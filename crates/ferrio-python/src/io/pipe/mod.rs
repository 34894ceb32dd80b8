//! Transports over pipes: `connect_read_pipe`, `connect_write_pipe` (CPython: `asyncio.unix_events._UnixReadPipeTransport`
//! and `_UnixWritePipeTransport`). Pipes here are FIFOs, sockets and character devices such as terminals.
//!
//! | file | concern |
//! |---|---|
//! | `end` | what both directions have: the file, the protocol, extra information, the way to `connection_lost` |
//! | `read` | `ReadPipeTransport` |
//! | `write` | `WritePipeTransport` |
//! | `loop_methods` | the loop's methods that make them |
//!
//! A transport goes in one direction. It knows nothing of processes: theirs is `crate::io::process`.
//!
//! No callback of the protocol is ever called while the state is borrowed.

mod end;
mod loop_methods;
mod read;
mod write;

pub use self::end::Ends;
pub use self::read::ReadPipeTransport;
pub use self::write::WritePipeTransport;
