//! The loop's clock: a point in time, and what it is in seconds.
//!
//! There is one clock for timers, and this is its only reader. It is the clock
//! behind Python's `time.monotonic()`, so that a deadline computed from
//! `loop.time()` on one side means the same on the other.
//!
//! Python's unit is the second as a double, the kernel's is the nanosecond as
//! an integer. The conversions below are inverse to each other in the direction
//! that matters: a deadline in seconds becomes the first nanosecond at which
//! `loop.time()` has reached it, so a timer is never early.

// Rounding is what the conversions are about; each `as` below is exact or says
// what it rounds.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

use std::time::Duration;

use crate::engine::sys;

/// A point on the monotonic clock, in nanoseconds from the clock's own origin.
///
/// The clock is `CLOCK_MONOTONIC`, and on Apple systems `CLOCK_UPTIME_RAW`
/// (which is `mach_absolute_time`): what `time.monotonic()` reads there. It
/// does not count the time during which the machine is suspended.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Time(u64);

const NANOS_PER_SEC: f64 = 1e9;

/// Many times what the coarse clock can lag behind, in nanoseconds.
const FAR: u64 = 1_000_000_000;

impl Time {
    /// A time that never comes: a timer at this deadline is never due.
    pub const NEVER: Time = Time(u64::MAX);
    /// The origin of the clock: a timer at this deadline is always due.
    pub const ZERO: Time = Time(0);

    /// Reads the clock. On Linux this is a call into the vDSO, not a system call.
    #[inline]
    pub fn now() -> Time {
        Time(sys::clock::monotonic_nanos())
    }

    /// Whether the time is surely not reached yet, because it is more than a
    /// second away. This is a good deal cheaper than to read the clock; what is
    /// not far may have been reached or not.
    #[inline]
    pub fn is_far(self) -> bool {
        sys::clock::coarse_nanos().saturating_add(FAR) < self.0
    }

    /// The earliest time whose [`as_secs_f64`](Self::as_secs_f64) is at least `secs`.
    ///
    /// Zero, negative numbers and NaN give [`Time::ZERO`]; infinity and
    /// anything past the end of the clock (584 years) give [`Time::NEVER`].
    pub fn from_secs_f64(secs: f64) -> Time {
        if secs.is_nan() || secs <= 0.0 {
            return Time::ZERO;
        }
        let estimate = secs * NANOS_PER_SEC;
        if estimate >= Time::NEVER.0 as f64 {
            return Time::NEVER;
        }
        // The estimate is within two roundings of the answer. Below 2^53 ns
        // (104 days) it is the answer or next to it; above, several nanoseconds
        // share one double, and the first of them is what is wanted.
        let nanos = estimate as u64;
        let reached = |nanos: u64| Time(nanos).as_secs_f64() >= secs;
        if !reached(nanos) {
            if reached(nanos + 1) {
                return Time(nanos + 1);
            }
        } else if nanos == 0 || !reached(nanos - 1) {
            return Time(nanos);
        }
        first_that(nanos, reached)
    }

    /// The time in seconds, rounded once: nanoseconds divided by 1e9, as `CPython`'s
    /// `PyTime_AsSecondsDouble` computes it.
    #[inline]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC
    }

    /// The time in nanoseconds from the origin of the clock.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time that is `nanos` nanoseconds after the origin of the clock.
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Time {
        Time(nanos)
    }

    /// The time that is `duration` after this one; [`Time::NEVER`] past the end of the clock.
    #[inline]
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Time {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Time(self.0.saturating_add(nanos))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[inline]
    pub const fn saturating_since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The smallest integer for which the monotone predicate `holds`, looked for
/// outwards from `near` in doubling steps and then by halving.
fn first_that(near: u64, holds: impl Fn(u64) -> bool) -> Time {
    let mut step = 1;
    let (mut below, mut above);
    if holds(near) {
        above = near;
        loop {
            below = near.saturating_sub(step);
            if below == 0 || !holds(below) {
                break;
            }
            above = below;
            step *= 2;
        }
    } else {
        below = near;
        loop {
            above = near.saturating_add(step);
            if above == u64::MAX || holds(above) {
                break;
            }
            below = above;
            step *= 2;
        }
    }
    // `below` does not hold, `above` does.
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if holds(middle) {
            above = middle;
        } else {
            below = middle;
        }
    }
    Time(above)
}
