//! Threads that the interpreter ends while Rust functions are on their stack, before Python 3.14.
//!
//! A thread that wants the GIL while the interpreter is being finalized is ended by `pthread_exit` (`take_gil` in
//! `Python/ceval_gil.c`). This happens to daemon threads, inside any function of the C API that may release the GIL. The
//! GNU C library implements `pthread_exit` by unwinding the stack, which must not reach a Rust function: the process aborts,
//! or destructors drop references without the GIL. Python 3.14 lets such a thread hang instead.
//!
//! CPython calls `pthread_exit` in one function only, `PyThread_exit_thread`, through one slot in the interpreter's table of
//! imported functions (its global offset table). [`guard`] writes another function into that slot. This function lets a
//! thread hang that has functions of this extension module on its stack, as Python 3.14 does, and ends any other thread as
//! before. So the calls into the interpreter need no precautions and cost nothing.
//!
//! | file | what it is |
//! |---|---|
//! | `hanging` | the function in the slot, and the test that it is called |
//! | `loaded_module` | a loaded file in memory: where its code is, where an import slot is (ELF) |
//! | `unguarded` | for platforms and versions without the problem |
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
