//! Writing with flow control, as the transports of sockets and pipes share it.
//!
//! | file | concern |
//! |---|---|
//! | `chunk` | one piece of outgoing data |
//! | `pieces` | the argument of a socket's `writelines` |
//! | `queue` | [`Outgoing`]: the write buffer, flow control, when the data is sent |
//! | `sink` | the system calls for sockets and for other descriptors |
//! | `snapshot` | copies of a write buffer for programs |
//! | `writer` | [`Writer`]: `write` and flushing, for every transport that writes |
//! | `attributes` | the methods and attributes that go with it, as macros |
//!
//! The key idea: asyncio sends in `write` itself. Here, writes are collected and sent by one system call at the end of the
//! loop's iteration. They are sent earlier if they are large, if no iteration is running, or if the program asks for the
//! state of the buffer. So a program observes a transport that sends immediately.
//!
//! How a transport ends, and what it does when sending fails, is not decided here.

mod attributes;
mod chunk;
mod pieces;
mod queue;
mod sink;
mod snapshot;
mod writer;

pub(crate) use self::attributes::{flow_control_methods, writer_attributes};
pub use self::chunk::{Chunk, Data};
pub use self::pieces::{Refusal, pieces};
pub use self::queue::{Outgoing, set_limits};
pub use self::sink::Sink;
pub use self::snapshot::{copy_pieces, deque_of};
pub use self::writer::{LOST_WRITES_LOG_THRESHOLD, Writer, warn_of_lost_socket_write};
