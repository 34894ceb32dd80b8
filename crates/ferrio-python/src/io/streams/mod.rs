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
//!
//! A transport of ferrio's gives what arrives to a reader without a Python call and without an object
//! ([`StreamReader::feed`]), if neither class is a subclass that has methods of its own.

use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;

use crate::base::cell::AttachedOnce;
use crate::kernel::future::Home;

mod connecting;
mod overridden;
mod protocol;
mod reader;
mod reader_attributes;
mod reading;
mod writer;

pub use self::protocol::StreamReaderProtocol;
pub use self::reader::{Fed, StreamReader};
pub use self::writer::StreamWriter;

/// Sets the loop of a reader or protocol, which a subclass may do before it calls `__init__`; afterwards it stays.
fn set_home(home: &AttachedOnce<Home>, event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
    let _ = home.set(event_loop.py(), Home::of(event_loop));
    match home.get() {
        Some(home) if home.as_any().is(event_loop) => Ok(()),
        _ => Err(PyAttributeError::new_err("the loop cannot be changed")),
    }
}
