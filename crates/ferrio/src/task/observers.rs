//! Those who wait for one thing, in the order in which they came.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use smallvec::SmallVec;

/// A list of observers, each with the key by which it is replaced and removed.
///
/// Nothing is borrowed while an observer is dropped, whose destructor may be anybody's code.
pub(crate) struct Observers<O> {
    /// Most things have one observer, for which no memory is allocated.
    list: RefCell<SmallVec<[(u64, O); 1]>>,
    next: Cell<u64>,
}

impl<O> Observers<O> {
    pub(crate) const fn new() -> Observers<O> {
        Observers {
            list: RefCell::new(SmallVec::new_const()),
            next: Cell::new(0),
        }
    }

    /// Adds an observer; returns its key.
    pub(crate) fn add(&self, observer: O) -> u64 {
        let key = self.next.get();
        self.next.set(key + 1);
        self.list.borrow_mut().push((key, observer));
        key
    }

    /// Sets the waker of the observer with this key, which `waker_of` finds in it.
    pub(crate) fn update(
        &self,
        key: u64,
        waker: &Waker,
        waker_of: impl FnOnce(&mut O) -> Option<&mut Waker>,
    ) {
        let mut list = self.list.borrow_mut();
        let mine = list.iter_mut().find(|(other, _)| *other == key);
        let old = mine.and_then(|(_, observer)| waker_of(observer));
        let replaced = old
            .filter(|old| !old.will_wake(waker))
            .map(|old| std::mem::replace(old, waker.clone()));
        drop(list);
        drop(replaced);
    }

    pub(crate) fn forget(&self, key: u64) {
        let mut list = self.list.borrow_mut();
        let place = list.iter().position(|(other, _)| *other == key);
        let removed = place.map(|place| list.remove(place));
        drop(list);
        drop(removed);
    }

    /// Takes all observers.
    pub(crate) fn take(&self) -> SmallVec<[(u64, O); 1]> {
        self.list.take()
    }
}
