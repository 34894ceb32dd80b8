//! `_selector`: the loop's poller as a selector of the module `selectors`. This is the native half of
//! `ferrio._selector.Selector`.
//!
//! A descriptor that the loop watches appears with asyncio's data: the pair of the reader's and the writer's handle. A
//! descriptor that a program registers is watched as asyncio's loop would watch it: when it is ready, the handles in its
//! data run.

use std::collections::HashMap;
use std::os::fd::RawFd;
use std::time::Duration;

use ferrio::engine::{Event, Interest};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::watching::Direction;
use super::{Callback, Loop};
use crate::base::errors::os_error;
use crate::base::imports;

/// `selectors.EVENT_READ` and `EVENT_WRITE`.
const READ: u8 = 1;
const WRITE: u8 = 2;

/// The loop's selector, and what programs have registered with it.
#[derive(Default)]
pub struct SelectorState {
    /// The selector that a program was given, or has put in its place.
    selector: Option<Py<PyAny>>,
    /// The keys of descriptors that programs have registered.
    keys: HashMap<RawFd, Py<PyAny>>,
}

impl SelectorState {
    /// Shows the references to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.selector)?;
        self.keys.values().try_for_each(|key| visit.call(key))
    }
}

/// The native half of a loop's selector.
#[pyclass(module = "ferrio._ferrio", subclass, frozen)]
pub struct Selector {
    event_loop: Py<Loop>,
}

#[pymethods]
impl Selector {
    #[new]
    fn new(event_loop: Py<Loop>) -> Self {
        Self { event_loop }
    }

    /// Watch a file object for events: a mask of EVENT_READ and EVENT_WRITE.
    ///
    /// Raises ValueError for other events or no file object, KeyError if it is watched already, OSError if it cannot be.
    #[pyo3(signature = (fileobj, events, data = None))]
    fn register<'py>(
        &self,
        fileobj: &Bound<'py, PyAny>,
        events: &Bound<'py, PyAny>,
        data: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = fileobj.py();
        let me = self.event_loop.get();
        // An object that cannot be a mask raises TypeError here.
        if !events.is_truthy()? || events.bitand(!i16::from(READ | WRITE))?.is_truthy()? {
            let text = format!("Invalid events: {}", events.repr()?);
            return Err(PyValueError::new_err(text));
        }
        let mask: u8 = events.extract()?;
        let fd = me.watched_fd(fileobj)?;
        if !me.core(py, |core| core.interest(fd)).is_none() {
            let text = format!("{} (FD {fd}) is already registered", fileobj.repr()?);
            return Err(PyKeyError::new_err(text));
        }
        let key = imports::selector_key(py)?.call1((fileobj, fd, mask, data))?;
        let callbacks = callbacks_of(&key)?;
        me.keep_file(fd, fileobj);
        for (direction, bit, callback) in callbacks {
            if mask & bit != 0 {
                me.watch(py, fd, direction, callback).inspect_err(|_| {
                    me.forget_registration(py, fd);
                })?;
            }
        }
        let old = me.selector_state.with(py, |selector_state| {
            selector_state.keys.insert(fd, key.clone().unbind())
        });
        drop(old);
        Ok(key)
    }

    /// No longer watch a file object. Raises KeyError if it is not watched.
    fn unregister<'py>(&self, fileobj: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = fileobj.py();
        let me = self.event_loop.get();
        let fd = me.watched_fd(fileobj)?;
        let Some(key) = Loop::selector_key(self.event_loop.bind(py), fd)? else {
            let text = format!("{} is not registered", fileobj.repr()?);
            return Err(PyKeyError::new_err(text));
        };
        me.forget_registration(py, fd);
        Ok(key)
    }

    /// Wait for at most timeout seconds, None for as long as it takes, and return what is ready: pairs of key and events.
    #[pyo3(signature = (timeout = None))]
    fn select<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyList>> {
        Loop::select(self.event_loop.bind(py), timeout)
    }

    /// Return the poller's own descriptor.
    fn fileno(&self, py: Python<'_>) -> PyResult<RawFd> {
        let fd = self.event_loop.get().core(py, |core| core.poller_fd());
        fd.ok_or_else(|| PyValueError::new_err("I/O operation on closed epoll object"))
    }

    /// Return the key of a descriptor, or None.
    fn _key<'py>(&self, py: Python<'py>, fd: RawFd) -> PyResult<Option<Bound<'py, PyAny>>> {
        Loop::selector_key(self.event_loop.bind(py), fd)
    }

    /// Return all watched descriptors.
    fn _descriptors(&self, py: Python<'_>) -> Vec<RawFd> {
        self.event_loop.get().core(py, |core| {
            let watched = core.watched();
            let visible = watched
                .filter(|(_, reader, _)| !matches!(reader, Some(Callback::Signals)))
                .map(|(fd, _, _)| fd);
            visible.collect()
        })
    }

    /// Return the descriptor of a file object. Raises ValueError if it is not a file object.
    fn _descriptor(&self, fileobj: &Bound<'_, PyAny>) -> PyResult<RawFd> {
        self.event_loop.get().watched_fd(fileobj)
    }

    /// Make the loop check whether select() is overridden.
    fn _look(&self, py: Python<'_>) -> PyResult<()> {
        Loop::look_again(self.event_loop.bind(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)
    }
}

/// Makes a mask of events.
fn mask_of(readable: bool, writable: bool) -> u8 {
    (if readable { READ } else { 0 }) | (if writable { WRITE } else { 0 })
}

/// Returns the callbacks for a key that a program has registered: the handles in its data.
fn callbacks_of(key: &Bound<'_, PyAny>) -> PyResult<[(Direction, u8, Callback); 2]> {
    let data = key.getattr(intern!(key.py(), "data"))?;
    let callback = |index| match data.cast::<PyTuple>() {
        Ok(pair) if pair.len() == 2 => Ok(Callback::of_handle(&pair.get_item(index)?)),
        // Only the program knows what these data are.
        _ => PyResult::Ok(Callback::ForeignKey(key.clone().unbind())),
    };
    Ok([
        (Direction::Read, READ, callback(0)?),
        (Direction::Write, WRITE, callback(1)?),
    ])
}

impl Loop {
    /// Whether `select` has to be called as an attribute: a program has replaced the selector, or has set `select` on it or
    /// in its class.
    pub(super) fn overrides_select(&self, py: Python<'_>) -> PyResult<bool> {
        let class = imports::selector(py)?;
        let name = intern!(py, "select");
        if !class
            .getattr(name)?
            .is(&py.get_type::<Selector>().getattr(name)?)
        {
            return Ok(true);
        }
        let selector =
            (self.selector_state).get_bound(py, |selector_state| selector_state.selector.as_ref());
        match selector {
            None => Ok(false),
            Some(selector) if !selector.get_type().is(class) => Ok(true),
            Some(selector) => selector.getattr(intern!(py, "__dict__"))?.contains(name),
        }
    }

    /// Waits for events and returns the ready keys, for code that runs an iteration by itself.
    fn select<'py>(slf: &Bound<'py, Self>, timeout: Option<f64>) -> PyResult<Bound<'py, PyList>> {
        let py = slf.py();
        let me = slf.get();
        me.check_open()?;
        Self::leave_last_task(slf)?;
        // The previous iteration has ended here.
        Self::flush(slf)?;
        let limit = timeout
            .map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX));
        let mut parked = me.core(py, |core| core.park_for(limit));
        let (outcome, guarded) = me.poll(py, &mut parked, |_| ());
        let (events, woken) = me
            .core(py, |core| core.unpark_events(parked, outcome))
            .map_err(|error| os_error(py, &error))?;
        guarded?;
        py.check_signals()?;
        me.give_way(py)?;
        let ready = PyList::empty(py);
        for event in events {
            if let Some(pair) = Self::selected(slf, event)? {
                ready.append(pair)?;
            }
        }
        if woken
            && ready.is_empty()
            && let Some(fd) = Self::fill_self_pipe(slf)?
        {
            ready.append((Self::selector_key(slf, fd)?, READ))?;
        }
        Ok(ready)
    }

    /// Returns the key and the mask that `select` reports for an event; `None` for none. Signals are only queued.
    fn selected<'py>(
        slf: &Bound<'py, Self>,
        event: Event,
    ) -> PyResult<Option<(Bound<'py, PyAny>, u8)>> {
        let py = slf.py();
        let me = slf.get();
        let signals = me.core(py, |core| {
            matches!(core.reader(event.fd), Some(Callback::Signals))
        });
        if signals {
            me.push(py, Callback::Signals);
            return Ok(None);
        }
        let Some(key) = Self::selector_key(slf, event.fd)? else {
            return Ok(None);
        };
        let mask = mask_of(event.readable, event.writable)
            & key.getattr(intern!(py, "events"))?.extract::<u8>()?;
        Ok((mask != 0).then_some((key, mask)))
    }

    /// Returns the key of a watched descriptor: the one that a program has registered, or one with the loop's own handles.
    fn selector_key<'py>(slf: &Bound<'py, Self>, fd: RawFd) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        let me = slf.get();
        let known =
            (me.selector_state).get_bound(py, |selector_state| selector_state.keys.get(&fd));
        if known.is_some() {
            return Ok(known);
        }
        let (interest, reader, writer) = me.core(py, |core| {
            let copy = |callback: Option<&Callback>| callback.map(|found| found.duplicate(py));
            (
                core.interest(fd),
                copy(core.reader(fd)),
                copy(core.writer(fd)),
            )
        });
        if interest.is_none() {
            return Ok(None);
        }
        let handle =
            |callback: Option<Callback>| callback.map(|found| found.into_handle(slf)).transpose();
        let data = (handle(reader)?, handle(writer)?);
        let watches = |direction| interest.contains(direction);
        let mask = mask_of(watches(Interest::READ), watches(Interest::WRITE));
        let file = match me.file_of(py, fd) {
            Some(file) => file,
            None => fd.into_pyobject(py)?.into_any().unbind(),
        };
        let key = imports::selector_key(py)?.call1((file, fd, mask, data))?;
        Ok(Some(key))
    }

    /// Forgets a program's registration of a descriptor that is now watched for something else, or no longer.
    pub(super) fn forget_key(&self, py: Python<'_>, fd: RawFd) {
        let old = (self.selector_state).with(py, |selector_state| {
            if selector_state.keys.is_empty() {
                None
            } else {
                selector_state.keys.remove(&fd)
            }
        });
        drop(old);
    }

    /// Stops watching a descriptor, without cancelling its handles.
    fn forget_registration(&self, py: Python<'_>, fd: RawFd) {
        let old = self.core(py, |core| core.forget(fd));
        drop(old);
        self.forget_key(py, fd);
        self.forget_file(py, fd);
    }

    /// Drops the selector and the registrations, for `close`.
    pub(super) fn close_selector(&self, py: Python<'_>) {
        let old = self.selector_state.take(py);
        drop(old);
    }
}

#[pymethods]
impl Loop {
    #[getter(_selector)]
    fn get_selector(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let me = slf.get();
        let known =
            (me.selector_state).get_ref(py, |selector_state| selector_state.selector.as_ref());
        if let Some(known) = known {
            return Ok(known);
        }
        if me.closed() {
            return Ok(py.None());
        }
        let selector = imports::selector(py)?.call1((slf,))?.unbind();
        let kept = selector.clone_ref(py);
        let old =
            (me.selector_state).with(py, |selector_state| selector_state.selector.replace(kept));
        drop(old);
        Ok(selector)
    }

    /// Replaces the loop's selector by a program's, whose `select` the loop calls from now on.
    #[setter(_selector)]
    fn set_selector(slf: &Bound<'_, Self>, selector: Py<PyAny>) -> PyResult<()> {
        let py = slf.py();
        let old = (slf.get().selector_state).with(py, |selector_state| {
            selector_state.selector.replace(selector)
        });
        drop(old);
        Self::look_again(slf)
    }
}
