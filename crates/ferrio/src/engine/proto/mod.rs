//! The parts of transports that do no I/O: state machines and buffers.
//!
//! Nothing in this folder knows a socket, an event loop or a protocol object, so
//! one implementation serves sockets, pipes and TLS, in Python and in Rust, and is
//! tested without any of them. Callbacks are not called: the return value says what
//! the caller has to tell its protocol.

mod datagram_queue;
mod flow_control;
mod read_buffer;
mod write_buffer;

pub use datagram_queue::DatagramQueue;
pub use flow_control::{FlowControl, LimitsError};
pub use read_buffer::{ReadBuffer, Search};
pub use write_buffer::{MAX_SLICES, WriteBuffer};
