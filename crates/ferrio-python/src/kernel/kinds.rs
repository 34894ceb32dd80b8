//! [`Kind`]: what layers above tell this one about their classes, found again by a number of one byte.
//!
//! The loop's queue and the lists of futures hold objects of classes that this layer does not know. Beside the reference is
//! no room for an address, but for a byte.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// How many kinds of one sort there are at most.
const ROOM: usize = 32;

/// The table of one sort of kinds.
pub struct Kinds<D: 'static>([OnceLock<&'static D>; ROOM]);

/// One kind: a `static` of the layer that its description `D` is about.
pub struct Kind<D: 'static> {
    /// The place in the table and one, or 0 as long as it has none.
    number: AtomicU8,
    description: D,
}

/// A kind's place in the table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Number(u8);

impl<D> Kind<D> {
    /// A kind without a place.
    pub const fn new(description: D) -> Self {
        Self {
            number: AtomicU8::new(0),
            description,
        }
    }

    /// The kind's number in its table, where it gets a place at the first call.
    #[inline]
    pub fn number(&'static self, table: &Kinds<D>) -> Number {
        match self.number.load(Relaxed) {
            0 => self.enter(table),
            number => Number(number - 1),
        }
    }

    #[cold]
    fn enter(&'static self, table: &Kinds<D>) -> Number {
        let description = &self.description;
        let place = table
            .0
            .iter()
            .position(|place| std::ptr::eq(*place.get_or_init(|| description), description));
        let place = place
            .and_then(|place| u8::try_from(place).ok())
            .expect("room for all kinds");
        self.number.store(place + 1, Relaxed);
        Number(place)
    }
}

impl<D> Kinds<D> {
    /// A table without kinds.
    pub const fn new() -> Self {
        Self([const { OnceLock::new() }; ROOM])
    }

    /// What is told about the kind of a number.
    #[inline]
    pub fn get(&self, number: Number) -> &'static D {
        self.0[usize::from(number.0) % ROOM]
            .get()
            .expect("only kinds that have a place have a number")
    }
}
