//! Values of a task's own: asyncio's context variables.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use super::state;

/// What a task has set, by the address of the key; `None` for nothing.
pub(super) type Locals = Option<Rc<Vec<(usize, Rc<dyn Any>)>>>;

thread_local! {
    /// What is set outside of tasks on this thread.
    static OUTSIDE: RefCell<Locals> = const { RefCell::new(None) };
}

/// A variable with a value for each task; Python's `contextvars.ContextVar` (PEP 567).
///
/// A task starts with the values that its maker has at that moment; what it sets is seen by the tasks that it makes
/// later, and by nobody else.
///
/// ```
/// use ferrio::LocalKey;
///
/// static USER: LocalKey<String> = LocalKey::new();
///
/// ferrio::run(async {
///     USER.set("ada".to_owned());
///     let task = ferrio::spawn(async {
///         USER.set(USER.get().unwrap() + " lovelace");
///         USER.get()
///     });
///     assert_eq!(task.await?.as_deref(), Some("ada lovelace"));
///     assert_eq!(USER.get().as_deref(), Some("ada"));
///     Ok::<(), ferrio::JoinError>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LocalKey<T> {
    /// Its address is the identity of the key, so it must not be of size zero.
    identity: u8,
    _value: std::marker::PhantomData<fn() -> T>,
}

impl<T: Clone + 'static> LocalKey<T> {
    /// Makes a variable that is not set anywhere. It is meant for a `static`.
    pub const fn new() -> LocalKey<T> {
        LocalKey {
            identity: 0,
            _value: std::marker::PhantomData,
        }
    }

    /// Returns the value in the current task (or outside of tasks, that of the thread); `None` if it is not set.
    pub fn get(&'static self) -> Option<T> {
        let locals = locals()?;
        let (_, value) = locals.iter().find(|(key, _)| *key == self.key())?;
        value.downcast_ref::<T>().cloned()
    }

    /// Sets the value; returns the one that it replaces.
    pub fn set(&'static self, value: T) -> Option<T> {
        let replaced = self.get();
        let mut changed = locals().map_or_else(Vec::new, |locals| locals.to_vec());
        changed.retain(|(key, _)| *key != self.key());
        changed.push((self.key(), Rc::new(value)));
        set_locals(Some(Rc::new(changed)));
        replaced
    }

    fn key(&'static self) -> usize {
        std::ptr::from_ref(&self.identity).addr()
    }
}

impl<T: Clone + 'static> Default for LocalKey<T> {
    fn default() -> LocalKey<T> {
        LocalKey::new()
    }
}

fn locals() -> Locals {
    state::with_current(|state| state.locals.borrow().clone())
        .unwrap_or_else(|| OUTSIDE.with(|outside| outside.borrow().clone()))
}

fn set_locals(changed: Locals) {
    let mut changed = Some(changed);
    let replaced = state::with_current(|state| changed.take().map(|it| state.locals.replace(it)))
        .unwrap_or_else(|| OUTSIDE.with(|outside| changed.take().map(|it| outside.replace(it))));
    // The values' destructors run when nothing is borrowed.
    drop(replaced);
}
