//! Methods that a subclass or a program has put in place of the loop's own, or of asyncio's (`ferrio._patches`): then
//! everything goes through them, as in asyncio, instead of straight to what they do.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::Loop;
use crate::ffi;

/// Which of the methods that others are called through are not the loop's own: a bit for each.
#[derive(Default)]
pub struct Overrides(AtomicU8);

const CALL_SOON: u8 = 1;
const CALL_LATER: u8 = 1 << 1;
const CALL_AT: u8 = 1 << 2;
const TIME: u8 = 1 << 3;
const CREATE_TASK: u8 = 1 << 4;
const CREATE_FUTURE: u8 = 1 << 5;
/// `time` is the loop's own, but the clock that it reads was another when the loop last looked.
const CLOCK: u8 = 1 << 6;

const METHODS: [(&str, u8); 6] = [
    ("call_soon", CALL_SOON),
    ("call_later", CALL_LATER),
    ("call_at", CALL_AT),
    ("time", TIME),
    ("create_task", CREATE_TASK),
    ("create_future", CREATE_FUTURE),
];

impl Overrides {
    /// Those of a class.
    pub fn of_class(cls: &Bound<'_, PyType>) -> PyResult<Self> {
        let own = cls.py().get_type::<Loop>();
        let mut bits = 0;
        for (name, bit) in METHODS {
            if !cls.getattr(name)?.is(own.getattr(name)?) {
                bits |= bit;
            }
        }
        Ok(Self(bits.into()))
    }

    /// Those of one loop, which may have some that its class has not.
    fn of_loop(slf: &Bound<'_, Loop>) -> PyResult<Self> {
        let overrides = Self::of_class(&slf.get_type())?;
        let attributes = slf.as_any().getattr(intern!(slf.py(), "__dict__"))?;
        for (name, bit) in METHODS {
            if attributes.contains(name)? {
                overrides.set(bit);
            }
        }
        Ok(overrides)
    }

    #[inline]
    fn any(&self, bits: u8) -> bool {
        self.0.load(Relaxed) & bits != 0
    }

    fn set(&self, bits: u8) {
        self.0.store(self.0.load(Relaxed) | bits, Relaxed);
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
        !self.has_own_time() && ffi::clock_is_untouched()
    }

    /// Whether an iteration has nothing to do but what the engine does: the time is what the system's clock says, and all
    /// timers are in the engine.
    #[inline]
    pub(super) fn iterates_plainly(&self) -> bool {
        !self.overrides.any(TIME | CLOCK | CALL_AT) && ffi::clock_is_untouched()
    }

    /// Looks whether the time is another than the system's clock says.
    pub(super) fn look_at_clock(&self, py: Python<'_>) -> PyResult<bool> {
        let replaced = ffi::clock_is_replaced(py)?;
        let bits = self.overrides.0.load(Relaxed) & !CLOCK;
        let bits = if replaced { bits | CLOCK } else { bits };
        self.overrides.0.store(bits, Relaxed);
        Ok(self.has_own_time())
    }

    /// Looks again which methods are not the loop's own.
    fn look_at_overrides(slf: &Bound<'_, Self>) -> PyResult<()> {
        let bits = Overrides::of_loop(slf)?.0.into_inner();
        let me = slf.get();
        let clock = me.overrides.0.load(Relaxed) & CLOCK;
        me.overrides.0.store(bits | clock, Relaxed);
        if !me.has_own_time() {
            me.core(slf.py(), |core| core.set_own_time(None));
        }
        Ok(())
    }
}

#[pymethods]
impl Loop {
    fn __setattr__(
        slf: &Bound<'_, Self>,
        name: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        ffi::generic_set_attribute(slf.as_any(), name, Some(value))?;
        let name: &str = name.extract()?;
        if name == "__class__" {
            return Self::look_at_overrides(slf);
        }
        let method = METHODS.iter().find(|(method, _)| *method == name);
        if let Some(&(_, bit)) = method {
            slf.get().overrides.set(bit);
        }
        Ok(())
    }

    fn __delattr__(slf: &Bound<'_, Self>, name: &Bound<'_, PyAny>) -> PyResult<()> {
        ffi::generic_set_attribute(slf.as_any(), name, None)?;
        Self::look_at_overrides(slf)
    }
}
