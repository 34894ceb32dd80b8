//! [`Semaphore`] and [`BoundedSemaphore`]: a limited number of holders at a time.

use std::fmt;

use crate::engine::sync::ReleasedTooOften;

use super::permits::{Permits, SemaphoreAcquire, SemaphoreGuard};

/// A number of permits, which tasks take and give back; asyncio's class of this name.
///
/// Clones are the same semaphore.
///
/// ```
/// use std::time::Duration;
/// use ferrio::{Semaphore, sleep, spawn};
///
/// async fn request(limit: Semaphore, number: u32) -> Result<u32, ferrio::Cancelled> {
///     let _permit = limit.acquire().await?; // No more than two at a time.
///     sleep(Duration::from_millis(1)).await?;
///     Ok(number)
/// }
///
/// ferrio::run(async {
///     let limit = Semaphore::new(2);
///     let tasks: Vec<_> = (0..5).map(|number| spawn(request(limit.clone(), number))).collect();
///     for (number, task) in (0..).zip(tasks) {
///         assert_eq!(task.await??, number);
///     }
///     Ok::<(), ferrio::JoinError>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Semaphore(Permits);

impl Semaphore {
    /// Makes a semaphore with `value` permits; [`usize::MAX`] is without a limit.
    pub fn new(value: usize) -> Semaphore {
        Semaphore(Permits::new(value))
    }

    /// Whether one who asks for a permit has to wait: none is free, or others wait already.
    pub fn locked(&self) -> bool {
        self.0.locked()
    }

    /// Waits until a permit is free and all who came before have had one, and takes it.
    ///
    /// Fails when the task is cancelled while it waits.
    ///
    /// ```
    /// ferrio::run(async {
    ///     let semaphore = ferrio::Semaphore::new(0);
    ///     let waiting = ferrio::spawn(semaphore.acquire());
    ///     semaphore.release();
    ///     let _permit = waiting.await??;
    ///     assert!(semaphore.locked());
    ///     Ok::<(), ferrio::JoinError>(())
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn acquire(&self) -> SemaphoreAcquire {
        self.0.acquire()
    }

    /// Takes a permit if one is free and nobody waits.
    ///
    /// ```
    /// let semaphore = ferrio::Semaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert!(semaphore.try_acquire().is_none());
    /// # drop(permit);
    /// ```
    pub fn try_acquire(&self) -> Option<SemaphoreGuard> {
        self.0.try_acquire()
    }

    /// Adds a permit, or gives back one that a guard has [forgotten](SemaphoreGuard::forget).
    ///
    /// ```
    /// let semaphore = ferrio::Semaphore::new(0);
    /// semaphore.release();
    /// assert!(semaphore.try_acquire().is_some());
    /// ```
    pub fn release(&self) {
        // Only a bounded semaphore refuses.
        let _ = self.0.release();
    }
}

/// A semaphore with one permit.
impl Default for Semaphore {
    fn default() -> Semaphore {
        Semaphore::new(1)
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe("Semaphore", f)
    }
}

/// A semaphore that never has more permits than at first; asyncio's class of this name.
///
/// Otherwise it is a [`Semaphore`].
///
/// ```
/// let semaphore = ferrio::BoundedSemaphore::new(1);
/// semaphore.try_acquire().unwrap().forget();
/// semaphore.release()?;
/// let error = semaphore.release().unwrap_err();
/// assert_eq!(error.to_string(), "BoundedSemaphore released too many times");
/// # Ok::<(), ferrio::ReleasedTooOften>(())
/// ```
#[derive(Clone)]
pub struct BoundedSemaphore(Permits);

impl BoundedSemaphore {
    /// Makes a semaphore with `value` permits.
    pub fn new(value: usize) -> BoundedSemaphore {
        BoundedSemaphore(Permits::bounded(value))
    }

    /// As [`Semaphore::locked`].
    pub fn locked(&self) -> bool {
        self.0.locked()
    }

    /// As [`Semaphore::acquire`].
    pub fn acquire(&self) -> SemaphoreAcquire {
        self.0.acquire()
    }

    /// As [`Semaphore::try_acquire`].
    pub fn try_acquire(&self) -> Option<SemaphoreGuard> {
        self.0.try_acquire()
    }

    /// Gives back a permit that a guard has [forgotten](SemaphoreGuard::forget).
    ///
    /// Fails when all permits are free.
    pub fn release(&self) -> Result<(), ReleasedTooOften> {
        self.0.release()
    }
}

/// A semaphore with one permit.
impl Default for BoundedSemaphore {
    fn default() -> BoundedSemaphore {
        BoundedSemaphore::new(1)
    }
}

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe("BoundedSemaphore", f)
    }
}
