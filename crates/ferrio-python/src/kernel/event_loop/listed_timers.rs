//! `_scheduled`: the timers in a list that is a heap, as asyncio keeps them, for programs that look at timers or remove
//! them.
//!
//! When a program asks for the list, all timers move into it, as handles. They stay there as long as the program has a
//! reference to the list: new timers go into the engine and move to the list in each iteration and whenever the program
//! looks at it. When only the loop has a reference to the list, the timers move back into the engine.

use std::collections::HashMap;

use ferrio::engine::{LoopCore, Time, TimerKey, has_too_many_cancelled};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple, PyWeakrefMethods, PyWeakrefReference};

use super::overrides::Part;
use super::queued::Queued;
use super::{Callback, Loop};
use crate::base::errors::leaves_the_loop;
use crate::kernel::handle::{HandleParts, TimerHandle, When};
use crate::{base::imports, cpython};

/// The list and the timers that are in it.
#[derive(Default)]
pub struct ListedTimers {
    list: Option<Py<PyList>>,
    /// Weak references to handles that were made for the list, by the keys with which the timers' owners cancel them. As
    /// in asyncio, a handle lives as long as it is in the list or in the queue. Its callable ([`Queued`]) removes the key
    /// when it goes away.
    handles: HashMap<TimerKey, Py<PyWeakrefReference>>,
    /// The number of cancelled timers in the list.
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
    /// Cancels a timer, wherever it is. Returns the payload of one that was in the engine, for the caller to drop.
    pub fn cancel_timer(&self, py: Python<'_>, key: TimerKey) -> PyResult<Option<Callback>> {
        let timer = self.core(py, |core| core.cancel(key));
        if timer.is_none()
            && let Some(handle) = self.take_handle(py, key)
            && let Some(handle) = handle.bind(py).upgrade_as::<TimerHandle>()?
        {
            TimerHandle::cancel(&handle)?;
        }
        Ok(timer)
    }

    /// Whether a timer is still scheduled: neither cancelled nor due.
    pub fn is_scheduled(&self, py: Python<'_>, key: TimerKey) -> bool {
        self.core(py, |core| core.is_scheduled(key))
            || (self.listed_timers).with(py, |timers| timers.handles.contains_key(&key))
    }

    /// Forgets a listed timer that runs now or never will. Returns `false` if its owner has cancelled it before.
    pub(super) fn forget_listed_timer(&self, py: Python<'_>, key: TimerKey) -> bool {
        self.take_handle(py, key).is_some()
    }

    fn take_handle(&self, py: Python<'_>, key: TimerKey) -> Option<Py<PyWeakrefReference>> {
        (self.listed_timers).with(py, |timers| timers.handles.remove(&key))
    }

    /// Returns the list while the timers are in it.
    fn timer_list<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyList>> {
        self.listed_timers
            .get_bound(py, |timers| timers.list.as_ref())
    }

    /// Moves the engine's timers into the list. A timer stays in the engine until its handle is made, so that none is lost
    /// if something raises.
    fn list_timers(slf: &Bound<'_, Self>, list: &Bound<'_, PyList>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // In the order of their times, so that an empty list becomes a heap.
        while let Some((at, key, payload)) = me.core(py, |core| {
            let (at, key, payload) = core.first_timer()?;
            Some((at, key, payload.duplicate(py)))
        }) {
            let (entry, made) = match payload {
                Callback::Handle(handle) => (handle.into_bound(py).into_any(), None),
                Callback::Foreign(handle) => (handle.into_bound(py), None),
                payload => {
                    let queued = Queued::create(slf, payload, Some(key))?;
                    let parts = HandleParts::new(slf, queued, PyTuple::empty(py), None)?;
                    let handle = TimerHandle::create(parts, When::Float(at.as_secs_f64()))?;
                    let weak = PyWeakrefReference::new(&handle)?.unbind();
                    (handle.into_any(), Some(weak))
                }
            };
            let taken = me.core(py, |core| core.cancel(key));
            if taken.is_none() {
                // Python code that ran in the meantime has cancelled the timer.
                continue;
            }
            let old = made.and_then(|weak| {
                (me.listed_timers).with(py, |timers| timers.handles.insert(key, weak))
            });
            drop((taken, old));
            if let Ok(handle) = entry.cast::<TimerHandle>() {
                handle.get().set_listed(py);
            }
            // If this raises because an entry of the list is not comparable, the new entry is in the list all the same.
            imports::heappush(py)?.call1((list, entry))?;
        }
        Ok(())
    }

    /// Moves the timers back into the engine, if nobody else has a reference to the list.
    pub(super) fn take_timers_back(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let is_unused = |list: &Py<PyList>| cpython::is_only_reference(py, list);
        let unused = (me.listed_timers).get_bound(py, |timers| {
            timers.list.as_ref().filter(|list| is_unused(list))
        });
        let Some(list) = unused else {
            return Ok(());
        };
        let timers = match by_time(&list) {
            Ok(timers) => timers,
            Err(error) if leaves_the_loop(py, &error) => return Err(error),
            // An entry of the list is no timer. The list stays, and an iteration raises when this entry is the first.
            Err(_) => return Ok(()),
        };
        drop(list);
        let unused = (me.listed_timers).with(py, |timers| {
            // Python code that ran in the meantime may have taken a reference to the list.
            timers.list.as_ref().filter(|list| is_unused(list))?;
            timers.cancelled = 0;
            timers.list.take()
        });
        if unused.is_some() {
            Self::set_overridden_part(slf, Part::Timers, false);
            Self::schedule_all(slf, timers);
        }
        drop(unused);
        Ok(())
    }

    /// Schedules handles from a list in the engine.
    fn schedule_all(slf: &Bound<'_, Self>, timers: Vec<(f64, Bound<'_, PyAny>)>) {
        let py = slf.py();
        for (at, handle) in timers {
            let payload = Callback::of_handle(&handle);
            let at = Time::from_secs_f64(at);
            let key = slf.get().core(py, |core| core.schedule(at, payload));
            if let Ok(handle) = handle.cast::<TimerHandle>() {
                handle.get().set_key(py, key);
            }
        }
    }

    /// Returns the time of the first timer, in seconds, after cancelled ones were removed from the list by asyncio's rule.
    pub(super) fn next_listed_time(slf: &Bound<'_, Self>) -> PyResult<Option<f64>> {
        let py = slf.py();
        let me = slf.get();
        let Some(list) = me.timer_list(py) else {
            // The timers are in the engine.
            return Ok(me.core(py, LoopCore::next_timer).map(Time::as_secs_f64));
        };
        Self::list_timers(slf, &list)?;
        let cancelled = me.listed_timers.with(py, |timers| timers.cancelled);
        if has_too_many_cancelled(list.len(), cancelled) {
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

    /// Removes all cancelled timers from the list.
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

    /// Queues the timers that are due, by asyncio's rule: up to the clock's resolution early. Clocks for tests advance by the
    /// selector's timeout and rely on this rule, since the floating-point sum is not exact.
    pub(super) fn queue_due_timers(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let resolution: f64 = slf.getattr(intern!(py, "_clock_resolution"))?.extract()?;
        let end = Self::now(slf)? + resolution;
        let Some(list) = me.timer_list(py) else {
            let overrides_time = me.overrides_time();
            me.core(py, |core| {
                core.set_own_time(Some(Time::from_secs_f64(end)));
                core.queue_due_timers();
                if !overrides_time {
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

    /// Drops the list and the timers in it, for `close`.
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

/// Returns the handles that were not cancelled with their times, in the order of these.
fn by_time<'py>(handles: &Bound<'py, PyList>) -> PyResult<Vec<(f64, Bound<'py, PyAny>)>> {
    let mut timers = Vec::with_capacity(handles.len());
    for handle in handles {
        if is_cancelled(&handle)? {
            handle.setattr(intern!(handles.py(), "_scheduled"), false)?;
        } else {
            timers.push((time_of(&handle)?, handle));
        }
    }
    timers.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    Ok(timers)
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

    /// Replaces all scheduled timers by a program's.
    #[setter(_scheduled)]
    fn set_scheduled(slf: &Bound<'_, Self>, timers: &Bound<'_, PyList>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let timers = by_time(timers)?;
        let old = (
            me.core(py, LoopCore::take_timers),
            me.listed_timers.take(py),
        );
        drop(old);
        Self::set_overridden_part(slf, Part::Timers, false);
        Self::schedule_all(slf, timers);
        Ok(())
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
        Self::set_overridden_part(slf, Part::Timers, true);
    }
}
