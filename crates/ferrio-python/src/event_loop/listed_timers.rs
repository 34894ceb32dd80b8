//! `_scheduled`: the timers in a list that is a heap, as asyncio keeps them, for programs that look at them or take them out.
//!
//! Whoever asks for the list gets all timers in it, as handles. As long as anybody has it, it is where the timers are: those
//! that are scheduled meanwhile are put into it when it is looked at and in each iteration. When nobody has it any more
//! they are taken back.

use std::collections::HashMap;

use ferrio::{LoopCore, Time, TimerKey};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::overrides::Part;
use super::queued::Queued;
use super::{Callback, Loop};
use crate::handle::{Parts, TimerHandle, When};
use crate::{ffi, imports};

/// Lists that are no longer than this keep what was cancelled; asyncio's `_MIN_SCHEDULED_TIMER_HANDLES`.
const MIN_SCHEDULED: usize = 100;

/// The timers that are in the list.
#[derive(Default)]
pub struct ListedTimers {
    list: Option<Py<PyList>>,
    /// The handles of timers that had none, by which their owners take them back.
    handles: HashMap<TimerKey, Py<TimerHandle>>,
    /// How many in the list were cancelled.
    cancelled: usize,
}

impl ListedTimers {
    /// Shows the references to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.list)?;
        self.handles
            .values()
            .try_for_each(|handle| visit.call(handle))
    }
}

impl Loop {
    /// Takes a timer out; the caller drops what it gets.
    pub fn cancel_timer(&self, py: Python<'_>, key: TimerKey) -> PyResult<Option<Callback>> {
        let timer = self.core(py, |core| core.cancel(key));
        if timer.is_none()
            && let Some(handle) = self.take_handle(py, key)
        {
            TimerHandle::cancel(handle.bind(py))?;
        }
        Ok(timer)
    }

    /// Whether a timer is still scheduled: neither cancelled nor due.
    pub fn is_scheduled(&self, py: Python<'_>, key: TimerKey) -> bool {
        self.core(py, |core| core.is_scheduled(key))
            || (self.listed_timers).with(py, |timers| timers.handles.contains_key(&key))
    }

    /// Forgets a timer that runs from the list. Returns whether it was there: else its owner has taken it back.
    pub(super) fn forget_listed_timer(&self, py: Python<'_>, key: TimerKey) -> bool {
        self.take_handle(py, key).is_some()
    }

    fn take_handle(&self, py: Python<'_>, key: TimerKey) -> Option<Py<TimerHandle>> {
        (self.listed_timers).with(py, |timers| timers.handles.remove(&key))
    }

    /// The list, if anybody may have it.
    fn timer_list<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyList>> {
        (self.listed_timers).with(py, |timers| Some(timers.list.as_ref()?.bind(py).clone()))
    }

    /// Puts what was scheduled since the last time into the list.
    fn list_timers(slf: &Bound<'_, Self>, list: &Bound<'_, PyList>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // In the order of their times: what an empty list gets is a heap.
        for timer in me.core(py, LoopCore::take_timers) {
            let entry = match timer.payload {
                Callback::Handle(handle) => handle.into_bound(py).into_any(),
                Callback::Foreign(handle) => handle.into_bound(py),
                payload => {
                    let queued = Queued::create(slf, payload, Some(timer.key))?;
                    let parts = Parts::new(slf, queued, PyTuple::empty(py), None)?;
                    let when = When::Float(timer.at.as_secs_f64());
                    let handle = TimerHandle::create(parts, when)?;
                    let known = handle.clone().unbind();
                    let old = (me.listed_timers)
                        .with(py, |timers| timers.handles.insert(timer.key, known));
                    drop(old);
                    handle.into_any()
                }
            };
            if let Ok(handle) = entry.cast::<TimerHandle>() {
                handle.get().set_listed(py);
            }
            imports::heappush(py)?.call1((list, entry))?;
        }
        Ok(())
    }

    /// Has the loop keep its timers itself again, if nobody has the list any more.
    pub(super) fn take_timers_back(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let unused = (me.listed_timers).with(py, |timers| {
            let unused = |list: &Py<PyList>| ffi::is_only_reference(py, list);
            if timers.list.as_ref().is_some_and(unused) {
                timers.cancelled = 0;
                timers.list.take()
            } else {
                None
            }
        });
        let Some(list) = unused else {
            return Ok(());
        };
        Self::set_own_part(slf, Part::Timers, false);
        let list = list.into_bound(py);
        list.sort()?;
        Self::schedule_all(slf, &list)
    }

    /// Schedules handles that the list had.
    fn schedule_all(slf: &Bound<'_, Self>, handles: &Bound<'_, PyList>) -> PyResult<()> {
        let py = slf.py();
        for handle in handles {
            if is_cancelled(&handle)? {
                handle.setattr(intern!(py, "_scheduled"), false)?;
                continue;
            }
            let at = Time::from_secs_f64(time_of(&handle)?);
            let payload = Callback::of_handle(&handle);
            let key = slf.get().core(py, |core| core.schedule(at, payload));
            if let Ok(handle) = handle.cast::<TimerHandle>() {
                handle.get().set_key(py, key);
            }
        }
        Ok(())
    }

    /// When the first timer in the list is due, after cancelled ones have left it by asyncio's rule.
    pub(super) fn next_listed_time(slf: &Bound<'_, Self>) -> PyResult<Option<f64>> {
        let py = slf.py();
        let me = slf.get();
        let Some(list) = me.timer_list(py) else {
            // Timers are the loop's own.
            return Ok(me.core(py, LoopCore::next_timer).map(Time::as_secs_f64));
        };
        Self::list_timers(slf, &list)?;
        let cancelled = me.listed_timers.with(py, |timers| timers.cancelled);
        if list.len() > MIN_SCHEDULED && cancelled * 2 > list.len() {
            Self::drop_cancelled(slf, &list)?;
        }
        while let Ok(first) = list.get_item(0) {
            if !is_cancelled(&first)? {
                return Ok(Some(time_of(&first)?));
            }
            me.note_cancelled(py, |cancelled| cancelled.saturating_sub(1));
            Self::pop_listed(&list)?;
        }
        Ok(None)
    }

    /// Takes all cancelled timers out of the list.
    fn drop_cancelled(slf: &Bound<'_, Self>, list: &Bound<'_, PyList>) -> PyResult<()> {
        let py = slf.py();
        let kept = PyList::empty(py);
        for entry in list.iter() {
            if is_cancelled(&entry)? {
                entry.setattr(intern!(py, "_scheduled"), false)?;
            } else {
                kept.append(entry)?;
            }
        }
        imports::heapify(py)?.call1((&kept,))?;
        list.set_slice(0, list.len(), &kept)?;
        slf.get().note_cancelled(py, |_| 0);
        Ok(())
    }

    /// Queues the timers that are due, by asyncio's rule: up to the clock's resolution early. Clocks for tests advance by what
    /// the selector was told to wait, and leave it to this rule that the sum is not exact.
    pub(super) fn queue_due_timers(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let resolution: f64 = slf.getattr(intern!(py, "_clock_resolution"))?.extract()?;
        let end = Self::now(slf)? + resolution;
        let Some(list) = me.timer_list(py) else {
            let has_own_time = me.has_own_time();
            me.core(py, |core| {
                core.set_own_time(Some(Time::from_secs_f64(end)));
                core.queue_due_timers();
                if !has_own_time {
                    core.set_own_time(None);
                }
            });
            return Ok(());
        };
        Self::list_timers(slf, &list)?;
        while let Ok(first) = list.get_item(0)
            && time_of(&first)? < end
        {
            let timer = Self::pop_listed(&list)?;
            me.push(py, Callback::of_handle(&timer));
        }
        Ok(())
    }

    fn pop_listed<'py>(list: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyAny>> {
        let py = list.py();
        let timer = imports::heappop(py)?.call1((list,))?;
        timer.setattr(intern!(py, "_scheduled"), false)?;
        Ok(timer)
    }

    fn note_cancelled(&self, py: Python<'_>, count: impl FnOnce(usize) -> usize) {
        self.listed_timers
            .with(py, |timers| timers.cancelled = count(timers.cancelled));
    }

    /// Gives up what closing makes useless.
    pub(super) fn close_listed_timers(&self, py: Python<'_>) {
        let old = self.listed_timers.take(py);
        drop(old);
    }
}

fn is_cancelled(timer: &Bound<'_, PyAny>) -> PyResult<bool> {
    timer
        .getattr(intern!(timer.py(), "_cancelled"))?
        .is_truthy()
}

fn time_of(timer: &Bound<'_, PyAny>) -> PyResult<f64> {
    timer.getattr(intern!(timer.py(), "_when"))?.extract()
}

#[pymethods]
impl Loop {
    #[getter(_scheduled)]
    fn get_scheduled<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyList>> {
        let py = slf.py();
        let me = slf.get();
        if let Some(list) = me.timer_list(py) {
            Self::list_timers(slf, &list)?;
            return Ok(list);
        }
        let list = imports::timer_list(py)?.call1((slf,))?;
        let list: Bound<'py, PyList> = list.cast_into()?;
        if !me.closed() {
            Self::use_timer_list(slf, &list);
            Self::list_timers(slf, &list)?;
        }
        Ok(list)
    }

    /// Timers that a program puts in the place of all that are scheduled.
    #[setter(_scheduled)]
    fn set_scheduled(slf: &Bound<'_, Self>, timers: &Bound<'_, PyList>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let old = (
            me.core(py, LoopCore::take_timers),
            me.listed_timers.take(py),
        );
        drop(old);
        Self::set_own_part(slf, Part::Timers, false);
        Self::schedule_all(slf, timers)
    }

    #[pyo3(name = "_list_timers")]
    fn list_new_timers(slf: &Bound<'_, Self>, list: &Bound<'_, PyList>) -> PyResult<()> {
        match slf.get().timer_list(slf.py()) {
            Some(current) if current.is(list) => Self::list_timers(slf, list),
            _ => Ok(()),
        }
    }

    #[getter(_timer_cancelled_count)]
    fn get_timer_cancelled_count(&self, py: Python<'_>) -> usize {
        if self.timer_list(py).is_some() {
            self.listed_timers.with(py, |timers| timers.cancelled)
        } else {
            self.core(py, |core| core.cancelled_timers())
        }
    }

    #[setter(_timer_cancelled_count)]
    fn set_timer_cancelled_count(&self, py: Python<'_>, count: usize) {
        self.note_cancelled(py, |_| count);
    }
}

impl Loop {
    fn use_timer_list(slf: &Bound<'_, Self>, list: &Bound<'_, PyList>) {
        let py = slf.py();
        let list = list.clone().unbind();
        let old = (slf.get().listed_timers).with(py, |timers| timers.list.replace(list));
        drop(old);
        Self::set_own_part(slf, Part::Timers, true);
    }
}
