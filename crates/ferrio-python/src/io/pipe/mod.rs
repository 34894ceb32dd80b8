//! Transports over pipes: `connect_read_pipe`, `connect_write_pipe` (CPython: `asyncio.unix_events._UnixReadPipeTransport`
//! and `_UnixWritePipeTransport`). Pipes here are FIFOs, sockets and character devices such as terminals.
//!
//! | file | concern |
//! |---|---|
//! | `common` | what both directions have in common: opening, the representation |
//! | `read` | `ReadPipeTransport` |
//! | `write` | `WritePipeTransport` |
//! | `loop_methods` | the loop's hooks that make them |
//!
//! A transport has one direction. The pipes of a child process are two or three of them (`crate::io::process`).
//!
//! The state is never borrowed while a callback of the protocol runs.

mod common;
mod loop_methods;
mod read;
mod write;

pub use self::common::PipeArguments;
pub use self::read::ReadPipeTransport;
pub use self::write::WritePipeTransport;
