//! Methods that a subclass or a program has put in place of the loop's own: then everything goes through them, as in
//! asyncio, instead of straight to what they do.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::prelude::*;
use pyo3::types::PyType;

use super::Loop;
use crate::ffi;

/// Which of the methods that others are called through are not the loop's own.
#[derive(Default)]
pub struct Overrides {
    call_soon: AtomicBool,
    create_task: AtomicBool,
    time: AtomicBool,
}

impl Overrides {
    /// Those of a class.
    pub fn of_class(cls: &Bound<'_, PyType>) -> PyResult<Self> {
        let own = cls.py().get_type::<Loop>();
        let overrides = |name| PyResult::Ok(!cls.getattr(name)?.is(own.getattr(name)?));
        Ok(Self {
            call_soon: overrides("call_soon")?.into(),
            create_task: overrides("create_task")?.into(),
            time: overrides("time")?.into(),
        })
    }

    /// Notes what was put on one loop.
    fn set(&self, name: &str) {
        match name {
            "call_soon" => self.call_soon.store(true, Relaxed),
            "create_task" => self.create_task.store(true, Relaxed),
            "time" => self.time.store(true, Relaxed),
            _ => {}
        }
    }

    /// Notes that something was taken away from one loop, whose class has `others`.
    fn reset(&self, others: &Self) {
        let copy = |mine: &AtomicBool, other: &AtomicBool| mine.store(other.load(Relaxed), Relaxed);
        copy(&self.call_soon, &others.call_soon);
        copy(&self.create_task, &others.create_task);
        copy(&self.time, &others.time);
    }
}

impl Loop {
    /// Whether `call_soon` or `time` is not the loop's own, so that everything has to go through them.
    #[inline]
    pub fn schedules_itself(&self) -> bool {
        self.overrides.call_soon.load(Relaxed) || self.has_own_time()
    }

    /// Whether `create_task` is not the loop's own.
    #[inline]
    pub fn creates_tasks_itself(&self) -> bool {
        self.overrides.create_task.load(Relaxed)
    }

    /// Whether `time` is not the loop's own.
    #[inline]
    pub fn has_own_time(&self) -> bool {
        self.overrides.time.load(Relaxed)
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
        slf.get().overrides.set(name.extract()?);
        Ok(())
    }

    fn __delattr__(slf: &Bound<'_, Self>, name: &Bound<'_, PyAny>) -> PyResult<()> {
        ffi::generic_set_attribute(slf.as_any(), name, None)?;
        let (me, class) = (slf.get(), Overrides::of_class(&slf.get_type())?);
        me.overrides.reset(&class);
        if !me.has_own_time() {
            me.core(slf.py(), |core| core.set_own_time(None));
        }
        Ok(())
    }
}
