//! The data path of TLS: direct calls of the libssl that Python's module `_ssl` has loaded, on the `SSL*` behind an
//! `ssl.SSLObject`.
//!
//! Python's own `ssl` module makes the object, configures it, does the handshake and shuts the connection down. Only
//! reading, writing and moving ciphertext bypass it, since each of its methods costs several times what OpenSSL needs
//! for a small record.
//!
//! Every assumption is checked. The functions are looked up in the extension module `_ssl`, so that they come from the
//! library that it is linked to, and only used if no other copy of the library takes precedence. The pointers are read
//! from `_ssl`'s objects (Modules/_ssl.c: `PySSLSocket` begins with a weak reference to a socket, the `SSL*` and the
//! context; `PySSLMemoryBIO` with the `BIO*`). They are used only if everything fits together: the types, the context
//! that Python code sees, no socket, and both BIOs as OpenSSL knows them. Otherwise there is no [`SslConnection`], and the
//! caller uses the methods of the `SSLObject`.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_int, c_ulong, c_void};
use std::ptr::NonNull;

use pyo3::exceptions::PyMemoryError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::cpython::tricks::Trick;

/// `SSL_ERROR_WANT_READ` of openssl/ssl.h.
const SSL_ERROR_WANT_READ: c_int = 2;
/// `BIO_TYPE_MEM` of openssl/bio.h.
const BIO_TYPE_MEM: c_int = 1 | 0x0400;

/// Declares the functions that the data path needs, by their C signatures.
macro_rules! functions {
    ($($field:ident = $name:literal: ($($argument:ty),*) -> $result:ty;)*) => {
        /// The functions of openssl/ssl.h, bio.h, err.h and crypto.h that the data path needs.
        struct Library {
            $($field: unsafe extern "C" fn($($argument),*) -> $result,)*
        }

        impl Library {
            /// Looks all functions up.
            fn look_up(handle: *mut c_void) -> Option<Self> {
                Some(Self {
                    $($field: {
                        let function = symbol(handle, $name)?;
                        // SAFETY: OpenSSL's function of this name has this C signature, and has had it since 1.1.1,
                        // the oldest version that a supported Python can be built with.
                        unsafe {
                            std::mem::transmute::<
                                *mut c_void,
                                unsafe extern "C" fn($($argument),*) -> $result,
                            >(function)
                        }
                    },)*
                })
            }
        }
    };
}

functions! {
    ssl_read_ex = c"SSL_read_ex": (*mut c_void, *mut c_void, usize, *mut usize) -> c_int;
    ssl_write_ex = c"SSL_write_ex": (*mut c_void, *const c_void, usize, *mut usize) -> c_int;
    ssl_get_error = c"SSL_get_error": (*const c_void, c_int) -> c_int;
    ssl_has_pending = c"SSL_has_pending": (*const c_void) -> c_int;
    ssl_get_rbio = c"SSL_get_rbio": (*const c_void) -> *mut c_void;
    ssl_get_wbio = c"SSL_get_wbio": (*const c_void) -> *mut c_void;
    bio_method_type = c"BIO_method_type": (*const c_void) -> c_int;
    bio_ctrl_pending = c"BIO_ctrl_pending": (*mut c_void) -> usize;
    bio_read = c"BIO_read": (*mut c_void, *mut c_void, c_int) -> c_int;
    bio_write = c"BIO_write": (*mut c_void, *const c_void, c_int) -> c_int;
    err_clear_error = c"ERR_clear_error": () -> ();
    version_num = c"OpenSSL_version_num": () -> c_ulong;
}

/// Looks a function up in a loaded object and the libraries that it is linked to.
///
/// Returns `None` if it is not there, or if the global scope has another one, which `_ssl` would then be calling.
fn symbol(handle: *mut c_void, name: &CStr) -> Option<*mut c_void> {
    // SAFETY: `handle` came from dlopen and is never closed; the name ends in a zero.
    let found = NonNull::new(unsafe { libc::dlsym(handle, name.as_ptr()) })?;
    // SAFETY: as above; RTLD_DEFAULT searches what every object sees first.
    let global = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (global.is_null() || global == found.as_ptr()).then_some(found.as_ptr())
}

impl Library {
    /// Finds the library behind the module `_ssl`.
    fn of(module: &Bound<'_, PyModule>) -> Option<Self> {
        let path: String = module.getattr("__file__").ok()?.extract().ok()?;
        let path = CString::new(path).ok()?;
        // SAFETY: the path ends in a zero. With RTLD_NOLOAD nothing is loaded or run; the reference that is counted
        // is kept for the life of the process.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_LAZY) };
        if handle.is_null() {
            return None;
        }
        let library = Self::look_up(handle)?;
        // SAFETY: the function takes no arguments and reads a constant.
        let version = unsafe { (library.version_num)() };
        let expected: c_ulong = module
            .getattr("OPENSSL_VERSION_NUMBER")
            .ok()?
            .extract()
            .ok()?;
        (version == expected).then_some(library)
    }

    /// Returns the library, which is looked for once.
    fn get(py: Python<'_>) -> Option<&'static Self> {
        static LIBRARY: PyOnceLock<Option<Library>> = PyOnceLock::new();
        LIBRARY
            .get_or_init(py, || Self::of(&py.import("_ssl").ok()?))
            .as_ref()
    }
}

/// The first fields of a `_ssl._SSLSocket`, after the head that all objects have.
#[repr(C)]
#[derive(Clone, Copy)]
struct SslSocket {
    socket: *mut ffi::PyObject,
    ssl: *mut c_void,
    context: *mut ffi::PyObject,
}

/// The first field of a `_ssl.MemoryBIO`, after the head.
#[repr(C)]
#[derive(Clone, Copy)]
struct MemoryBio {
    bio: *mut c_void,
}

/// Fields of a C type's object after its head. Every bit pattern must be a valid value.
trait Fields: Copy {}
impl Fields for SslSocket {}
impl Fields for MemoryBio {}

/// Reads the first fields of an object, if its type is `_ssl`'s of this name and large enough.
fn fields<T: Fields>(object: &Bound<'_, PyAny>, name: &str) -> Option<T> {
    let py = object.py();
    let class = object.get_type();
    let expected = py.import("_ssl").ok()?.getattr(name).ok()?;
    let size: usize = class
        .getattr(intern!(py, "__basicsize__"))
        .ok()?
        .extract()
        .ok()?;
    let head = size_of::<ffi::PyObject>();
    if !class.is(&expected) || size < head + size_of::<T>() {
        return None;
    }
    // SAFETY: an object of a C type takes `__basicsize__` bytes from its address on, which is aligned for pointers as
    // the head's size is; `T` is pointers, copied out while the object is alive and, with the GIL held, unchanged.
    Some(unsafe { object.as_ptr().byte_add(head).cast::<T>().read() })
}

/// The outcome of a read or write.
pub enum Progress {
    /// The number of bytes that were read or written.
    Done(usize),
    /// Ciphertext has to arrive first.
    Again,
    /// Any other outcome. OpenSSL's error queue is as the failure left it, and the connection stays as it is: the same
    /// call through the `SSLObject` fails again, with Python's own exception.
    Other,
}

/// A TLS connection over memory BIOs, driven without Python.
pub struct SslConnection {
    library: &'static Library,
    ssl: NonNull<c_void>,
    incoming: NonNull<c_void>,
    outgoing: NonNull<c_void>,
    /// The `_ssl` object that owns the `SSL*`, which owns the BIOs.
    owner: Py<PyAny>,
}

// SAFETY: the pointers are used only in methods that take a `Python` token, which on a build with a GIL one thread has at a
// time. `_ssl` releases the GIL inside OpenSSL, but only in methods of an object that nobody else has, or whose users take
// turns (`io/tls/sharing.rs`).
unsafe impl Send for SslConnection {}
// SAFETY: as above.
unsafe impl Sync for SslConnection {}

impl SslConnection {
    /// Returns the connection behind the inner `_ssl` object of an `ssl.SSLObject` over two `ssl.MemoryBIO`s; `None` if
    /// any of them is not as expected.
    pub fn of(
        owner: &Bound<'_, PyAny>,
        context: &Bound<'_, PyAny>,
        incoming: &Bound<'_, PyAny>,
        outgoing: &Bound<'_, PyAny>,
    ) -> Option<Self> {
        let py = owner.py();
        if !Trick::OpenSsl.is_allowed() {
            return None;
        }
        let library = Library::get(py)?;
        let socket = fields::<SslSocket>(owner, "_SSLSocket")?;
        let incoming = NonNull::new(fields::<MemoryBio>(incoming, "MemoryBIO")?.bio)?;
        let outgoing = NonNull::new(fields::<MemoryBio>(outgoing, "MemoryBIO")?.bio)?;
        // The fields before and after the `SSL*` have the expected values, so the `SSL*` is where it is expected.
        if !socket.socket.is_null() || socket.context != context.as_ptr() {
            return None;
        }
        let ssl = NonNull::new(socket.ssl)?;
        // SAFETY: `ssl` lies between the two fields of PySSLSocket that were recognised; `_ssl` has made it before it
        // returned the object. The BIOs are looked at only once OpenSSL has named the same addresses.
        let genuine = unsafe {
            (library.ssl_get_rbio)(ssl.as_ptr()) == incoming.as_ptr()
                && (library.ssl_get_wbio)(ssl.as_ptr()) == outgoing.as_ptr()
                && (library.bio_method_type)(incoming.as_ptr()) == BIO_TYPE_MEM
                && (library.bio_method_type)(outgoing.as_ptr()) == BIO_TYPE_MEM
        };
        genuine.then(|| Self {
            library,
            ssl,
            incoming,
            outgoing,
            owner: owner.clone().unbind(),
        })
    }

    /// Returns the object that keeps the connection alive, for the garbage collector.
    pub fn owner(&self) -> &Py<PyAny> {
        &self.owner
    }

    /// Passes received ciphertext to OpenSSL. Never runs Python code.
    pub fn feed(&self, _py: Python<'_>, data: &[u8]) -> PyResult<()> {
        for piece in data.chunks(1 << 30) {
            let len = c_int::try_from(piece.len()).unwrap_or(c_int::MAX);
            // SAFETY: the BIO lives as long as its owner, and reads `len` bytes of the piece.
            let written = unsafe {
                (self.library.bio_write)(self.incoming.as_ptr(), piece.as_ptr().cast(), len)
            };
            // A memory BIO takes everything unless there is no memory.
            if written != len {
                return Err(PyMemoryError::new_err("failed to allocate BIO"));
            }
        }
        Ok(())
    }

    /// Returns the number of received bytes of ciphertext that are not decrypted yet.
    pub fn incoming_len(&self, _py: Python<'_>) -> usize {
        // SAFETY: the BIO lives as long as its owner.
        unsafe { (self.library.bio_ctrl_pending)(self.incoming.as_ptr()) }
    }

    /// Returns the number of bytes of ciphertext to send.
    pub fn outgoing_len(&self, _py: Python<'_>) -> usize {
        // SAFETY: as above.
        unsafe { (self.library.bio_ctrl_pending)(self.outgoing.as_ptr()) }
    }

    /// Whether nothing can be read until ciphertext arrives.
    pub fn is_exhausted(&self, py: Python<'_>) -> bool {
        // SAFETY: the connection lives as long as its owner; the function looks at buffers of OpenSSL's own.
        self.incoming_len(py) == 0
            && unsafe { (self.library.ssl_has_pending)(self.ssl.as_ptr()) } == 0
    }

    /// Takes out the ciphertext to send. Never runs Python code.
    pub fn drain(&self, py: Python<'_>) -> Vec<u8> {
        let mut data = Vec::with_capacity(self.outgoing_len(py));
        while data.len() < data.capacity() {
            let room = data.spare_capacity_mut();
            let len = c_int::try_from(room.len()).unwrap_or(c_int::MAX);
            // SAFETY: the BIO lives as long as its owner, and writes at most `len` bytes into the room.
            let read = unsafe {
                (self.library.bio_read)(self.outgoing.as_ptr(), room.as_mut_ptr().cast(), len)
            };
            let Ok(read @ 1..) = usize::try_from(read) else {
                break;
            };
            // SAFETY: `read` bytes of the spare capacity were written.
            unsafe { data.set_len(data.len() + read) };
        }
        data
    }

    /// Calls `SSL_read_ex`. Python callbacks of the context may run inside, and may use the buffer.
    pub fn read(&self, py: Python<'_>, buffer: &[Cell<u8>]) -> PyResult<Progress> {
        let mut count = 0;
        // SAFETY: the connection lives as long as its owner, which outlives the call with `self`. It writes at most
        // `buffer.len()` bytes into the cells, which may change while they are borrowed.
        let status = unsafe {
            // An error that another user of OpenSSL has left in this thread's queue would be taken for one of this call.
            (self.library.err_clear_error)();
            (self.library.ssl_read_ex)(
                self.ssl.as_ptr(),
                buffer.as_ptr().cast_mut().cast(),
                buffer.len(),
                &raw mut count,
            )
        };
        self.outcome(py, status, count)
    }

    /// Calls `SSL_write_ex`. Python callbacks of the context may run inside.
    ///
    /// After [`Progress::Again`], the next call must begin with the same bytes.
    pub fn write(&self, py: Python<'_>, data: &[u8]) -> PyResult<Progress> {
        let mut count = 0;
        // SAFETY: as in `read`; the data is only read.
        let status = unsafe {
            (self.library.err_clear_error)();
            (self.library.ssl_write_ex)(
                self.ssl.as_ptr(),
                data.as_ptr().cast(),
                data.len(),
                &raw mut count,
            )
        };
        self.outcome(py, status, count)
    }

    /// Turns the status of a read or write into its outcome. Raises what a Python callback has raised inside.
    fn outcome(&self, py: Python<'_>, status: c_int, count: usize) -> PyResult<Progress> {
        if let Some(error) = PyErr::take(py) {
            return Err(error);
        }
        if status == 1 {
            return Ok(Progress::Done(count));
        }
        // SAFETY: the connection lives as long as its owner; the status is that of the last call on it.
        match unsafe { (self.library.ssl_get_error)(self.ssl.as_ptr(), status) } {
            SSL_ERROR_WANT_READ => Ok(Progress::Again),
            _ => Ok(Progress::Other),
        }
    }
}
