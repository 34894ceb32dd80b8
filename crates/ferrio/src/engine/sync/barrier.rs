//! A barrier: nobody passes until so many have come. How they wait is the caller's affair, with a
//! [`Condition`](super::Condition) that all share.

/// The phase of a barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Callers that enter wait for the others.
    Filling,
    /// All callers have entered and are leaving; a new caller waits until they have left.
    Draining,
    /// The barrier was reset: callers that waited leave with an error; a new caller waits until they have left.
    Resetting,
    /// The barrier was aborted: every caller gets an error.
    Broken,
}

/// The error of a barrier that is broken, or that was reset while the caller waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// The outcome of an attempt to enter a barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Not entered, since others are still leaving: the caller waits for a notification and tries again.
    Later,
    /// Entered with this number: the caller waits for notifications until [`Barrier::passed`] returns an outcome.
    Wait(usize),
    /// Entered with this number as the last one: the caller notifies all.
    Last(usize),
}

/// The number of callers at a barrier, and its phase.
#[derive(Debug)]
pub struct Barrier {
    parties: usize,
    count: usize,
    phase: Phase,
}

impl Barrier {
    /// Makes a barrier for `parties` callers, at least one.
    pub const fn new(parties: usize) -> Self {
        Self {
            parties,
            count: 0,
            phase: Phase::Filling,
        }
    }

    /// Returns the number of callers that the barrier waits for.
    pub const fn parties(&self) -> usize {
        self.parties
    }

    /// Returns the number of callers that have entered and not left.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Returns the phase.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Enters the barrier, if possible.
    pub fn enter(&mut self) -> Result<Entry, Broken> {
        match self.phase {
            Phase::Draining | Phase::Resetting => return Ok(Entry::Later),
            Phase::Broken => return Err(Broken),
            Phase::Filling => {}
        }
        let number = self.count;
        self.count += 1;
        if self.count < self.parties {
            return Ok(Entry::Wait(number));
        }
        self.phase = Phase::Draining;
        Ok(Entry::Last(number))
    }

    /// Returns how the wait of a caller that has entered has ended; `None` if it has not.
    pub const fn passed(&self) -> Option<Result<(), Broken>> {
        match self.phase {
            Phase::Filling => None,
            Phase::Draining => Some(Ok(())),
            Phase::Resetting | Phase::Broken => Some(Err(Broken)),
        }
    }

    /// Leaves the barrier, for any reason. Returns `true` for the last one: then the caller notifies all.
    #[must_use = "callers that wait to enter have to be notified"]
    pub fn leave(&mut self) -> bool {
        self.count -= 1;
        if self.count > 0 {
            return false;
        }
        if matches!(self.phase, Phase::Resetting | Phase::Draining) {
            self.phase = Phase::Filling;
        }
        true
    }

    /// Resets the barrier: callers that wait leave with an error. The caller then notifies all.
    pub const fn reset(&mut self) {
        self.phase = if self.count > 0 {
            Phase::Resetting
        } else {
            Phase::Filling
        };
    }

    /// Breaks the barrier for all callers. The caller then notifies all.
    pub const fn abort(&mut self) {
        self.phase = Phase::Broken;
    }
}
