//! [`Order`]: in which order the items of a queue leave, and where they are stored.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// The order in which the items of a queue leave: [`Fifo`], [`Lifo`] or [`Priority`].
pub trait Order<T>: sealed::Sealed {
    /// Where the items are stored.
    #[doc(hidden)]
    type Items: Items<T>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Fifo {}
    impl Sealed for super::Lifo {}
    impl Sealed for super::Priority {}
}

/// First in, first out.
#[derive(Clone, Copy, Debug)]
pub enum Fifo {}

/// Last in, first out.
#[derive(Clone, Copy, Debug)]
pub enum Lifo {}

/// The least item first, by its [`Ord`].
#[derive(Clone, Copy, Debug)]
pub enum Priority {}

impl<T> Order<T> for Fifo {
    type Items = RefCell<VecDeque<T>>;
}

impl<T> Order<T> for Lifo {
    type Items = RefCell<Vec<T>>;
}

impl<T: Ord> Order<T> for Priority {
    type Items = Heap<T>;
}

/// The items of a queue. Nothing is borrowed while a program's code runs.
pub trait Items<T>: Default {
    fn push(&self, item: T);

    fn pop(&self) -> Option<T>;

    fn len(&self) -> usize;

    /// Takes all items out.
    fn take(&self) -> Self;

    /// Returns the number of items that can be taken out just now: not those that are being compared.
    #[inline]
    fn available(&self) -> usize {
        self.len()
    }
}

impl<T> Items<T> for RefCell<VecDeque<T>> {
    #[inline]
    fn push(&self, item: T) {
        self.borrow_mut().push_back(item);
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.borrow_mut().pop_front()
    }

    #[inline]
    fn len(&self) -> usize {
        self.borrow().len()
    }

    fn take(&self) -> Self {
        RefCell::new(RefCell::take(self))
    }
}

impl<T> Items<T> for RefCell<Vec<T>> {
    fn push(&self, item: T) {
        self.borrow_mut().push(item);
    }

    fn pop(&self) -> Option<T> {
        self.borrow_mut().pop()
    }

    fn len(&self) -> usize {
        self.borrow().len()
    }

    fn take(&self) -> Self {
        RefCell::new(RefCell::take(self))
    }
}

/// The items of a priority queue.
///
/// They are taken out of the cell while they are compared, since a comparison is the program's code and may use the queue.
/// What it puts in is added afterwards; to one who gets, the queue seems empty meanwhile.
pub struct Heap<T> {
    heap: RefCell<BinaryHeap<Reverse<T>>>,
    /// The number of items that are out of the cell.
    in_use: Cell<usize>,
}

impl<T: Ord> Default for Heap<T> {
    fn default() -> Self {
        Heap {
            heap: RefCell::default(),
            in_use: Cell::new(0),
        }
    }
}

impl<T: Ord> Items<T> for Heap<T> {
    fn push(&self, item: T) {
        let mut lent = Lent::new(self);
        lent.heap.push(Reverse(item));
    }

    fn pop(&self) -> Option<T> {
        let mut lent = Lent::new(self);
        lent.heap.pop().map(|Reverse(item)| item)
    }

    fn len(&self) -> usize {
        self.heap.borrow().len() + self.in_use.get()
    }

    fn take(&self) -> Self {
        Heap {
            heap: RefCell::new(self.heap.take()),
            in_use: Cell::new(0),
        }
    }

    fn available(&self) -> usize {
        self.heap.borrow().len()
    }
}

/// The heap while it is out of its cell. It goes back when this is dropped, after a panic of a comparison too.
struct Lent<'a, T: Ord> {
    items: &'a Heap<T>,
    heap: BinaryHeap<Reverse<T>>,
    count: usize,
}

impl<'a, T: Ord> Lent<'a, T> {
    fn new(items: &'a Heap<T>) -> Self {
        let heap = items.heap.take();
        let count = heap.len();
        items.in_use.set(items.in_use.get() + count);
        Lent { items, heap, count }
    }
}

impl<T: Ord> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        // What was put in meanwhile has to be compared, and that may put in more.
        loop {
            let mut more = self.items.heap.take();
            if more.is_empty() {
                break;
            }
            self.heap.append(&mut more);
        }
        let in_use = &self.items.in_use;
        in_use.set(in_use.get() - self.count);
        self.items.heap.replace(std::mem::take(&mut self.heap));
    }
}
