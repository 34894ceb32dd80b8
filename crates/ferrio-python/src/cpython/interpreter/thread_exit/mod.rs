//! Threads that the interpreter ends while Rust functions are on their stack, before Python 3.14.
//!
//! A thread that wants the GIL while the interpreter is being finalized is ended by `pthread_exit` (`take_gil` in
//! `Python/ceval_gil.c`). This happens to daemon threads, inside any function of the C API that may release the GIL. The
//! GNU C library carries `pthread_exit` out by unwinding the stack, which must not reach a Rust function: the process aborts,
//! or destructors drop references without the GIL. Python 3.14 lets such a thread hang instead.
//!
//! All these ways lead through one place: CPython calls `pthread_exit` in one function, `PyThread_exit_thread`, through one
//! slot in the interpreter's table of imported functions (its global offset table). [`guard`] puts a function of its own into
//! that slot. The function lets a thread hang that has functions of this module on its stack, as Python 3.14 does, and ends
//! any other thread as before. So no call into the interpreter needs care of its own or costs anything.
//!
//! | file | what it is |
//! |---|---|
//! | `hanging` | the function in the slot, and the proof that it is called |
//! | `loaded_module` | the interpreter's and our own file in memory: where the code lies, where a slot is (ELF) |
//! | `unguarded` | for where nothing has to be done |
//!
//! Other C libraries do not unwind the stack and need none of this.

#[cfg(all(
    not(Py_3_14),
    target_os = "linux",
    target_env = "gnu",
    target_pointer_width = "64"
))]
mod hanging;
#[cfg(all(
    not(Py_3_14),
    target_os = "linux",
    target_env = "gnu",
    target_pointer_width = "64"
))]
mod loaded_module;

#[cfg(all(
    not(Py_3_14),
    target_os = "linux",
    target_env = "gnu",
    target_pointer_width = "64"
))]
pub use self::hanging::guard;

#[cfg(not(all(
    not(Py_3_14),
    target_os = "linux",
    target_env = "gnu",
    target_pointer_width = "64"
)))]
mod unguarded;
#[cfg(not(all(
    not(Py_3_14),
    target_os = "linux",
    target_env = "gnu",
    target_pointer_width = "64"
)))]
pub use self::unguarded::guard;
