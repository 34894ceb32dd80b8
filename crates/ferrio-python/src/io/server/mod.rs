//! Servers: listening sockets and the connections that they have accepted (CPython: `asyncio.base_events.Server`).
//!
//! | file | what is in it |
//! |---|---|
//! | `class` | the class `Server` |
//! | `serving` | listening, `serve_forever`, `close`, `wait_closed` |
//! | `connections` | the connections that a server counts |
//! | `accepting` | accepting connections and making transports for them |
//! | `loop_methods` | the loop's `create_server` and `create_unix_server`, and its hooks that make transports |
//! | `attributes` | private attributes |

mod accepting;
mod attributes;
mod class;
mod connections;
mod loop_methods;
mod serving;

pub use self::class::Server;
pub use self::connections::{attach, detach};
