//! A barrier: nobody passes until so many have come. How they wait is the caller's affair, with a
//! [`Condition`](super::Condition) that all share.

/// In which phase a barrier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Those who come wait for the others.
    Filling,
    /// All have come and leave; who comes now waits until they have left.
    Draining,
    /// It was reset: those who waited leave with an error, and who comes now waits until they have left.
    Resetting,
    /// It was aborted: everybody gets an error.
    Broken,
}

/// A barrier is broken, or was reset while one waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// What somebody finds who comes to a barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Others are still leaving: wait for a notification and come again.
    Later,
    /// In, with this number: wait for notifications until [`Barrier::passed`] says how it went.
    Wait(usize),
    /// In, with this number, and the last one: notify all.
    Last(usize),
}

/// How many are at a barrier, and in which phase it is.
#[derive(Debug)]
pub struct Barrier {
    parties: usize,
    count: usize,
    phase: Phase,
}

impl Barrier {
    /// A barrier for so many, at least one.
    pub const fn new(parties: usize) -> Self {
        Self {
            parties,
            count: 0,
            phase: Phase::Filling,
        }
    }

    /// How many it takes.
    pub const fn parties(&self) -> usize {
        self.parties
    }

    /// How many are in it, waiting or leaving.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// In which phase it is.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Somebody comes.
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

    /// How waiting has ended; `None` if it has not.
    pub const fn passed(&self) -> Option<Result<(), Broken>> {
        match self.phase {
            Phase::Filling => None,
            Phase::Draining => Some(Ok(())),
            Phase::Resetting | Phase::Broken => Some(Err(Broken)),
        }
    }

    /// Somebody who was in leaves, for whatever reason. True if it was the last: notify all.
    #[must_use = "those who wait to come in are to be notified"]
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

    /// Sends away those who wait, with an error, and begins anew. Notify all.
    pub const fn reset(&mut self) {
        self.phase = if self.count > 0 {
            Phase::Resetting
        } else {
            Phase::Filling
        };
    }

    /// Breaks the barrier for everybody. Notify all.
    pub const fn abort(&mut self) {
        self.phase = Phase::Broken;
    }
}
