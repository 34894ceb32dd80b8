//! Overrides: methods that a subclass has, or that a program has put in place of the loop's own or of asyncio's
//! (`ferrio._patches`). Everything then goes through them, as in asyncio, and not straight to the native code.
//!
//! They are looked for when a loop is made, when an attribute is set on the loop, and whenever its class has changed. To
//! notice a change of the class, an iteration compares the class version with the one at the last look. The same
//! comparison tells the iteration that none of its parts is overridden.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use super::Loop;
use crate::cpython::tricks::Trick;
use crate::{base::imports, cpython, kernel::handle};

const CALL_SOON: u8 = 1;
const CALL_LATER: u8 = 1 << 1;
const CALL_AT: u8 = 1 << 2;
const TIME: u8 = 1 << 3;
const CREATE_TASK: u8 = 1 << 4;
const CREATE_FUTURE: u8 = 1 << 5;
const RUN_ONCE: u8 = 1 << 6;
/// `time` is not overridden, but `time.monotonic` was replaced at the last look.
const CLOCK: u8 = 1 << 7;

const METHODS: [(&str, u8); 7] = [
    ("call_soon", CALL_SOON),
    ("call_later", CALL_LATER),
    ("call_at", CALL_AT),
    ("time", TIME),
    ("create_task", CREATE_TASK),
    ("create_future", CREATE_FUTURE),
    ("_run_once", RUN_ONCE),
];

/// A version that no class has: the interpreter's counter ends long before.
const NO_VERSION: u32 = u32::MAX;

/// The number of iterations after which a class without a version is looked at again; a divisor of 256.
const LOOK_EVERY: u8 = 64;

/// A part of an iteration that can be overridden.
#[derive(Clone, Copy)]
pub enum Part {
    /// `_process_events`.
    Events = 1,
    /// `_selector`, or its `select`.
    Selector = 2,
    /// `_scheduled`: the timers are in a list that a program has.
    Timers = 4,
}

/// The methods and parts of a loop that are overridden.
#[derive(Default)]
pub struct Overrides {
    /// A bit for each of [`METHODS`], and [`CLOCK`].
    methods: AtomicU8,
    /// A set of [`Part`].
    parts: AtomicU8,
    /// The version of the class at the last look; 0 for none.
    seen: AtomicU32,
    /// The number of iterations since the last look at a class without a version, modulo 256.
    passed: AtomicU8,
    /// The same as `seen` if no part of an iteration is overridden, else [`NO_VERSION`].
    plain: AtomicU32,
}

impl Overrides {
    /// Finds the overrides of a class.
    pub fn of_class(cls: &Bound<'_, PyType>) -> PyResult<Self> {
        let overrides = Self::default();
        overrides.look_at(cls, None)?;
        // The version of a class is read through an instance, so the first iteration looks again.
        overrides.plain.store(NO_VERSION, Relaxed);
        Ok(overrides)
    }

    /// Looks for overrides in a class, and in the dictionary of a loop of this class.
    fn look_at(
        &self,
        cls: &Bound<'_, PyType>,
        loop_dict: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let py = cls.py();
        let native = py.get_type::<Loop>().into_any();
        let replaced = |name: &str, original: &Bound<'_, PyAny>| {
            let on_loop = match loop_dict {
                Some(dict) => dict.contains(name)?,
                None => false,
            };
            PyResult::Ok(on_loop || !cls.getattr(name)?.is(original.getattr(name)?))
        };
        let mut methods = self.methods.load(Relaxed) & CLOCK;
        for (name, bit) in METHODS {
            if replaced(name, &native)? {
                methods |= bit;
            }
        }
        self.methods.store(methods, Relaxed);
        let selector_loop = imports::base_selector_event_loop(py)?;
        self.set_part(Part::Events, replaced("_process_events", selector_loop)?);
        Ok(())
    }

    #[inline]
    fn any(&self, methods: u8) -> bool {
        self.methods.load(Relaxed) & methods != 0
    }

    fn set_part(&self, part: Part, overridden: bool) {
        let (parts, bit) = (self.parts.load(Relaxed), part as u8);
        let parts = if overridden {
            parts | bit
        } else {
            parts & !bit
        };
        self.parts.store(parts, Relaxed);
    }

    /// Whether it is time to look again at a class that has no version. That is rare: the interpreter gives a class a
    /// thousand versions, which only programs use up that patch the class again and again.
    fn is_due(&self) -> bool {
        let count = self.passed.load(Relaxed).wrapping_add(1);
        self.passed.store(count, Relaxed);
        count.is_multiple_of(LOOK_EVERY)
    }

    /// Whether no part of an iteration is overridden.
    fn is_plain(&self) -> bool {
        !self.any(TIME | RUN_ONCE) && self.parts.load(Relaxed) == 0
    }
}

impl Loop {
    /// Whether a method that schedules, or `create_future`, is overridden, so that everything has to go through it.
    #[inline]
    pub fn overrides_scheduling(&self) -> bool {
        self.overrides
            .any(CALL_SOON | CALL_LATER | CALL_AT | TIME | CREATE_FUTURE)
    }

    /// Whether `call_soon` is overridden.
    #[inline]
    pub fn overrides_call_soon(&self) -> bool {
        self.overrides.any(CALL_SOON)
    }

    /// Whether `call_at` is overridden.
    #[inline]
    pub fn overrides_call_at(&self) -> bool {
        self.overrides.any(CALL_AT)
    }

    /// Whether `create_task` is overridden.
    #[inline]
    pub fn overrides_create_task(&self) -> bool {
        self.overrides.any(CREATE_TASK)
    }

    /// Whether `time` is overridden, or the clock was replaced at the last look.
    #[inline]
    pub fn overrides_time(&self) -> bool {
        self.overrides.any(TIME | CLOCK)
    }

    /// Whether the loop's time is that of the system's clock.
    #[inline]
    pub fn has_system_time(&self) -> bool {
        !self.overrides_time() && cpython::clock_is_untouched()
    }

    /// Looks whether the clock was replaced. Returns whether the loop's time differs from the system's.
    pub(super) fn look_at_clock(&self, py: Python<'_>) -> PyResult<bool> {
        let replaced = cpython::clock_is_replaced(py)?;
        let methods = self.overrides.methods.load(Relaxed) & !CLOCK;
        let methods = if replaced { methods | CLOCK } else { methods };
        self.overrides.methods.store(methods, Relaxed);
        Ok(self.overrides_time())
    }

    /// Whether `_run_once` is overridden.
    pub(super) fn overrides_run_once(&self) -> bool {
        self.overrides.any(RUN_ONCE)
    }

    /// Whether any [`Part`] of an iteration is overridden.
    pub(super) fn overrides_parts(&self) -> bool {
        self.overrides.parts.load(Relaxed) != 0
    }

    /// Whether nothing in an iteration is overridden. The clock is not considered.
    #[inline]
    pub(super) fn iterates_plainly(slf: &Bound<'_, Self>) -> bool {
        class_version(slf) == slf.get().overrides.plain.load(Relaxed)
    }

    /// Looks for overrides if the class has changed, and for a replaced `asyncio.Handle._run`.
    pub(super) fn look_for_overrides(slf: &Bound<'_, Self>) -> PyResult<()> {
        handle::look_at_run(slf.py())?;
        let version = class_version(slf);
        let overrides = &slf.get().overrides;
        let known = version == overrides.seen.load(Relaxed) && Trick::ClassVersions.is_allowed();
        if known && (version != 0 || !overrides.is_due()) {
            return Ok(());
        }
        Self::look_again(slf)
    }

    /// Looks for overrides in the loop and its class.
    pub(super) fn look_again(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // Copies a program's patches of asyncio's classes into the loop's class.
        imports::obey_patches(py)?.call0()?;
        let dict = slf.getattr(intern!(py, "__dict__"))?.cast_into()?;
        me.overrides.look_at(&slf.get_type(), Some(&dict))?;
        let overridden = me.overrides_select(py)?;
        me.overrides.set_part(Part::Selector, overridden);
        if !me.overrides_time() {
            me.core(py, |core| core.set_own_time(None));
        }
        let seen = if cpython::versions_hold(py)? {
            class_version(slf)
        } else {
            0
        };
        me.overrides.seen.store(seen, Relaxed);
        Self::note_parts(slf);
        Ok(())
    }

    /// Notes whether a part of iterations is overridden.
    pub(super) fn set_overridden_part(slf: &Bound<'_, Self>, part: Part, overridden: bool) {
        slf.get().overrides.set_part(part, overridden);
        Self::note_parts(slf);
    }

    /// Updates the version that [`Loop::iterates_plainly`] compares.
    fn note_parts(slf: &Bound<'_, Self>) {
        let overrides = &slf.get().overrides;
        let version = overrides.seen.load(Relaxed);
        let known = overrides.is_plain() && version != 0;
        let plain = if known { version } else { NO_VERSION };
        overrides.plain.store(plain, Relaxed);
    }

    /// Looks for overrides after the loop's attribute was set or deleted, if it may be one.
    fn note_attribute(slf: &Bound<'_, Self>, name: &Bound<'_, PyAny>) -> PyResult<()> {
        let name: &str = name.extract()?;
        let matters = METHODS.iter().any(|(method, _)| *method == name)
            || matches!(name, "_process_events" | "__class__");
        if matters {
            Self::look_again(slf)
        } else {
            Ok(())
        }
    }
}

/// Returns the version of the loop's class; 0 while it has none.
#[inline]
fn class_version(event_loop: &Bound<'_, Loop>) -> u32 {
    cpython::class_version(event_loop).map_or(0, NonZeroU32::get)
}

#[pymethods]
impl Loop {
    fn __setattr__(
        slf: &Bound<'_, Self>,
        name: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        cpython::generic_set_attribute(slf.as_any(), name, Some(value))?;
        Self::note_attribute(slf, name)
    }

    fn __delattr__(slf: &Bound<'_, Self>, name: &Bound<'_, PyAny>) -> PyResult<()> {
        cpython::generic_set_attribute(slf.as_any(), name, None)?;
        Self::note_attribute(slf, name)
    }
}

/// Returns the loop if it is a ferrio loop whose heap and queue may be used without its methods.
///
/// That is not so if a subclass overrides the methods that schedule, or if a program has replaced `asyncio.Handle._run`:
/// then each timer needs a handle.
pub fn native_loop<'a, 'py>(event_loop: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, Loop>> {
    let event_loop = event_loop.cast::<Loop>().ok()?;
    let is_plain = !event_loop.get().overrides_scheduling() && !handle::run_was_replaced();
    is_plain.then_some(event_loop)
}
