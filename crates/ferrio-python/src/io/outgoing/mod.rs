//! What is to leave: the part of writing that sockets and pipes share.
//!
//! | file | concern |
//! |---|---|
//! | `chunk` | one piece of outgoing data |
//! | `pieces` | what `writelines` takes |
//! | `queue` | [`Outgoing`]: what is buffered, flow control, how it is going to leave |
//! | `sink` | the system calls: sockets, other descriptors |
//! | `writer` | [`Writer`]: `write` and flushing, for every transport that writes |
//! | `attributes` | the private attributes that go with it |
//!
//! Writes are collected and leave together at the end of the iteration, in one system call, or at once if they are
//! many, if no iteration is running, or as soon as anybody asks what is buffered. So the state that users can observe
//! is that of a transport that sends immediately.
//!
//! Nothing here knows what a transport does when sending fails, or how it ends: that is the transport's.

mod attributes;
mod chunk;
mod pieces;
mod queue;
mod sink;
mod writer;

pub(crate) use self::attributes::{flow_control_methods, writer_attributes};
pub use self::chunk::{Chunk, Data};
pub use self::pieces::{Refusal, pieces};
pub use self::queue::{Outgoing, set_limits};
pub use self::sink::Sink;
pub use self::writer::{LOST_WRITES_LOG_THRESHOLD, Writer, warn_of_lost_socket_write};
