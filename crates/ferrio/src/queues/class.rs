//! [`BaseQueue`], and the three queues.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::engine::sync;
use crate::locks::{Event, Waiting};

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
pub struct BaseQueue<T, O: Order<T>>(pub(super) Rc<Inner<T, O>>);

pub(super) struct Inner<T, O: Order<T>> {
    pub queue: RefCell<sync::Queue<Waiting>>,
    pub items: O::Items,
    /// Set while no item is unfinished.
    pub finished: Event,
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
