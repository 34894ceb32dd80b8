//! Streams: reading and writing a connection in sequence (CPython: `asyncio/streams.py`), the newest on every Python.
//!
//! | file | concern |
//! |---|---|
//! | `reader` | [`StreamReader`]: what has arrived, who waits for more, back-pressure |
//! | `reading` | `read`, `readexactly`, `readuntil`, `readline`, asynchronous iteration |
//! | `overridden` | the same by methods that a subclass has in place of others |
//! | `reader_attributes` | the private attributes that programs read and set, the representation |
//! | `protocol` | [`StreamReaderProtocol`]: from a transport to a reader, and the flow control of writing |
//! | `connecting` | what happens when a server's connection is made, and when its handler has ended |
//! | `writer` | [`StreamWriter`] |
//! | `home` | the loop of a reader or a protocol |
//!
//! A transport of ferrio's gives what arrives to a reader without a Python call and without an object
//! ([`StreamReader::feed`]), if neither class is a subclass that has methods of its own.

mod connecting;
mod home;
mod overridden;
mod protocol;
mod reader;
mod reader_attributes;
mod reading;
mod writer;

use self::home::set_home;
pub use self::protocol::StreamReaderProtocol;
pub use self::reader::{Fed, StreamReader};
pub use self::writer::StreamWriter;
