//! Tricks: faster ways through the inside of the interpreter, each of which ferrio can do without.
//!
//! A trick is in use only if nothing rules it out: the environment variable `FERRIO_PORTABLE`, an interpreter that is newer than the newest one
//! that ferrio knows, or a proof that has failed at import or at first use. Without a trick, ferrio takes the documented interface that does
//! the same. ARCHITECTURE.md has the table of all tricks, also of those that have no documented counterpart.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use pyo3::exceptions::PyImportError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The newest version of CPython on which all tricks were tested: major and minor number, as in `sys.hexversion`.
const NEWEST: u32 = 0x030f;

/// The environment variable that turns tricks off: `1` for all of them, `0` for none on any interpreter, or names with commas in between.
const VARIABLE: &str = "FERRIO_PORTABLE";

/// A bit for each trick that is not in use.
static OFF: AtomicU32 = AtomicU32::new(0);

/// A trick that can be turned off.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Trick {
    /// Slots of type objects that PyO3 cannot fill: `am_send`, `am_await`, `tp_iternext`.
    Slots = 1,
    /// Functions that stand in the method definitions that PyO3 has made, and vectorcall for coroutine functions.
    Calls = 1 << 1,
    /// Objects whose memory is used again, or that the garbage collector is shown late.
    Recycling = 1 << 2,
    /// The fields in which the standard library keeps a thread's running loop and current task.
    CurrentTask = 1 << 3,
    /// The versions that the interpreter's method cache gives to classes.
    ClassVersions = 1 << 4,
    /// The OpenSSL connection behind an `ssl.SSLObject`.
    OpenSsl = 1 << 5,
    /// The class of asyncio's registry of tasks.
    AllTasks = 1 << 6,
}

/// All tricks, with the names that `FERRIO_PORTABLE` has for them.
const ALL: [(&str, Trick); 7] = [
    ("slots", Trick::Slots),
    ("calls", Trick::Calls),
    ("recycling", Trick::Recycling),
    ("current-task", Trick::CurrentTask),
    ("class-versions", Trick::ClassVersions),
    ("openssl", Trick::OpenSsl),
    ("all-tasks", Trick::AllTasks),
];

impl Trick {
    /// Whether the trick may be used.
    #[inline]
    pub fn is_allowed(self) -> bool {
        OFF.load(Relaxed) & self as u32 == 0
    }

    /// Turns the trick off, because its proof has failed.
    #[cold]
    pub fn turn_off(self) {
        OFF.fetch_or(self as u32, Relaxed);
    }
}

/// Decides which tricks may be used. Comes before anything else is installed.
///
/// Raises `ImportError` if `FERRIO_PORTABLE` names an unknown trick.
pub fn choose_tricks(py: Python<'_>) -> PyResult<()> {
    let default = if is_newer(py)? { u32::MAX } else { 0 };
    let value = std::env::var_os(VARIABLE).unwrap_or_default();
    let off = match value.to_string_lossy().trim() {
        "" => default,
        "0" => 0,
        "1" => u32::MAX,
        names => default | bits_of(names)?,
    };
    OFF.store(off, Relaxed);
    Ok(())
}

/// Whether the interpreter is newer than the newest known one.
fn is_newer(py: Python<'_>) -> PyResult<bool> {
    let version: u32 = py
        .import("sys")?
        .getattr(intern!(py, "hexversion"))?
        .extract()?;
    Ok(version >> 16 > NEWEST)
}

/// Returns the bits of the tricks whose names a value of `FERRIO_PORTABLE` lists.
fn bits_of(value: &str) -> PyResult<u32> {
    let mut bits = 0;
    for name in value.split(',').map(str::trim) {
        let Some((_, trick)) = ALL.iter().find(|(known, _)| *known == name) else {
            let known = ALL.map(|(name, _)| name).join(", ");
            return Err(PyImportError::new_err(format!(
                "the environment variable {VARIABLE} is {value:?}, but {name:?} is not the name of a trick. It has to be \
                 0, 1, or names with commas in between, of these: {known}"
            )));
        };
        bits |= *trick as u32;
    }
    Ok(bits)
}

/// Returns a dictionary that says of each trick whether it is in use.
pub fn tricks(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let names = PyDict::new(py);
    for (name, trick) in ALL {
        names.set_item(name, trick.is_allowed())?;
    }
    Ok(names)
}
