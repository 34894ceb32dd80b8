//! [`BaseQueue`], and the three queues: what does not wait.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::engine::sync::{self, Refused, TooManyDone, Waiters};
use crate::locks::{Event, Waiting, wake};

use super::errors::{TryGetError, TryPutError};
use super::getting::QueueGet;
use super::joining::QueueJoin;
use super::order::{Fifo, Items, Lifo, Order, Priority};
use super::putting::QueuePut;

/// A queue whose items leave in the order in which they came; asyncio's class of this name.
///
/// Its methods are those of [`BaseQueue`].
///
/// ```
/// use ferrio::{Queue, spawn};
///
/// ferrio::run(async {
///     let queue = Queue::new(2); // With more than two items, put waits.
///     let producer = queue.clone();
///     drop(spawn(async move {
///         for number in 1..=5 {
///             producer.put(number).await?;
///         }
///         producer.shutdown(false);
///         Ok::<(), ferrio::PutError>(())
///     }));
///     let mut sum = 0;
///     while let Ok(number) = queue.get().await {
///         sum += number;
///     }
///     assert_eq!(sum, 15);
/// })?;
/// # Ok::<(), ferrio::RunError>(())
/// ```
pub type Queue<T> = BaseQueue<T, Fifo>;

/// A queue whose last item leaves first; asyncio's class of this name.
///
/// ```
/// let stack = ferrio::LifoQueue::new(0);
/// stack.put_nowait(1)?;
/// stack.put_nowait(2)?;
/// assert_eq!(stack.get_nowait()?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type LifoQueue<T> = BaseQueue<T, Lifo>;

/// A queue whose least item leaves first, by its [`Ord`]; asyncio's class of this name. Equal items leave in any order.
///
/// ```
/// let queue = ferrio::PriorityQueue::new(0);
/// queue.put_nowait((2, "later"))?;
/// queue.put_nowait((1, "first"))?;
/// assert_eq!(queue.get_nowait()?, (1, "first"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type PriorityQueue<T> = BaseQueue<T, Priority>;

/// A queue of items of the type `T`, which leave in the order `O`: [`Queue`], [`LifoQueue`] or [`PriorityQueue`].
///
/// A function that takes any queue is generic over the order. Clones are the same queue.
///
/// ```
/// use ferrio::{BaseQueue, LifoQueue, Order, Queue};
///
/// fn fill<O: Order<u8>>(queue: &BaseQueue<u8, O>) {
///     while !queue.is_full() {
///         queue.put_nowait(7).unwrap();
///     }
/// }
///
/// let (queue, stack) = (Queue::new(3), LifoQueue::new(2));
/// fill(&queue);
/// fill(&stack);
/// assert_eq!((queue.len(), stack.len()), (3, 2));
/// ```
pub struct BaseQueue<T, O: Order<T>>(Rc<Inner<T, O>>);

struct Inner<T, O: Order<T>> {
    queue: RefCell<sync::Queue<Waiting>>,
    items: O::Items,
    /// Set while no item is unfinished.
    finished: Event,
}

/// A line of waiters of a queue.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// Those who wait for an item.
    Getters,
    /// Those who wait for room.
    Putters,
}

impl<T, O: Order<T>> BaseQueue<T, O> {
    /// Makes a queue for at most `maxsize` items; 0 means no limit.
    pub fn new(maxsize: usize) -> Self {
        let finished = Event::new();
        finished.set();
        BaseQueue(Rc::new(Inner {
            queue: RefCell::new(sync::Queue::new((maxsize > 0).then_some(maxsize))),
            items: O::Items::default(),
            finished,
        }))
    }

    /// Returns the largest number of items; 0 means no limit.
    pub fn maxsize(&self) -> usize {
        self.0.queue.borrow().limit.unwrap_or(0)
    }

    /// Returns the number of items; asyncio's `qsize`.
    pub fn len(&self) -> usize {
        self.0.items.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room. A queue without a limit is never full.
    pub fn is_full(&self) -> bool {
        self.0.queue.borrow().is_full(self.len())
    }

    /// Puts an item in, and waits for room before if the queue is full.
    ///
    /// Fails when the queue is shut down, and when the task is cancelled while it waits; the item is in the future then.
    ///
    /// ```
    /// ferrio::run(async {
    ///     let queue = ferrio::Queue::new(1);
    ///     queue.put("one").await?;
    ///     let second = ferrio::spawn(queue.put("two"));
    ///     assert_eq!(queue.get().await?, "one");
    ///     second.await??;
    ///     assert_eq!(queue.get().await?, "two");
    ///     Ok::<(), Box<dyn std::error::Error>>(())
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put(&self, item: T) -> QueuePut<T, O> {
        QueuePut::new(self, item)
    }

    /// Puts an item in, or gives it back if the queue is full or shut down.
    ///
    /// ```
    /// use ferrio::{Queue, TryPutError};
    ///
    /// let queue = Queue::new(1);
    /// queue.put_nowait(1)?;
    /// assert_eq!(queue.put_nowait(2), Err(TryPutError::Full(2)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_nowait(&self, item: T) -> Result<(), TryPutError<T>> {
        let may_put = self.0.queue.borrow().may_put(self.is_full());
        match may_put {
            Ok(()) => {}
            Err(Refused::Wait) => return Err(TryPutError::Full(item)),
            Err(Refused::ShutDown) => return Err(TryPutError::ShutDown(item)),
        }
        // Also if a comparison panics: the item is in the queue then.
        let _then = Finally(|| {
            let mut gone = Vec::new();
            let getter = self.0.queue.borrow_mut().added(&mut gone);
            self.0.finished.clear();
            wake(getter.and_then(|getter| getter.mark()));
        });
        self.0.items.push(item);
        Ok(())
    }

    /// Takes an item out, and waits for one before if the queue is empty.
    ///
    /// Fails when the queue is shut down and empty, and when the task is cancelled while it waits.
    ///
    /// ```
    /// ferrio::run(async {
    ///     let queue = ferrio::Queue::new(0);
    ///     let getter = ferrio::spawn(queue.get());
    ///     queue.put("item").await?;
    ///     assert_eq!(getter.await??, "item");
    ///     Ok::<(), Box<dyn std::error::Error>>(())
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self) -> QueueGet<T, O> {
        QueueGet::new(self)
    }

    /// Takes an item out, if there is one.
    ///
    /// ```
    /// let queue = ferrio::Queue::<u8>::new(0);
    /// assert_eq!(queue.get_nowait(), Err(ferrio::TryGetError::Empty));
    /// ```
    pub fn get_nowait(&self) -> Result<T, TryGetError> {
        if self.0.items.available() == 0 {
            return match self.0.queue.borrow().may_get(self.is_empty()) {
                Err(Refused::ShutDown) => Err(TryGetError::ShutDown),
                Err(Refused::Wait) | Ok(()) => Err(TryGetError::Empty),
            };
        }
        // Also if a comparison panics: there is room then.
        let _then = Finally(|| {
            let mut gone = Vec::new();
            let putter = self.0.queue.borrow_mut().taken(&mut gone);
            wake(putter.and_then(|putter| putter.mark()));
        });
        self.0.items.pop().ok_or(TryGetError::Empty)
    }

    /// Says that an item that was taken out has been dealt with. When all have been, [`join`](Self::join) ends.
    ///
    /// Fails when it is called more often than items were put in.
    ///
    /// ```
    /// let queue = ferrio::Queue::new(0);
    /// queue.put_nowait(1)?;
    /// queue.get_nowait()?;
    /// queue.task_done()?;
    /// let error = queue.task_done().unwrap_err();
    /// assert_eq!(error.to_string(), "task_done() called too many times");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn task_done(&self) -> Result<(), TooManyDone> {
        let are_all_done = self.0.queue.borrow_mut().done()?;
        if are_all_done {
            self.0.finished.set();
        }
        Ok(())
    }

    /// Waits until [`task_done`](Self::task_done) was called for each item that was put in.
    ///
    /// Fails when the task is cancelled while it waits.
    ///
    /// ```
    /// ferrio::run(async {
    ///     let queue = ferrio::Queue::new(0);
    ///     queue.put("work").await?;
    ///     let worker = queue.clone();
    ///     drop(ferrio::spawn(async move {
    ///         worker.get().await?;
    ///         worker.task_done()?;
    ///         Ok::<(), Box<dyn std::error::Error>>(())
    ///     }));
    ///     queue.join().await?;
    ///     Ok::<(), Box<dyn std::error::Error>>(())
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join(&self) -> QueueJoin<T, O> {
        QueueJoin::new(self)
    }

    /// Shuts the queue down: nothing can be put in any more, and one who gets fails when the queue is empty. Those who wait
    /// are woken.
    ///
    /// With `immediate` the items are dropped and count as done.
    ///
    /// ```
    /// use ferrio::{Queue, TryGetError};
    ///
    /// let queue = Queue::new(0);
    /// queue.put_nowait(1)?;
    /// queue.shutdown(false);
    /// assert_eq!(queue.get_nowait(), Ok(1));
    /// assert_eq!(queue.get_nowait(), Err(TryGetError::ShutDown));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shutdown(&self, immediate: bool) {
        let mut queue = self.0.queue.borrow_mut();
        queue.shut_down = true;
        let dropped = immediate.then(|| self.0.items.take());
        for _ in 0..dropped.as_ref().map_or(0, Items::len) {
            // `task_done` may have been called for an item before it was taken out.
            let _ = queue.done();
        }
        let are_all_done = immediate && queue.unfinished == 0;
        drop(queue);
        if are_all_done {
            self.0.finished.set();
        }
        while self.wake_next(Side::Getters) {}
        while self.wake_next(Side::Putters) {}
        drop(dropped);
    }

    pub(super) fn is_unfinished(&self) -> bool {
        self.0.queue.borrow().unfinished > 0
    }

    pub(super) fn finished(&self) -> &Event {
        &self.0.finished
    }

    /// Whether there are items, but all of them are being compared.
    pub(super) fn is_busy(&self) -> bool {
        self.0.items.available() < self.0.items.len()
    }

    pub(super) fn enqueue(&self, side: Side, waiter: Waiting) {
        side.line(&mut self.0.queue.borrow_mut()).push(waiter);
    }

    /// Takes one who gives up out of the line. If he was woken, and not in vain, wakes the next one.
    pub(super) fn give_up(&self, side: Side, waiter: &Waiting) {
        let me = side
            .line(&mut self.0.queue.borrow_mut())
            .remove(waiter.is_me());
        drop(me);
        let in_vain = match side {
            Side::Getters => self.is_empty(),
            Side::Putters => self.is_full(),
        };
        if waiter.is_woken() && !in_vain {
            self.wake_next(side);
        }
    }

    /// Wakes the first in a line. Returns whether there was one.
    fn wake_next(&self, side: Side) -> bool {
        let mut gone = Vec::new();
        let next = side
            .line(&mut self.0.queue.borrow_mut())
            .pop_waiting(&mut gone);
        let is_any = next.is_some();
        wake(next.and_then(|next| next.mark()));
        is_any
    }
}

impl Side {
    const fn line(self, queue: &mut sync::Queue<Waiting>) -> &mut Waiters<Waiting> {
        match self {
            Side::Getters => &mut queue.getters,
            Side::Putters => &mut queue.putters,
        }
    }
}

/// Calls a function when it is dropped.
struct Finally<F: FnMut()>(F);

impl<F: FnMut()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<T, O: Order<T>> Clone for BaseQueue<T, O> {
    fn clone(&self) -> Self {
        BaseQueue(Rc::clone(&self.0))
    }
}

/// A queue without a limit.
impl<T, O: Order<T>> Default for BaseQueue<T, O> {
    fn default() -> Self {
        BaseQueue::new(0)
    }
}

/// As asyncio's `str`, with the number of items in place of the items.
impl<T, O: Order<T>> fmt::Debug for BaseQueue<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (maxsize, items) = (self.maxsize(), self.len());
        let queue = self.0.queue.borrow();
        write!(f, "<Queue maxsize={maxsize}")?;
        let counts = [
            (" _queue[", items, "]"),
            (" _getters[", queue.getters.len(), "]"),
            (" _putters[", queue.putters.len(), "]"),
            (" tasks=", queue.unfinished, ""),
        ];
        for (before, count, after) in counts {
            if count > 0 {
                write!(f, "{before}{count}{after}")?;
            }
        }
        f.write_str(if queue.shut_down { " shutdown>" } else { ">" })
    }
}
