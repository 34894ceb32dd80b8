//! The datagrams that a transport has accepted and the kernel has not, in order.
//!
//! Unlike a [`WriteBuffer`](super::WriteBuffer), the queue keeps datagrams apart: each is sent whole or not at all, may be
//! empty, and has its own address.

use std::collections::VecDeque;

/// A queue of datagrams with data of type `B` for addresses of type `A`.
#[derive(Debug)]
pub struct DatagramQueue<B, A> {
    datagrams: VecDeque<(B, A)>,
    /// The sum of all sizes, overheads included.
    size: usize,
    /// The bytes that each datagram counts beyond its data, so that empty ones fill the queue too.
    overhead: usize,
}

impl<B: AsRef<[u8]>, A> DatagramQueue<B, A> {
    /// An empty queue; does not allocate.
    pub const fn new(overhead: usize) -> DatagramQueue<B, A> {
        DatagramQueue {
            datagrams: VecDeque::new(),
            size: 0,
            overhead,
        }
    }

    /// Returns the number of waiting datagrams.
    pub fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Whether none waits. The [size](Self::size) may be 0 before that: empty datagrams without overhead.
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Returns the size for flow control: the bytes of all waiting datagrams, overheads included.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Appends a datagram. The length of its data must not change while it waits.
    pub fn push(&mut self, data: B, address: A) {
        self.size += data.as_ref().len() + self.overhead;
        self.datagrams.push_back((data, address));
    }

    /// Puts a datagram that was [taken](Self::take) back in front of all others: it could not be sent after all.
    pub fn put_back(&mut self, data: B, address: A) {
        self.size += data.as_ref().len() + self.overhead;
        self.datagrams.push_front((data, address));
    }

    /// All that wait, the next to leave first.
    pub fn iter(&self) -> impl Iterator<Item = &(B, A)> {
        self.datagrams.iter()
    }

    /// Takes the first `count` away, which have been sent or given up, for the caller to drop where it likes.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn take(&mut self, count: usize) -> VecDeque<(B, A)> {
        let taken: VecDeque<_> = self.datagrams.drain(..count).collect();
        self.size -= taken
            .iter()
            .map(|(data, _)| data.as_ref().len() + self.overhead)
            .sum::<usize>();
        taken
    }

    /// Takes all away.
    pub fn take_all(&mut self) -> VecDeque<(B, A)> {
        self.size = 0;
        std::mem::take(&mut self.datagrams)
    }
}
