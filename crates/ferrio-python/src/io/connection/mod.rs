//! A protocol connected to a descriptor: the part that the transports of sockets and pipes share.
//!
//! | file | what is in it |
//! |---|---|
//! | `state` | [`Connection`] and [`TransportPhase`]: the state that every such transport has |
//! | `transport` | [`Transport`]: how a transport begins, closes, fails, and is finalized |
//! | `selector` | [`SelectorTransport`]: what only the transports of sockets share |
//! | `methods` | accessors, and the methods that Python sees, as macros: PyO3 takes no methods from a trait |
//!
//! A class implements the traits' hooks where asyncio's transports differ. The algorithms are generic, so a call costs
//! what it would cost in the class itself.

mod methods;
mod selector;
mod state;
mod transport;

pub(crate) use self::methods::{
    selector_transport_methods, transport_accessors, transport_methods,
};
pub use self::selector::{SelectorTransport, TransportRepr, describe_socket};
pub use self::state::{Connection, TransportPhase};
pub use self::transport::Transport;
