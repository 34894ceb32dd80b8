//! [`Callback`]: everything that an iteration can run. It is the payload of the engine's queue, timers and descriptors.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::Loop;
use crate::base::errors::leaves_the_loop;
use crate::kernel::done_callback::DoneCallback;
use crate::kernel::future::{Future, Outcome};
use crate::kernel::handle::Handle;
use crate::kernel::kinds::{Kind, Kinds, Number};
use crate::kernel::task::{AfterStep, Task};
use crate::{base::imports, cpython};

/// A callback from `add_done_callback`, and the future, which is done.
pub struct FutureDone {
    pub future: Py<PyAny>,
    pub callback: Py<PyAny>,
    pub context: Py<PyAny>,
}

/// What the loop does with an object of a class in a layer above, when a descriptor is ready or a time has come.
pub type Action = Kind<DescribedAction>;

/// An action's function and name.
pub struct DescribedAction {
    run: fn(&Bound<'_, PyAny>) -> PyResult<()>,
    /// The words before the object's representation in messages.
    name: &'static str,
}

static ACTIONS: Kinds<DescribedAction> = Kinds::new();

impl Action {
    /// Makes an action that calls `run`. In messages, `name` comes before the object's representation: "reading from".
    pub const fn of(name: &'static str, run: fn(&Bound<'_, PyAny>) -> PyResult<()>) -> Self {
        Self::new(DescribedAction { run, name })
    }
}

const _: () = assert!(size_of::<Callback>() == 16, "two words");

/// A done-callback of ferrio's own, and the future, which is done.
pub struct Notice {
    pub callback: DoneCallback,
    pub future: Py<PyAny>,
}

/// A payload of the loop's core. Its two words pass in registers. With a third, each payload would go through memory on
/// its way from the queue to the code that runs it, written and read in pieces of different sizes, for which the
/// processor waits: 20 ns.
pub enum Callback {
    /// A handle that a program has scheduled, or has registered for a descriptor.
    Handle(Py<Handle>),
    /// A task to resume: its first step, or one after a bare `yield`.
    Step(Py<Task>),
    /// A task whose awaited future is done. The payload need not hold the future: the task knows it
    /// (`TaskState::waits_for`), since the task awaits only one future at a time.
    Wakeup(Py<Task>),
    /// A callback from `add_done_callback`, whose future is done.
    FutureDone(Box<FutureDone>),
    /// A done-callback of ferrio's own, whose future is done.
    Notify(Box<Notice>),
    /// An action of a layer above, and its object.
    Action(Number, Py<PyAny>),
    /// A future to finish with `None`: its descriptor is ready, or its time has come.
    Finish(Py<PyAny>),
    /// The arrival of signals.
    Signals,
    /// A handle that is not ferrio's, which a program has put into the queue.
    Foreign(Py<PyAny>),
    /// The key of a ready descriptor that a program has registered with a selector's data other than asyncio's pair of
    /// handles.
    ForeignKey(Py<PyAny>),
}

impl Callback {
    /// Makes the payload of an action for an object of the class that the action is for.
    #[inline]
    pub fn action<T>(action: &'static Action, object: &Bound<'_, T>) -> Self {
        Self::Action(action.number(&ACTIONS), object.as_any().clone().unbind())
    }

    /// Whether the payload is this action for this object.
    pub fn is_action<T>(&self, action: &'static Action, object: &Bound<'_, T>) -> bool {
        matches!(self, Self::Action(number, known) if *number == action.number(&ACTIONS) && known.is(object))
    }

    /// Clones the callback: a watched descriptor needs one for each event.
    pub fn duplicate(&self, py: Python<'_>) -> Self {
        match self {
            Self::Handle(handle) => Self::Handle(handle.clone_ref(py)),
            Self::Step(task) => Self::Step(task.clone_ref(py)),
            Self::Wakeup(task) => Self::Wakeup(task.clone_ref(py)),
            Self::FutureDone(done) => Self::FutureDone(Box::new(FutureDone {
                future: done.future.clone_ref(py),
                callback: done.callback.clone_ref(py),
                context: done.context.clone_ref(py),
            })),
            Self::Notify(notice) => Self::Notify(Box::new(Notice {
                callback: notice.callback.clone_ref(py),
                future: notice.future.clone_ref(py),
            })),
            Self::Action(action, object) => Self::Action(*action, object.clone_ref(py)),
            Self::Finish(future) => Self::Finish(future.clone_ref(py)),
            Self::Signals => Self::Signals,
            Self::Foreign(handle) => Self::Foreign(handle.clone_ref(py)),
            Self::ForeignKey(key) => Self::ForeignKey(key.clone_ref(py)),
        }
    }

    /// Runs the callback. Raises only exceptions that leave `run_forever`; all others are reported.
    #[inline]
    pub fn run(self, event_loop: &Bound<'_, Loop>) -> PyResult<()> {
        let py = event_loop.py();
        if let Self::Step(task) = self {
            return Self::run_task(task.into_bound(py), Task::on_ready, event_loop);
        }
        Loop::leave_last_task(event_loop)?;
        match self {
            // A handle reports its exceptions by itself.
            Self::Handle(handle) => Handle::run(&handle.into_bound(py)),
            Self::Wakeup(task) => Self::run_task(task.into_bound(py), Task::on_wakeup, event_loop),
            other => other.run_other(event_loop),
        }
    }

    /// Runs a payload that is neither a handle nor a task.
    fn run_other(self, event_loop: &Bound<'_, Loop>) -> PyResult<()> {
        let py = event_loop.py();
        let outcome = match &self {
            Self::Handle(_) | Self::Step(_) | Self::Wakeup(_) => Ok(()),
            Self::FutureDone(done) => {
                let (callback, future) = (done.callback.bind(py), done.future.bind(py));
                let call = || cpython::call_one(callback, future).map(drop);
                match cpython::in_context(done.context.bind(py), call) {
                    Err(error) if !leaves_the_loop(py, &error) => {
                        return self.report_done_callback(event_loop, &error);
                    }
                    outcome => return outcome,
                }
            }
            Self::Notify(notice) => match notice.callback.call(notice.future.bind(py)) {
                Err(error) if !leaves_the_loop(py, &error) => {
                    return self.report_done_callback(event_loop, &error);
                }
                outcome => return outcome,
            },
            Self::Action(action, object) => (ACTIONS.get(*action).run)(object.bind(py)),
            Self::Finish(future) => finish_with_none(future.bind(py)),
            Self::Signals => Loop::on_signals(event_loop),
            // Such a handle reports its exceptions by itself.
            Self::Foreign(handle) => return run_foreign(handle.bind(py)),
            // A program's own `_process_events` handles the key. asyncio's raises when it unpacks the data, as it does
            // in asyncio when the descriptor is ready.
            Self::ForeignKey(key) => {
                let method = intern!(py, "_process_events");
                return event_loop.call_method1(method, ([(key, 0)],)).map(drop);
            }
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(error) if leaves_the_loop(py, &error) => Err(error),
            Err(error) => self.report(event_loop, &error),
        }
    }

    /// Runs a step of a task. The errors of its coroutine are the task's and do not arrive here.
    #[inline]
    fn run_task(
        task: Bound<'_, Task>,
        step: impl FnOnce(&Bound<'_, Task>) -> PyResult<AfterStep>,
        event_loop: &Bound<'_, Loop>,
    ) -> PyResult<()> {
        match step(&task) {
            Ok(AfterStep::Soon) => {
                event_loop.get().push(task.py(), Self::Step(task.unbind()));
                Ok(())
            }
            Ok(AfterStep::OnWakeup) => Ok(()),
            Err(error) if leaves_the_loop(task.py(), &error) => Err(error),
            Err(error) => Self::Step(task.unbind()).report(event_loop, &error),
        }
    }

    /// Reports an exception of a future's callback with the handle through which asyncio would have called it.
    #[cold]
    fn report_done_callback(&self, event_loop: &Bound<'_, Loop>, error: &PyErr) -> PyResult<()> {
        let py = event_loop.py();
        let handle = self.duplicate(py).into_handle(event_loop)?;
        match handle.cast::<Handle>() {
            Ok(handle) => Handle::report(handle, error),
            Err(_) => self.report(event_loop, error),
        }
    }

    #[cold]
    fn report(&self, event_loop: &Bound<'_, Loop>, error: &PyErr) -> PyResult<()> {
        Loop::report(event_loop, error, |context| {
            let text = self.describe(event_loop.py())?;
            context.set_item("message", format!("Exception in callback {text}"))
        })
    }

    /// Returns the callback's name for the slow-callback warning and the exception handler.
    pub fn describe(&self, py: Python<'_>) -> PyResult<String> {
        match self {
            Self::Handle(handle) => imports::format_handle(py)?.call1((handle,))?.extract(),
            Self::Step(task) | Self::Wakeup(task) => Ok(task.bind(py).repr()?.to_string()),
            Self::FutureDone(done) => imports::format_callback_source(py)?
                .call1((&done.callback, (&done.future,)))?
                .extract(),
            Self::Notify(notice) => {
                let callback = notice.callback.clone_ref(py).into_callable(py)?;
                imports::format_callback_source(py)?
                    .call1((callback, (&notice.future,)))?
                    .extract()
            }
            Self::Action(action, object) => {
                let name = ACTIONS.get(*action).name;
                Ok(format!("{name} {}", object.bind(py).repr()?))
            }
            Self::Finish(future) => Ok(format!("waking {}", future.bind(py).repr()?)),
            Self::Signals => Ok("signal handlers".into()),
            Self::Foreign(handle) => imports::format_handle(py)?.call1((handle,))?.extract(),
            Self::ForeignKey(key) => Ok(format!("events of {}", key.bind(py).repr()?)),
        }
    }

    /// Shows the references to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Handle(handle) => visit.call(handle),
            Self::Step(task) | Self::Wakeup(task) => visit.call(task),
            Self::FutureDone(done) => {
                visit.call(&done.future)?;
                visit.call(&done.callback)?;
                visit.call(&done.context)
            }
            Self::Notify(notice) => {
                notice.callback.traverse(visit)?;
                visit.call(&notice.future)
            }
            Self::Finish(future) => visit.call(future),
            Self::Signals => Ok(()),
            Self::Action(_, object) | Self::Foreign(object) | Self::ForeignKey(object) => {
                visit.call(object)
            }
        }
    }
}

/// Runs a handle that is not ferrio's, unless it was cancelled. It is `None` if a program has registered a descriptor for
/// an event without a handle for it.
fn run_foreign(handle: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = handle.py();
    if handle.is_none() || handle.getattr(intern!(py, "_cancelled"))?.is_truthy()? {
        return Ok(());
    }
    handle.call_method0(intern!(py, "_run")).map(drop)
}

/// Finishes a future of any class with `None` unless it is done (CPython: `futures._set_result_unless_cancelled`).
pub fn finish_with_none(future: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = future.py();
    if let Ok(native) = future.cast_exact::<Future>() {
        if native.get().is_done(py) {
            return Ok(());
        }
        return Future::finish(native, Outcome::Returned(py.None()));
    }
    if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
        future.call_method1(intern!(py, "set_result"), (py.None(),))?;
    }
    Ok(())
}
