//! What the interpreter calls of ours: functions in the slots of types.
//!
//! | file | what is in it |
//! |---|---|
//! | `awaiting` | being awaited without objects in between |
//! | `descriptor` | reading an attribute through its descriptor |
//! | `forwarding` | objects that are called in place of another callable, without an argument tuple on the way |
//! | `instances` | how a class makes instances |
//! | `metaclass` | the class of a native class |
//! | `fast_method` | methods with a quick way for calls with nothing but positional arguments |
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
