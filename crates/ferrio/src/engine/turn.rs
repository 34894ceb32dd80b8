//! One iteration of the loop, in two halves with the wait between them.
//!
//! [`LoopCore`] owns the ready queue, the timers, the descriptor table and the
//! loop's end of the injector, and knows the order in which asyncio's
//! `_run_once` consults them:
//!
//! 1. [`park`](LoopCore::park) decides how long to wait: not at all when
//!    something is ready, else until the first timer, else until something
//!    happens. It hands out a [`Parked`], which holds all that a wait needs.
//! 2. [`Parked::wait`] makes the iteration's one system call. The core is not
//!    borrowed, so the caller may have released whatever lock guards it.
//! 3. [`unpark`](LoopCore::unpark) queues, behind what was ready already, what
//!    other threads injected before it, then the readers and writers that the
//!    poller reported, then the timers that are due, and returns how many
//!    payloads this turn runs.
//! 4. The caller calls [`pop`](LoopCore::pop) that many times, and runs each.
//!
//! The core never runs a payload, and never drops one that it could hand back.

use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::inject::Injector;
use crate::engine::parked::{Parked, closed};
use crate::engine::reactor::Reactor;
use crate::engine::ready::Ready;
use crate::engine::sys::{Event, Events, Interest, PollTimeout};
use crate::engine::time::Time;
use crate::engine::timers::{TimerKey, Timers};

/// The longest wait, one day; asyncio's `MAXIMUM_SELECT_TIMEOUT`.
pub const MAX_WAIT: Duration = Duration::from_secs(24 * 3600);

/// The number of iterations in a row that may leave the system call out while only patient descriptors are watched. With
/// 15, the system call was a tenth of the cost of an iteration with one callback.
const MAX_UNPOLLED: u32 = 255;

/// Whether an iteration may block.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// It may block until there is something to do.
    Allowed,
    /// It only looks for what is ready: the loop is about to stop.
    Never,
}

/// The state of an event loop whose callbacks are of type `C`.
///
/// Other threads hand over values of type `I`, which become payloads when the loop takes them over. So `C` need not be
/// `Send` if `I` is.
#[derive(Debug)]
pub struct LoopCore<C, I = C> {
    ready: Ready<C>,
    timers: Timers<C>,
    /// `None` once the loop is closed.
    reactor: Option<Reactor<C>>,
    injector: Arc<Injector<I>>,
    /// The event buffer, while no [`Parked`] holds it.
    events: Option<Events>,
    /// The number of readers and writers that may be reported a few iterations late.
    patient: usize,
    /// The number of iterations in a row that have not polled.
    unpolled: u32,
    /// The time on the caller's own clock, if it has one.
    own_time: Option<Time>,
}

impl<C> LoopCore<C> {
    /// Makes a loop with nothing to do, to which other threads hand over payloads.
    ///
    /// Opens the poller and the waker; fails when the process has no file
    /// descriptors left for them.
    pub fn new() -> io::Result<LoopCore<C>> {
        LoopCore::with_injected()
    }
}

impl<C, I: Into<C>> LoopCore<C, I> {
    /// Makes a loop to which other threads hand over values that become payloads; otherwise as [`new`](LoopCore::new).
    pub fn with_injected() -> io::Result<LoopCore<C, I>> {
        let reactor = Reactor::new()?;
        let injector = Arc::new(Injector::new(reactor.waker()?));
        Ok(LoopCore {
            ready: Ready::new(),
            timers: Timers::new(),
            reactor: Some(reactor),
            injector,
            events: None,
            patient: 0,
            unpolled: 0,
            own_time: None,
        })
    }

    /// Returns the way in for other threads.
    pub fn injector(&self) -> Arc<Injector<I>> {
        Arc::clone(&self.injector)
    }

    /// Queues a payload (`call_soon`), behind what other threads have injected so far: order is order of arrival.
    #[inline]
    pub fn push(&mut self, payload: C) {
        if self.injector.is_empty() && self.ready.has_room() {
            self.ready.push(payload);
        } else {
            self.push_behind(payload);
        }
    }

    /// Does the same when something was injected or the queue has to grow. A function of its own, since one that calls others
    /// has to save registers.
    #[cold]
    fn push_behind(&mut self, payload: C) {
        self.injector.drain_into(&mut self.ready);
        self.ready.push(payload);
    }

    /// Queues a payload for when the clock reads `at` or more (`call_at`).
    pub fn schedule(&mut self, at: Time, payload: C) -> TimerKey {
        self.timers.schedule(at, payload)
    }

    /// Takes a timer back; `None` when it is no longer scheduled.
    pub fn cancel(&mut self, key: TimerKey) -> Option<C> {
        self.timers.cancel(key)
    }

    /// Returns the payload of a timer; `None` when it is no longer scheduled.
    pub fn timer(&self, key: TimerKey) -> Option<&C> {
        self.timers.get(key)
    }

    /// Whether a timer is still scheduled: neither cancelled nor due.
    pub fn is_scheduled(&self, key: TimerKey) -> bool {
        self.timers.contains(key)
    }

    /// Returns the number of ready payloads, without those that other threads have injected and the loop has not taken over.
    #[inline]
    pub fn ready_len(&self) -> usize {
        self.ready.len()
    }

    /// Watches `fd` for reading (`add_reader`); returns the payload that it replaces.
    ///
    /// On an error nothing has changed, and `payload` is dropped: `EBADF` when
    /// the number is not an open descriptor (or the loop is closed), on Linux
    /// `EPERM` for a regular file or a directory (`epoll_ctl(2)`).
    pub fn set_reader(&mut self, fd: RawFd, payload: C) -> io::Result<Option<C>> {
        self.reactor_mut()?.set_reader(fd, payload)
    }

    /// Watches `fd` for writing; otherwise as [`set_reader`](Self::set_reader).
    pub fn set_writer(&mut self, fd: RawFd, payload: C) -> io::Result<Option<C>> {
        self.reactor_mut()?.set_writer(fd, payload)
    }

    /// Stops watching `fd` for reading; returns its payload, if it had one.
    ///
    /// It is no error that the descriptor was closed before, unless it has a
    /// writer too: then `EBADF`, and nothing has changed.
    pub fn remove_reader(&mut self, fd: RawFd) -> io::Result<Option<C>> {
        self.reactor
            .as_mut()
            .map_or(Ok(None), |reactor| reactor.remove_reader(fd))
    }

    /// Stops watching `fd`, even if it was closed, and returns its reader and its writer.
    pub fn forget(&mut self, fd: RawFd) -> (Option<C>, Option<C>) {
        let reactor = self.reactor.as_mut();
        reactor.map_or((None, None), |reactor| reactor.forget(fd))
    }

    /// Stops watching `fd` for writing; otherwise as [`remove_reader`](Self::remove_reader).
    pub fn remove_writer(&mut self, fd: RawFd) -> io::Result<Option<C>> {
        self.reactor
            .as_mut()
            .map_or(Ok(None), |reactor| reactor.remove_writer(fd))
    }

    /// Returns the payload that waits for `fd` to become readable.
    pub fn reader(&self, fd: RawFd) -> Option<&C> {
        self.reactor.as_ref()?.reader(fd)
    }

    /// Returns the payload that waits for `fd` to become writable.
    pub fn writer(&self, fd: RawFd) -> Option<&C> {
        self.reactor.as_ref()?.writer(fd)
    }

    /// Returns what `fd` is watched for.
    pub fn interest(&self, fd: RawFd) -> Interest {
        self.reactor
            .as_ref()
            .map_or(Interest::NONE, |reactor| reactor.interest(fd))
    }

    /// Sets the number of readers and writers that may be reported a few iterations late while payloads are ready. If there
    /// are no others, most iterations with something to run need no system call.
    pub const fn set_patient(&mut self, readers_and_writers: usize) {
        self.patient = readers_and_writers;
    }

    /// Sets the current time, for a caller with a clock of its own, which calls this before each [`park`](Self::park) and
    /// [`unpark`](Self::unpark). `None` means the system's clock.
    pub const fn set_own_time(&mut self, now: Option<Time>) {
        self.own_time = now;
    }

    fn now(&self) -> Time {
        self.own_time.unwrap_or_else(Time::now)
    }

    /// Makes a whole iteration without a poll, if something is ready and all watched descriptors are patient.
    ///
    /// Queues what other threads have injected and the timers that are due, and returns how many payloads this turn runs;
    /// `None` when it is time for [`park`](Self::park).
    pub fn turn_without_poll(&mut self) -> Option<usize> {
        let patient = self
            .reactor
            .as_ref()
            .is_some_and(|reactor| reactor.watched() <= self.patient);
        if self.ready.is_empty() || !patient || self.unpolled >= MAX_UNPOLLED {
            return None;
        }
        self.unpolled += 1;
        self.injector.drain_into(&mut self.ready);
        self.queue_due_timers();
        Some(self.ready.len())
    }

    /// Makes the first half of an iteration: decides how long to wait.
    ///
    /// Everything that the wait needs moves into the [`Parked`], which must come
    /// back through [`unpark`](Self::unpark).
    pub fn park(&mut self, block: Block) -> Parked {
        let timeout = self.poll_timeout(block);
        self.park_with(timeout)
    }

    fn park_with(&mut self, mut timeout: PollTimeout) -> Parked {
        let may_block = timeout != PollTimeout::Now;
        let announced = may_block && self.injector.begin_park();
        if !announced {
            timeout = PollTimeout::Now;
        }
        Parked {
            poller: self.reactor.as_ref().map(Reactor::poller),
            events: self.events.take().unwrap_or_default(),
            timeout,
            announced,
            refused: may_block && !announced,
            unpolled: std::mem::take(&mut self.unpolled),
        }
    }

    /// Decides again how long a [`park`](Self::park)ed iteration waits, after code has run that may have queued something.
    pub fn park_again(&mut self, parked: &mut Parked, block: Block) {
        parked.timeout = self.poll_timeout(block);
    }

    /// Makes the second half of an iteration: queues what has become ready, and
    /// returns how many payloads this turn runs.
    ///
    /// `outcome` is what [`Parked::wait`] returned. Being interrupted by a
    /// signal is not an error here: the turn goes on without events, and the
    /// caller, who has seen the outcome, runs its signal handlers. Any other
    /// error is returned, and nothing that was queued is lost.
    ///
    /// A reader or writer stays registered when it fires; `duplicate` makes the
    /// copy that is queued.
    ///
    /// The order is asyncio's. What other threads injected before this call was
    /// put on asyncio's queue while its selector still waited, so it comes
    /// first; then I/O, in the poller's order and the reader of a descriptor
    /// before its writer; then the timers whose deadline is not after now.
    pub fn unpark(
        &mut self,
        parked: Parked,
        outcome: io::Result<()>,
        mut duplicate: impl FnMut(&C) -> C,
    ) -> io::Result<usize> {
        self.end_wait(parked.announced);
        let events = self.events.insert(parked.events);
        match outcome {
            Ok(()) => {
                if let Some(reactor) = &self.reactor {
                    for payload in events.iter().flat_map(|event| reactor.concerned(event)) {
                        self.ready.push(duplicate(payload));
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        self.queue_due_timers();
        Ok(self.ready.len())
    }

    /// Makes the first half of an iteration whose timeout the caller decides: the wait lasts for at most `limit`, or without
    /// a limit, whatever is ready or scheduled.
    pub fn park_for(&mut self, limit: Option<Duration>) -> Parked {
        let timeout = match limit {
            None => PollTimeout::Forever,
            Some(Duration::ZERO) => PollTimeout::Now,
            Some(limit) => PollTimeout::After(limit),
        };
        self.park_with(timeout)
    }

    /// Makes the second half of such an iteration: takes over what other threads have injected. Returns the events, whose
    /// payloads are not queued, and whether another thread has injected something or woken the loop up. There are no events
    /// if the wait was interrupted.
    pub fn unpark_events(
        &mut self,
        parked: Parked,
        outcome: io::Result<()>,
    ) -> io::Result<(Vec<Event>, bool)> {
        let before = self.ready.len();
        self.end_wait(parked.announced);
        let mut woken = parked.refused || self.ready.len() > before;
        let events = self.events.insert(parked.events);
        match outcome {
            Ok(()) => {
                let seen: Vec<Event> = events.iter().collect();
                woken |= seen.is_empty() && !events.is_empty();
                Ok((seen, woken))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok((Vec::new(), woken)),
            Err(error) => Err(error),
        }
    }

    /// Takes over what other threads have injected so far. Returns the number of ready payloads.
    pub fn take_over_injected(&mut self) -> usize {
        self.injector.drain_into(&mut self.ready);
        self.ready.len()
    }

    /// Takes out all ready payloads, with those that other threads have injected so far.
    pub fn take_ready(&mut self) -> VecDeque<C> {
        self.injector.drain_into(&mut self.ready);
        self.ready.take()
    }

    /// Returns the ready payload at an index of the queue, which does not include injected payloads that were not taken over.
    pub fn ready_at(&self, index: usize) -> Option<&C> {
        self.ready.get(index)
    }

    /// Puts payloads in front of all ready ones.
    pub fn put_ready_first(&mut self, payloads: VecDeque<C>) {
        self.ready.put_first(payloads);
    }

    /// Takes out all timers, in the order of their deadlines.
    pub fn take_timers(&mut self) -> Vec<C> {
        self.timers.drain().collect()
    }

    /// Returns the timer that is due first, without taking it out.
    pub fn first_timer(&mut self) -> Option<(Time, TimerKey, &C)> {
        self.timers.first()
    }

    /// Returns the number of cancelled timers that are still in the heap.
    pub fn cancelled_timers(&self) -> usize {
        self.timers.tombstones()
    }

    /// Returns all watched descriptors, with their readers and writers.
    pub fn watched(&self) -> impl Iterator<Item = (RawFd, Option<&C>, Option<&C>)> {
        self.reactor.iter().flat_map(Reactor::entries)
    }

    /// Returns the poller's own descriptor; `None` when the loop is closed.
    pub fn poller_fd(&self) -> Option<RawFd> {
        Some(self.reactor.as_ref()?.poller().fd())
    }

    /// Takes the next payload to run. A turn takes at most as many as [`unpark`](Self::unpark) returned.
    #[inline]
    pub fn pop(&mut self) -> Option<C> {
        self.ready.pop()
    }

    /// Returns all payloads that the loop holds, for a garbage collector to look at, except those that other threads have
    /// injected and the loop has not taken over yet.
    pub fn payloads(&self) -> impl Iterator<Item = &C> {
        let watched = self.reactor.iter().flat_map(Reactor::payloads);
        self.ready
            .iter()
            .chain(self.timers.payloads())
            .chain(watched)
    }

    /// Closes the loop: empties everything and hands all payloads back, for the
    /// caller to drop when the core is no longer borrowed.
    ///
    /// The poller's and the waker's descriptors are closed, even if an
    /// [`Injector`] lives on; a [`Parked`] that is still out keeps the poller's
    /// until it is dropped. Calling this again returns nothing.
    pub fn close(&mut self) -> Vec<C> {
        let mut payloads: Vec<C> = self.ready.drain().collect();
        payloads.extend(self.injector.close().into_iter().map(Into::into));
        payloads.extend(self.timers.drain());
        if let Some(reactor) = self.reactor.take() {
            payloads.extend(reactor.into_payloads());
        }
        self.events = None;
        payloads
    }

    /// Takes over what other threads have injected before the wait was over.
    fn end_wait(&mut self, announced: bool) {
        if announced {
            self.injector.end_park(&mut self.ready);
        } else {
            self.injector.drain_into(&mut self.ready);
        }
    }

    /// Returns how long the iteration may wait: until the first timer, and not at all if there is something to run.
    fn poll_timeout(&mut self, block: Block) -> PollTimeout {
        if block == Block::Never || !self.ready.is_empty() || !self.injector.is_empty() {
            return PollTimeout::Now;
        }
        match self.timers.next_deadline() {
            None => PollTimeout::Forever,
            Some(at) => match at.saturating_since(self.now()) {
                Duration::ZERO => PollTimeout::Now,
                left => PollTimeout::After(left.min(MAX_WAIT)),
            },
        }
    }

    /// Returns the time at which the first timer is due.
    pub fn next_timer(&mut self) -> Option<Time> {
        self.timers.next_deadline()
    }

    /// Queues the timers that are due.
    pub fn queue_due_timers(&mut self) {
        let is_far = |at: Time| self.own_time.is_none() && at.is_far();
        if self.timers.next_deadline().is_none_or(is_far) {
            return; // The clock need not be read.
        }
        let now = self.now();
        while let Some(payload) = self.timers.pop_due(now) {
            self.ready.push(payload);
        }
    }

    fn reactor_mut(&mut self) -> io::Result<&mut Reactor<C>> {
        self.reactor.as_mut().ok_or_else(closed)
    }
}
