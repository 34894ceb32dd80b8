//! Functions in the slots of type objects: those of ferrio's that the interpreter calls, and those of other types that
//! ferrio calls.
//!
//! | file | what is in it |
//! |---|---|
//! | `awaiting` | `await` without an iterator object |
//! | `attributes` | reading and setting attributes past the methods of their class |
//! | `forwarding` | objects that are called in place of another callable, without an argument tuple on the way |
//! | `instances` | how a class makes instances |
//! | `metaclass` | the class of a native class |
//! | `fast_method` | methods with a fast path for calls that have only positional arguments |
//! | `resuming` | resuming coroutines, and being resumed, without `StopIteration` |

mod attributes;
mod awaiting;
pub(super) mod fast_method;
mod forwarding;
mod instances;
mod metaclass;
pub(super) mod resuming;

pub use self::attributes::{descriptor_get, generic_set_attribute, own_dictionary};
pub use self::awaiting::{SelfAwait, await_iterator, install_self_await, is_exact_coroutine};
pub(crate) use self::fast_method::fast_method;
pub use self::fast_method::{FastMethod, install_fast_method};
pub use self::forwarding::{Callee, Forward, bind, install_forwarding, replace_in_class};
pub use self::instances::make_as_object;
pub use self::metaclass::set_metaclass;
pub(in crate::cpython) use self::resuming::am_send;
pub use self::resuming::{
    Resumed, Send, Sent, from_method_result, install_am_send, iter_send, resume,
};
