//! The function that replaces `pthread_exit`, and the test that the interpreter calls it.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::{null, null_mut};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::loaded_module::{LoadedModule, address_of};

type PthreadExit = unsafe extern "C-unwind" fn(*mut c_void);
type ThreadMain = extern "C-unwind" fn(*mut c_void) -> *mut c_void;

// Functions of libgcc_s, the library that unwinds stacks, which Rust's standard library is linked with.
unsafe extern "C" {
    fn _Unwind_Backtrace(
        visit: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIP(frame: *mut c_void) -> usize;
}

unsafe extern "C-unwind" {
    /// CPython's function that calls `pthread_exit`.
    fn PyThread_exit_thread();
}

/// The addresses that [`stand_in`] needs; set before it can be called.
struct Installed {
    /// The C library's `pthread_exit`.
    pthread_exit: PthreadExit,
    /// The addresses of this extension module.
    own: Range<usize>,
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();

/// Whether the interpreter has called [`stand_in`] in the test.
static TRIAL_PASSED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static IS_TRIAL: Cell<bool> = const { Cell::new(false) };
}

/// Makes threads hang that the interpreter would end by unwinding functions of this extension module. Only the first call
/// does so.
///
/// Returns whether the interpreter was seen to call the replacement. If not, such threads may end the process.
pub fn guard() -> bool {
    static GUARDED: OnceLock<bool> = OnceLock::new();
    *GUARDED.get_or_init(|| install().is_some() && passes_trial())
}

fn install() -> Option<()> {
    let own = stand_in as *const () as usize;
    let interpreter = LoadedModule::at(PyThread_exit_thread as *const () as usize)?;
    let slot = interpreter.import_slot(c"pthread_exit")?;
    let pthread_exit = address_of(c"pthread_exit")?;
    let installed = Installed {
        // SAFETY: the C library's function of this name has this type.
        pthread_exit: unsafe { std::mem::transmute::<usize, PthreadExit>(pthread_exit) },
        own: LoadedModule::at(own)?.extent(),
    };
    INSTALLED.set(installed).ok()?;
    // SAFETY: the function in the slot is `pthread_exit`. `stand_in` calls it or does not return either.
    unsafe { slot.set(own) }
}

/// Called by the interpreter in place of `pthread_exit`.
///
/// # Safety
/// As for `pthread_exit`: the stack can be unwound, except for functions of this extension module.
unsafe extern "C-unwind" fn stand_in(value: *mut c_void) {
    if IS_TRIAL.get() {
        TRIAL_PASSED.store(true, SeqCst);
    } else if is_on_our_behalf() {
        loop {
            std::thread::park();
        }
    }
    if let Some(installed) = INSTALLED.get() {
        // SAFETY: the caller guarantees it, and no function of this extension module is on the stack.
        unsafe { (installed.pthread_exit)(value) }
    }
}

/// Whether a function of this extension module has called the interpreter, which calls [`stand_in`].
fn is_on_our_behalf() -> bool {
    /// How far the search has come up the stack.
    #[derive(PartialEq)]
    enum Search {
        /// At the functions of this file.
        Here,
        /// At the interpreter or its callers.
        Above,
        /// At a function of this extension module that has called the interpreter.
        Found,
    }

    extern "C" fn visit(frame: *mut c_void, search: *mut c_void) -> c_int {
        const GO_ON: c_int = 0;
        const STOP: c_int = 5; // _URC_END_OF_STACK
        // SAFETY: the frame is the one being visited, and the other pointer is to the variable `search` below.
        let (address, search) = unsafe { (_Unwind_GetIP(frame), &mut *search.cast::<Search>()) };
        let is_ours = INSTALLED
            .get()
            .is_some_and(|installed| installed.own.contains(&address));
        match (&search, is_ours) {
            (Search::Here, false) => *search = Search::Above,
            (Search::Above, true) => {
                *search = Search::Found;
                return STOP;
            }
            _ => {}
        }
        GO_ON
    }

    let mut search = Search::Here;
    // SAFETY: `visit` is called with the pointer only during this call.
    unsafe { _Unwind_Backtrace(visit, (&raw mut search).cast()) };
    search == Search::Found
}

/// Lets the interpreter end a thread with an empty stack. Returns whether it has called [`stand_in`] for that.
fn passes_trial() -> bool {
    extern "C-unwind" fn main(_: *mut c_void) -> *mut c_void {
        IS_TRIAL.set(true);
        // SAFETY: this function has nothing to destroy.
        unsafe { PyThread_exit_thread() };
        null_mut()
    }

    let mut thread = MaybeUninit::uninit();
    // SAFETY: `main` has the required type, except that its stack may be unwound, which is what `pthread_exit` does. The
    // thread's identity is written once the thread has started.
    unsafe {
        let main =
            std::mem::transmute::<ThreadMain, extern "C" fn(*mut c_void) -> *mut c_void>(main);
        if libc::pthread_create(thread.as_mut_ptr(), null(), main, null_mut()) == 0 {
            libc::pthread_join(thread.assume_init(), null_mut());
        }
    }
    TRIAL_PASSED.load(SeqCst)
}
