//! The monotonic clock, the one that `time.monotonic()` reads on each platform
//! (`CPython`: `Python/pytime.c`, `py_get_monotonic_clock`).

/// Nanoseconds on the monotonic clock.
#[cfg(not(target_vendor = "apple"))]
#[inline]
pub(crate) fn monotonic_nanos() -> u64 {
    nanos(rustix::time::ClockId::Monotonic)
}

#[cfg(not(target_vendor = "apple"))]
#[inline]
fn nanos(clock: rustix::time::ClockId) -> u64 {
    let now = rustix::time::clock_gettime(clock);
    // The clock starts at boot, so neither part is negative and 64 bits last
    // for 584 years. The types differ between platforms.
    #[allow(clippy::cast_sign_loss)]
    let (secs, nanos) = (now.tv_sec as u64, now.tv_nsec as u64);
    secs * 1_000_000_000 + nanos
}

/// Nanoseconds on the monotonic clock.
///
/// `CLOCK_MONOTONIC` of Apple systems goes on while the machine sleeps;
/// `mach_absolute_time`, which `CPython` reads, does not, and `CLOCK_UPTIME_RAW`
/// is the same counter in nanoseconds (`clock_gettime(3)`).
#[cfg(target_vendor = "apple")]
#[inline]
pub(crate) fn monotonic_nanos() -> u64 {
    // SAFETY: the function takes a clock by value and returns a number; there
    // is no memory that it could touch.
    unsafe { libc::clock_gettime_nsec_np(libc::CLOCK_UPTIME_RAW) }
}

/// Nanoseconds on the monotonic clock as of the last tick of the scheduler (`clock_gettime(2)`): a few milliseconds ago, for
/// a quarter of the price.
#[cfg(target_os = "linux")]
#[inline]
pub(crate) fn coarse_nanos() -> u64 {
    nanos(rustix::time::ClockId::MonotonicCoarse)
}

/// The same where there is no such clock.
#[cfg(not(target_os = "linux"))]
#[inline]
pub(crate) fn coarse_nanos() -> u64 {
    monotonic_nanos()
}
