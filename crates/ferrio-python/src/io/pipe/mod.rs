//! Transports over pipes: `connect_read_pipe`, `connect_write_pipe` (CPython: `asyncio.unix_events._UnixReadPipeTransport`
//! and `_UnixWritePipeTransport`). Pipes here are FIFOs, sockets and character devices such as terminals.
//!
//! | file | concern |
//! |---|---|
//! | `common` | what both directions have in common: opening, the representation |
//! | `read` | `ReadPipeTransport` |
//! | `write` | `WritePipeTransport` |
//! | `loop_methods` | the loop's methods that make them |
//!
//! A transport goes in one direction. It knows nothing of processes: theirs is `crate::io::process`.
//!
//! No callback of the protocol is ever called while the state is borrowed.

mod common;
mod loop_methods;
mod read;
mod write;

pub use self::common::PipeArguments;
pub use self::read::ReadPipeTransport;
pub use self::write::WritePipeTransport;
