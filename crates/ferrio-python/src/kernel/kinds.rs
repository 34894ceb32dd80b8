//! [`Kind`]: how the kernel uses an object of a layer above, described by a `static` of that layer.
//!
//! The loop's queue and the futures' lists of waiters hold objects of classes that the kernel does not know. There are two
//! sorts of descriptions: actions of the loop (`event_loop/callback.rs`) and done-callbacks (`done_callback.rs`). An entry has
//! no room for the address of its description beside the reference to the object. It has room for a byte: the number under
//! which the description is in a table.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// A table of kinds with one type of description.
pub struct Kinds<D: 'static>([OnceLock<&'static D>; Number::ALL.len()]);

/// One kind: a `static` in the layer that its description `D` is about.
pub struct Kind<D: 'static> {
    /// The index in the table plus one; 0 before the kind has entered it.
    number: AtomicU8,
    description: D,
}

/// A kind's index in its table. It is an `enum` so that a type which holds one can use the remaining values of the byte
/// for its own variants, and needs no further word.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[rustfmt::skip]
pub enum Number { N0, N1, N2, N3, N4, N5, N6, N7, N8, N9, N10, N11, N12, N13, N14, N15 }

impl Number {
    /// All numbers in order.
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
    /// Makes a kind that has not entered its table.
    pub const fn new(description: D) -> Self {
        Self {
            number: AtomicU8::new(0),
            description,
        }
    }

    /// Returns the kind's number in its table, which the first call enters it into.
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
        for ((index_plus_one, number), entry) in numbers.zip(&table.0) {
            if std::ptr::eq(*entry.get_or_init(|| description), description) {
                self.number.store(index_plus_one, Relaxed);
                return number;
            }
        }
        unreachable!("more kinds than places: `Number` needs more variants")
    }
}

impl<D> Kinds<D> {
    /// Makes an empty table.
    pub const fn new() -> Self {
        Self([const { OnceLock::new() }; Number::ALL.len()])
    }

    /// Returns the description of the kind with this number.
    #[inline]
    pub fn get(&self, number: Number) -> &'static D {
        self.0[number as usize]
            .get()
            .expect("a kind with a number is in its table")
    }
}
