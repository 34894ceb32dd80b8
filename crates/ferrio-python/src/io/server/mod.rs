//! Servers: listening sockets and the connections that came through them (CPython: `asyncio.base_events.Server`).
//!
//! | file | what is in it |
//! |---|---|
//! | `class` | the class `Server` |
//! | `accepting` | connections that are accepted, and the transports for them; methods of the loop |
//! | `attributes` | private attributes and methods |

mod accepting;
mod attributes;
mod class;

pub use self::class::{Server, attach, detach};
