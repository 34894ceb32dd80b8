//! Methods that a subclass or a program has put in place of the loop's own, or of asyncio's (`ferrio._patches`): then
//! everything goes through them, as in asyncio, instead of straight to what they do.
//!
//! They are looked for when a loop is made, when something is put on the loop, and whenever its class has changed. To notice the
//! last, an iteration compares the version of the class with the version that was looked at. The same comparison tells it
//! that nothing that it does is anybody's but the loop's own.

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
/// `time` is the loop's own, but the clock that it reads was another when the loop last looked.
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

/// A version that no class has: `PyType_Modified` counts up, and ends long before.
const NO_VERSION: u32 = u32::MAX;

/// After how many iterations a class without a version is looked at again; a divisor of 256.
const LOOK_EVERY: u8 = 64;

/// Parts of an iteration that are not the loop's own.
#[derive(Clone, Copy)]
pub enum Part {
    /// `_process_events`.
    Events = 1,
    /// `_selector`, or its `select`.
    Selector = 2,
    /// `_scheduled`: timers are in a list that a program has.
    Timers = 4,
}

/// Which of the methods that others are called through are not the loop's own.
#[derive(Default)]
pub struct Overrides {
    /// A bit for each of [`METHODS`], and [`CLOCK`].
    methods: AtomicU8,
    /// A set of [`Part`].
    parts: AtomicU8,
    /// The version of the class when it was looked at last.
    seen: AtomicU32,
    /// How many iterations have not looked at a class without a version.
    passed: AtomicU8,
    /// The same as `seen` if iterations are the loop's own in all they do, else [`NO_VERSION`].
    plain: AtomicU32,
}

impl Overrides {
    /// Those of a class.
    pub fn of_class(cls: &Bound<'_, PyType>) -> PyResult<Self> {
        let overrides = Self::default();
        overrides.look_at(cls, None)?;
        // The first iteration looks again: only an object tells the version of its class.
        overrides.plain.store(NO_VERSION, Relaxed);
        Ok(overrides)
    }

    /// Looks at a class, and at what a loop of it has of its `own`.
    fn look_at(&self, cls: &Bound<'_, PyType>, own: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        let py = cls.py();
        let native = py.get_type::<Loop>().into_any();
        let replaced = |name: &str, original: &Bound<'_, PyAny>| {
            let on_loop = match own {
                Some(own) => own.contains(name)?,
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

    fn set_part(&self, part: Part, own: bool) {
        let (parts, bit) = (self.parts.load(Relaxed), part as u8);
        let parts = if own { parts | bit } else { parts & !bit };
        self.parts.store(parts, Relaxed);
    }

    /// Whether to look again at a class that has no version. The interpreter gives a class some thousand of them, which only
    /// programs use up that patch it again and again.
    fn is_due(&self) -> bool {
        let count = self.passed.load(Relaxed).wrapping_add(1);
        self.passed.store(count, Relaxed);
        count.is_multiple_of(LOOK_EVERY)
    }

    fn is_plain(&self) -> bool {
        !self.any(TIME | RUN_ONCE) && self.parts.load(Relaxed) == 0
    }
}

impl Loop {
    /// Whether something that schedules, or makes what is waited for, is not the loop's own, so that everything has to go
    /// through it.
    #[inline]
    pub fn schedules_itself(&self) -> bool {
        self.overrides
            .any(CALL_SOON | CALL_LATER | CALL_AT | TIME | CREATE_FUTURE)
    }

    /// Whether `call_soon` is not the loop's own.
    #[inline]
    pub fn has_own_call_soon(&self) -> bool {
        self.overrides.any(CALL_SOON)
    }

    /// Whether `call_at` is not the loop's own.
    #[inline]
    pub fn has_own_call_at(&self) -> bool {
        self.overrides.any(CALL_AT)
    }

    /// Whether `create_task` is not the loop's own.
    #[inline]
    pub fn creates_tasks_itself(&self) -> bool {
        self.overrides.any(CREATE_TASK)
    }

    /// Whether the time is another than the system's clock says, as far as the loop knows.
    #[inline]
    pub fn has_own_time(&self) -> bool {
        self.overrides.any(TIME | CLOCK)
    }

    /// Whether the time is what the system's clock says.
    #[inline]
    pub fn has_system_time(&self) -> bool {
        !self.has_own_time() && cpython::clock_is_untouched()
    }

    /// Looks whether the time is another than the system's clock says.
    pub(super) fn look_at_clock(&self, py: Python<'_>) -> PyResult<bool> {
        let replaced = cpython::clock_is_replaced(py)?;
        let methods = self.overrides.methods.load(Relaxed) & !CLOCK;
        let methods = if replaced { methods | CLOCK } else { methods };
        self.overrides.methods.store(methods, Relaxed);
        Ok(self.has_own_time())
    }

    /// Whether `_run_once` is not the loop's own.
    pub(super) fn has_own_iteration(&self) -> bool {
        self.overrides.any(RUN_ONCE)
    }

    /// Whether an iteration has to go through parts that are not the loop's own.
    pub(super) fn has_own_parts(&self) -> bool {
        self.overrides.parts.load(Relaxed) != 0
    }

    /// Whether nothing that an iteration does is anybody's but the loop's own. The clock is looked at separately.
    #[inline]
    pub(super) fn iterates_plainly(slf: &Bound<'_, Self>) -> bool {
        class_version(slf) == slf.get().overrides.plain.load(Relaxed)
    }

    /// Looks at the class if that has changed, and at asyncio's handles.
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

    pub(super) fn look_again(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // Puts what was put into asyncio's classes into the loop's.
        imports::obey_patches(py)?.call0()?;
        let own = slf.getattr(intern!(py, "__dict__"))?.cast_into()?;
        me.overrides.look_at(&slf.get_type(), Some(&own))?;
        let own_select = me.has_own_select(py)?;
        me.overrides.set_part(Part::Selector, own_select);
        if !me.has_own_time() {
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

    /// Notes that a part of iterations is the loop's own or not.
    pub(super) fn set_own_part(slf: &Bound<'_, Self>, part: Part, own: bool) {
        slf.get().overrides.set_part(part, own);
        Self::note_parts(slf);
    }

    fn note_parts(slf: &Bound<'_, Self>) {
        let overrides = &slf.get().overrides;
        let version = overrides.seen.load(Relaxed);
        let known = overrides.is_plain() && version != 0;
        let plain = if known { version } else { NO_VERSION };
        overrides.plain.store(plain, Relaxed);
    }

    /// Takes what was put on the loop, or taken from it, into account.
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

/// The version of the loop's class; 0 while it has none.
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
