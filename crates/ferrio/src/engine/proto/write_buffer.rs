//! The chunks of bytes that a transport has accepted and the kernel has not, in order.
//!
//! Chunks are never joined: a chunk is any owner of bytes (a Python object, a
//! `Vec`), and `writev(2)` takes many of them in one system call. The buffer does
//! no I/O: [`WriteBuffer::gather`] returns the bytes to write,
//! [`WriteBuffer::advance`] removes the bytes that were written.

use std::collections::VecDeque;
use std::io::IoSlice;

/// The most slices that [`WriteBuffer::gather`] shows: `IOV_MAX` of Linux, macOS
/// and the BSDs, what `writev(2)` takes at once.
pub const MAX_SLICES: usize = 1024;

/// A queue of bytes in chunks of type `B`.
#[derive(Debug)]
pub struct WriteBuffer<B> {
    /// None of them is empty.
    chunks: VecDeque<B>,
    /// The number of bytes of the first chunk that are written; less than its length.
    offset: usize,
    /// The number of bytes that are left in all chunks.
    len: usize,
}

impl<B: AsRef<[u8]>> WriteBuffer<B> {
    /// An empty buffer; does not allocate.
    pub const fn new() -> WriteBuffer<B> {
        WriteBuffer {
            chunks: VecDeque::new(),
            offset: 0,
            len: 0,
        }
    }

    /// Returns the number of bytes that are left to write.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether everything has been written.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the number of chunks.
    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Appends a chunk; an empty one is dropped.
    ///
    /// The length of a chunk must not change while it is in the buffer.
    pub fn push(&mut self, chunk: B) {
        let len = chunk.as_ref().len();
        if len != 0 {
            self.len += len;
            self.chunks.push_back(chunk);
        }
    }

    /// Shows the first bytes that are left, for `writev(2)`: one slice a chunk,
    /// as many as `slices` has room for and at most [`MAX_SLICES`].
    ///
    /// The array is the caller's, so that it can lie on the stack:
    ///
    /// ```
    /// use std::io::{IoSlice, Write};
    ///
    /// let mut buffer = ferrio::engine::WriteBuffer::new();
    /// buffer.push("hello, ");
    /// buffer.push("world");
    /// let mut written = Vec::new();
    /// let n = written.write_vectored(buffer.gather(&mut [IoSlice::new(&[]); 64]))?;
    /// buffer.advance(n);
    /// assert!(buffer.is_empty());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn gather<'slices, 'a>(
        &'a self,
        slices: &'slices mut [IoSlice<'a>],
    ) -> &'slices [IoSlice<'a>] {
        let mut count = 0;
        for (slice, chunk) in slices.iter_mut().take(MAX_SLICES).zip(&self.chunks) {
            let bytes = chunk.as_ref();
            *slice = IoSlice::new(if count == 0 {
                &bytes[self.offset..]
            } else {
                bytes
            });
            count += 1;
        }
        &slices[..count]
    }

    /// Takes the first `n` bytes away, and drops the chunks that they complete.
    ///
    /// # Panics
    /// When there are fewer than `n`: a transport that has written what it did
    /// not have is a bug.
    pub fn advance(&mut self, n: usize) {
        assert!(n <= self.len, "advanced by {n} of {} bytes", self.len);
        self.len -= n;
        self.offset += n;
        while let Some(first) = self.chunks.front() {
            let len = first.as_ref().len();
            if self.offset < len {
                break;
            }
            self.offset -= len;
            self.chunks.pop_front();
        }
    }

    /// Drops all that is left.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.offset = 0;
        self.len = 0;
    }
}

impl<B: AsRef<[u8]>> Default for WriteBuffer<B> {
    fn default() -> WriteBuffer<B> {
        WriteBuffer::new()
    }
}
