//! Servers: listening sockets and the connections that they have accepted (CPython: `asyncio.base_events.Server`).
//!
//! | file | what is in it |
//! |---|---|
//! | `class` | the class `Server` |
//! | `accepting` | accepting connections and making transports for them; the loop's `create_server` and hooks |
//! | `attributes` | private attributes and methods |

mod accepting;
mod attributes;
mod class;

pub use self::class::{Server, attach, detach};
