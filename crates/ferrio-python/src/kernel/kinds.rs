//! [`Kind`]: what layers above tell this one about their classes, found again by a number of one byte.
//!
//! The loop's queue and the lists of futures hold objects of classes that this layer does not know. Beside the reference is
//! no room for an address, but for a byte.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// The table of one sort of kinds.
pub struct Kinds<D: 'static>([OnceLock<&'static D>; Number::ALL.len()]);

/// One kind: a `static` of the layer that its description `D` is about.
pub struct Kind<D: 'static> {
    /// The place in the table and one, or 0 as long as it has none.
    number: AtomicU8,
    description: D,
}

/// A kind's place in its table. An `enum`, so that what holds one can tell its own variants by the values that are none of
/// these, without a word more.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[rustfmt::skip]
pub enum Number { N0, N1, N2, N3, N4, N5, N6, N7, N8, N9, N10, N11, N12, N13, N14, N15 }

impl Number {
    /// All of them in their order.
    const ALL: [Self; 16] = [
        Self::N0,
        Self::N1,
        Self::N2,
        Self::N3,
        Self::N4,
        Self::N5,
        Self::N6,
        Self::N7,
        Self::N8,
        Self::N9,
        Self::N10,
        Self::N11,
        Self::N12,
        Self::N13,
        Self::N14,
        Self::N15,
    ];
}

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
        match usize::from(self.number.load(Relaxed)) {
            0 => self.enter(table),
            number => Number::ALL[(number - 1) % Number::ALL.len()],
        }
    }

    #[cold]
    fn enter(&'static self, table: &Kinds<D>) -> Number {
        let description = &self.description;
        let numbers = (1..).zip(Number::ALL);
        for ((one_more, number), place) in numbers.zip(&table.0) {
            if std::ptr::eq(*place.get_or_init(|| description), description) {
                self.number.store(one_more, Relaxed);
                return number;
            }
        }
        unreachable!("more kinds than places: `Number` needs more variants")
    }
}

impl<D> Kinds<D> {
    /// A table without kinds.
    pub const fn new() -> Self {
        Self([const { OnceLock::new() }; Number::ALL.len()])
    }

    /// What is told about the kind of a number.
    #[inline]
    pub fn get(&self, number: Number) -> &'static D {
        self.0[number as usize]
            .get()
            .expect("a kind with a number has its place")
    }
}
