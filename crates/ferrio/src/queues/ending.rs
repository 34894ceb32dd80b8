//! The end of the work, and of the queue.

use crate::engine::sync::TooManyDone;

use super::class::BaseQueue;
use super::moving::Side;
use super::order::{Items, Order};

impl<T, O: Order<T>> BaseQueue<T, O> {
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
}
