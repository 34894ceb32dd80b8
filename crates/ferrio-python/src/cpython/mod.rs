//! The parts of the C API that PyO3 has no safe form of. All `unsafe` code of the bindings is here, except the cell's.
//!
//! | module | what is in it |
//! |---|---|
//! | [`entering`] | entering Rust code from functions that the interpreter calls directly |
//! | [`slots`] | functions in the slots of type objects |
//! | [`memory`] | allocation, deallocation and finalizers of objects; the garbage collector |
//! | [`interpreter`] | calls, contexts, exceptions, the current task, watching what programs replace |
//! | [`buffers`], [`descriptors`] | bytes of other objects; file descriptors |
//! | [`openssl`] | the OpenSSL that the `ssl` module has loaded |
//! | [`tricks`] | which uses of the interpreter's inside are allowed |
#![allow(unsafe_code)]

mod buffers;
mod descriptors;
mod entering;
mod interpreter;
mod memory;
pub mod openssl;
mod slots;
pub mod tricks;

pub use self::buffers::ByteView;
pub use self::descriptors::borrow_fd;
use self::entering::{in_slot, panicked};
#[cfg(not(Py_3_14))]
pub use self::interpreter::leave_last_task;
#[cfg(Py_3_13)]
pub use self::interpreter::replace_wakeup_fd;
use self::interpreter::set_stop_iteration;
pub use self::interpreter::{
    CurrentTask, RUNNING_NAMES, WatchedClass, call, call_method, call_one, class_version,
    clock_is_replaced, clock_is_untouched, copy_context, current_frame, deeper, ensure_traceback,
    enter_context, finally, guard_thread_exit, handling, in_context, is_context, normalized, raise,
    raise_from, raise_new, raised_while, running_loop, running_task, stop_iteration, subclasses,
    thread_ident, undisturbed, versions_hold, watch_clock,
};
pub(crate) use self::memory::recycle;
#[cfg(not(Py_3_12))]
pub use self::memory::skip_incomplete;
pub use self::memory::{
    Finalize, Keep, KnownClasses, Recycle, Shell, Untracked, WeakTable, create, create_extended,
    install_finalizer, install_in_turn, install_recycling, is_only_reference, keep, keep_extended,
    show,
};
use self::slots::am_send;
pub(crate) use self::slots::fast_method;
pub use self::slots::{
    Callee, FastMethod, Forward, Resumed, SelfAwait, Send, Sent, await_iterator, bind,
    descriptor_get, from_method_result, generic_set_attribute, install_am_send,
    install_fast_method, install_forwarding, install_self_await, is_exact_coroutine, iter_send,
    make_as_object, own_dictionary, replace_in_class, resume, set_metaclass,
};
