//! When a protocol is told to pause and to resume writing: asyncio's
//! `transports._FlowControlMixin` as a state machine.
//!
//! It knows the two water marks and whether the protocol is paused. The transport
//! passes the size of its buffer each time this changes. The protocol is never
//! called here; the return value says whether to call it.

/// The high-water mark of a transport that has not been told otherwise, in bytes.
const DEFAULT_HIGH: usize = 64 * 1024;

/// Water marks, and whether the protocol has been told to pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowControl {
    low: usize,
    high: usize,
    paused: bool,
}

/// Water marks that contradict each other: `low` is above `high` (in bytes).
///
/// The text is that of asyncio's `ValueError`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("high ({high}) must be >= low ({low}) must be >= 0")]
pub struct LimitsError {
    /// The high-water mark after defaulting.
    pub high: usize,
    /// The low-water mark after defaulting.
    pub low: usize,
}

impl FlowControl {
    /// asyncio's defaults: pause above 64 KiB, resume at 16 KiB.
    pub const fn new() -> FlowControl {
        FlowControl {
            low: DEFAULT_HIGH / 4,
            high: DEFAULT_HIGH,
            paused: false,
        }
    }

    /// The low and the high water mark, in bytes: what
    /// `get_write_buffer_limits` returns, in its order.
    pub const fn limits(&self) -> (usize, usize) {
        (self.low, self.high)
    }

    /// Sets the water marks, in bytes.
    ///
    /// The defaults are asyncio's: `high` is four times `low`, or 64 KiB when
    /// neither is given; `low` is a quarter of `high`. On an error nothing has
    /// changed.
    ///
    /// As in asyncio, this alone tells the protocol nothing: call
    /// [`grew`](Self::grew) with the size of the buffer afterwards.
    pub fn set_limits(
        &mut self,
        high: Option<usize>,
        low: Option<usize>,
    ) -> Result<(), LimitsError> {
        let high = high.unwrap_or_else(|| low.map_or(DEFAULT_HIGH, |low| low.saturating_mul(4)));
        let low = low.unwrap_or(high / 4);
        if high < low {
            return Err(LimitsError { high, low });
        }
        (self.low, self.high) = (low, high);
        Ok(())
    }

    /// The buffer has grown to `size` bytes. True: tell the protocol to pause
    /// (`pause_writing`), which is said once.
    #[must_use = "the protocol is told to pause only here"]
    pub fn grew(&mut self, size: usize) -> bool {
        let pause = !self.paused && size > self.high;
        self.paused |= pause;
        pause
    }

    /// The buffer has shrunk to `size` bytes. True: tell the protocol to resume
    /// (`resume_writing`), which is said once after each pause.
    #[must_use = "the protocol is told to resume only here"]
    pub fn shrank(&mut self, size: usize) -> bool {
        let resume = self.paused && size <= self.low;
        self.paused &= !resume;
        resume
    }

    /// Whether the protocol has been told to pause, and not yet to resume.
    pub const fn is_paused(&self) -> bool {
        self.paused
    }
}

impl Default for FlowControl {
    fn default() -> FlowControl {
        FlowControl::new()
    }
}
