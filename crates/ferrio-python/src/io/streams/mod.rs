//! Streams: reading and writing a connection by coroutines (CPython: `asyncio/streams.py`, the newest version on every
//! Python).
//!
//! | file | concern |
//! |---|---|
//! | `reader` | [`StreamReader`]: its buffer, the coroutine that waits for more, back-pressure |
//! | `reading` | `read`, `readexactly`, `readuntil`, `readline`, asynchronous iteration |
//! | `overridden` | the same methods in subclasses that override some of them |
//! | `reader_attributes` | the private attributes of readers that programs use, the representation |
//! | `protocol` | [`StreamReaderProtocol`]: feeds a reader, and is the flow control of writing |
//! | `connecting` | a new connection of a server, and the end of its handler |
//! | `writer` | [`StreamWriter`] |
//! | `loop_attribute` | the attribute `_loop` |
//!
//! A transport of ferrio feeds received bytes to a reader without a call of Python and without a Python object
//! ([`StreamReader::feed`]), unless a subclass of the reader or the protocol overrides the methods.

mod connecting;
mod loop_attribute;
mod overridden;
mod protocol;
mod reader;
mod reader_attributes;
mod reading;
mod writer;

use self::loop_attribute::set_loop_attribute;
pub use self::protocol::StreamReaderProtocol;
pub use self::reader::{Fed, StreamReader};
pub use self::writer::StreamWriter;
