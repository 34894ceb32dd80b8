//! Functions in the slots of type objects: those of ferrio's that the interpreter calls, and those of other types that
//! ferrio calls.
//!
//! | file | what is in it |
//! |---|---|
//! | `awaiting` | `await` without an iterator object |
//! | `descriptor` | reading attributes through a descriptor's slot |
//! | `forwarding` | objects that are called in place of another callable, without an argument tuple on the way |
//! | `instances` | how a class makes instances |
//! | `metaclass` | the class of a native class |
//! | `fast_method` | methods with a fast path for calls that have only positional arguments |
//! | `resuming` | resuming coroutines, and being resumed, without `StopIteration` |

mod awaiting;
mod descriptor;
pub(super) mod fast_method;
mod forwarding;
mod instances;
mod metaclass;
pub(super) mod resuming;

pub use self::awaiting::{
    SelfAwait, await_iterator, generic_set_attribute, install_self_await, is_context,
    is_exact_coroutine,
};
pub use self::descriptor::{descriptor_get, own_dictionary};
pub(crate) use self::fast_method::fast_method;
pub use self::fast_method::{FastMethod, install_fast_method};
pub use self::forwarding::{Callee, Forward, bind, install_forwarding, replace_in_class};
pub use self::instances::make_as_object;
pub use self::metaclass::set_metaclass;
pub(in crate::cpython) use self::resuming::am_send;
pub use self::resuming::{
    Resumed, Send, Sent, from_method_result, install_am_send, iter_send, resume,
};
