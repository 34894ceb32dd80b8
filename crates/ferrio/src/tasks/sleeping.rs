//! Waiting for a time, or for the next iteration.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::engine::Time;
use crate::runtime::time_of;
use crate::task::{Cancelled, take_cancellation};

use super::alarm::Alarm;

/// Waits for `delay`; `asyncio.sleep`. With no delay it waits for the next iteration, as [`yield_now`] does.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// ferrio::run(async {
///     let start = Instant::now();
///     ferrio::sleep(Duration::from_millis(20)).await?;
///     assert!(start.elapsed() >= Duration::from_millis(20));
///     Ok::<(), ferrio::Cancelled>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sleep(delay: Duration) -> Sleep {
    Sleep {
        end: if delay.is_zero() {
            End::Next
        } else {
            End::After(delay)
        },
        timer: None,
    }
}

/// Waits until `when`, or for the next iteration if that has passed.
pub fn sleep_until(when: Instant) -> Sleep {
    Sleep {
        end: End::At(when),
        timer: None,
    }
}

/// When a sleep ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Next,
    After(Duration),
    At(Instant),
}

/// Waits for a time; made by [`sleep`] and [`sleep_until`]. The time counts from the first poll.
#[derive(Debug)]
#[must_use = "nothing waits until it is awaited"]
pub struct Sleep {
    end: End,
    timer: Option<Timer>,
}

/// What a sleep that waits has asked of the loop.
#[derive(Debug)]
enum Timer {
    /// To be woken in the next iteration.
    Next,
    Set(Alarm),
}

impl Future for Sleep {
    type Output = Result<(), Cancelled>;

    /// # Panics
    ///
    /// If no loop runs on this thread.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(cancelled) = take_cancellation() {
            self.timer = None;
            return Poll::Ready(Err(cancelled));
        }
        let is_over = match &mut self.timer {
            None => {
                self.timer = Some(begin(self.end, cx));
                false
            }
            Some(Timer::Next) => true,
            Some(Timer::Set(alarm)) => alarm.has_rung(cx.waker()),
        };
        if is_over {
            self.timer = None;
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }
}

fn begin(end: End, cx: &Context<'_>) -> Timer {
    let at = match end {
        End::Next => None,
        End::After(delay) => Some(Time::now().saturating_add(delay)),
        End::At(when) if when <= Instant::now() => None,
        End::At(when) => Some(time_of(when)),
    };
    if let Some(at) = at {
        Timer::Set(Alarm::set(at, cx.waker()))
    } else {
        cx.waker().wake_by_ref();
        Timer::Next
    }
}

/// Waits for the next iteration, so that others can run; `asyncio.sleep(0)`, or with a negative delay.
pub fn yield_now() -> YieldNow {
    YieldNow(sleep(Duration::ZERO))
}

/// Waits for the next iteration; made by [`yield_now`].
#[derive(Debug)]
#[must_use = "nothing waits until it is awaited"]
pub struct YieldNow(Sleep);

impl Future for YieldNow {
    type Output = Result<(), Cancelled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}
