//! The table of watched file descriptors: at most one reader and one writer each.
//!
//! The poller's registrations always equal the table: a descriptor is registered
//! for reading while it has a reader, for writing while it has a writer. A change
//! is made in the kernel first, and in the table only if the kernel has accepted
//! it, so after an error nothing has changed.
//!
//! The table is a vector indexed by descriptor. Kernels assign the lowest free
//! number, so the table is no longer than the highest descriptor in use requires,
//! and the look-up for each event is one bounds check.
//!
//! The reactor never waits: a caller that wants to wait gets a clone of the poller.

use std::io;
use std::os::fd::RawFd;

use crate::engine::sys::{Event, Interest, Poller, Waker};

/// The payloads that wait for descriptors.
#[derive(Debug)]
pub struct Reactor<C> {
    poller: Poller,
    table: Vec<Entry<C>>,
    /// The number of readers and writers.
    watched: usize,
}

#[derive(Debug)]
struct Entry<C> {
    reader: Option<C>,
    writer: Option<C>,
}

impl<C> Entry<C> {
    const EMPTY: Entry<C> = Entry {
        reader: None,
        writer: None,
    };

    fn interest(&self) -> Interest {
        let mut interest = Interest::NONE;
        if self.reader.is_some() {
            interest = interest | Interest::READ;
        }
        if self.writer.is_some() {
            interest = interest | Interest::WRITE;
        }
        interest
    }

    /// The payload of one direction, `READ` or `WRITE`.
    fn side(&mut self, direction: Interest) -> &mut Option<C> {
        if direction == Interest::READ {
            &mut self.reader
        } else {
            &mut self.writer
        }
    }
}

impl<C> Reactor<C> {
    /// An empty table over a new poller; fails when that cannot be opened.
    pub fn new() -> io::Result<Reactor<C>> {
        Ok(Reactor {
            poller: Poller::new()?,
            table: Vec::new(),
            watched: 0,
        })
    }

    /// Returns the number of readers and writers.
    #[inline]
    pub const fn watched(&self) -> usize {
        self.watched
    }

    /// The poller, for a wait that does not borrow the table.
    #[inline]
    pub fn poller(&self) -> Poller {
        self.poller.clone()
    }

    /// A handle that interrupts a wait on the poller.
    pub fn waker(&self) -> io::Result<Waker> {
        self.poller.waker()
    }

    /// Watches `fd` for reading; returns the reader that it replaces.
    ///
    /// Fails as [`sys`](crate::engine::sys) says, when the number is not an open
    /// descriptor or is one that cannot be polled; `payload` is then dropped. A
    /// descriptor that was closed in the meantime is no error if it has a reader.
    pub fn set_reader(&mut self, fd: RawFd, payload: C) -> io::Result<Option<C>> {
        self.set(fd, Interest::READ, payload)
    }

    /// Watches `fd` for writing; otherwise as [`set_reader`](Self::set_reader).
    pub fn set_writer(&mut self, fd: RawFd, payload: C) -> io::Result<Option<C>> {
        self.set(fd, Interest::WRITE, payload)
    }

    /// Stops watching `fd` for reading; returns its reader, if it had one.
    ///
    /// A descriptor that was closed in the meantime is no error, unless it still
    /// has a writer: then `EBADF`.
    pub fn remove_reader(&mut self, fd: RawFd) -> io::Result<Option<C>> {
        self.remove(fd, Interest::READ)
    }

    /// Stops watching `fd` for writing; otherwise as [`remove_reader`](Self::remove_reader).
    pub fn remove_writer(&mut self, fd: RawFd) -> io::Result<Option<C>> {
        self.remove(fd, Interest::WRITE)
    }

    /// Takes out both payloads of `fd`, also when the poller does not know the descriptor any more.
    pub fn forget(&mut self, fd: RawFd) -> (Option<C>, Option<C>) {
        let old = self.interest(fd);
        if old.is_none() {
            return (None, None);
        }
        // This fails for a descriptor that was closed, which the poller has forgotten by itself.
        let _ = self.poller.change(fd, old, Interest::NONE);
        let index = usize::try_from(fd).expect("negative descriptors have no interest");
        let Entry { reader, writer } = std::mem::replace(&mut self.table[index], Entry::EMPTY);
        self.watched -= usize::from(reader.is_some()) + usize::from(writer.is_some());
        (reader, writer)
    }

    /// The payload that waits for `fd` to become readable.
    #[inline]
    pub fn reader(&self, fd: RawFd) -> Option<&C> {
        self.entry(fd)?.reader.as_ref()
    }

    /// The payload that waits for `fd` to become writable.
    #[inline]
    pub fn writer(&self, fd: RawFd) -> Option<&C> {
        self.entry(fd)?.writer.as_ref()
    }

    /// What `fd` is watched for.
    pub fn interest(&self, fd: RawFd) -> Interest {
        self.entry(fd).map_or(Interest::NONE, Entry::interest)
    }

    /// The payloads that an event concerns, the reader before the writer.
    ///
    /// There may be none: the descriptor may have been removed after the wait
    /// returned, or have been closed while a duplicate of it lives on.
    #[inline]
    pub fn concerned(&self, event: Event) -> impl Iterator<Item = &C> {
        let entry = self.entry(event.fd);
        let reader = entry.and_then(|entry| entry.reader.as_ref());
        let writer = entry.and_then(|entry| entry.writer.as_ref());
        let reader = reader.filter(|_| event.readable);
        let writer = writer.filter(|_| event.writable);
        reader.into_iter().chain(writer)
    }

    /// Empties the table and hands out the payloads, in the order of the
    /// descriptors. The registrations stay: the poller is about to be closed.
    pub fn into_payloads(self) -> impl Iterator<Item = C> {
        let table = self.table.into_iter();
        table.flat_map(|entry| entry.reader.into_iter().chain(entry.writer))
    }

    /// All watched descriptors, with their readers and writers.
    pub fn entries(&self) -> impl Iterator<Item = (RawFd, Option<&C>, Option<&C>)> {
        (0..).zip(&self.table).filter_map(|(fd, entry)| {
            (!entry.interest().is_none()).then_some((
                fd,
                entry.reader.as_ref(),
                entry.writer.as_ref(),
            ))
        })
    }

    /// The payloads of all watched descriptors.
    pub fn payloads(&self) -> impl Iterator<Item = &C> {
        self.table
            .iter()
            .flat_map(|entry| entry.reader.iter().chain(&entry.writer))
    }

    #[inline]
    fn entry(&self, fd: RawFd) -> Option<&Entry<C>> {
        self.table.get(usize::try_from(fd).ok()?)
    }

    fn set(&mut self, fd: RawFd, direction: Interest, payload: C) -> io::Result<Option<C>> {
        let old = self.interest(fd);
        // This is done even if nothing seems to change: `fd` may have been closed
        // and reopened unnoticed, and this call registers the new file.
        match self.poller.change(fd, old, old | direction) {
            Err(error) if old.contains(direction) && is_closed(&error) => {}
            changed => changed?,
        }
        let index = usize::try_from(fd).expect("the poller refuses negative descriptors");
        if index >= self.table.len() {
            self.table.resize_with(index + 1, || Entry::EMPTY);
        }
        let replaced = self.table[index].side(direction).replace(payload);
        self.watched += usize::from(replaced.is_none());
        Ok(replaced)
    }

    fn remove(&mut self, fd: RawFd, direction: Interest) -> io::Result<Option<C>> {
        let old = self.interest(fd);
        if !old.contains(direction) {
            return Ok(None);
        }
        self.poller.change(fd, old, old.minus(direction))?;
        let index = usize::try_from(fd).expect("negative descriptors have no interest");
        let removed = self.table[index].side(direction).take();
        self.watched -= usize::from(removed.is_some());
        Ok(removed)
    }
}

/// Whether the number is not an open descriptor.
fn is_closed(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EBADF)
}
