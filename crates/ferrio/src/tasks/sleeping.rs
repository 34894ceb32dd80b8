//! Waiting for a time, or for the next iteration.

use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::engine::{Time, TimerKey};
use crate::runtime::{Inner, Payload, running, time_of};
use crate::task::{Cancelled, take_cancellation};

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
    Scheduled(Weak<Inner>, Time, TimerKey),
}

impl Future for Sleep {
    type Output = Result<(), Cancelled>;

    /// # Panics
    ///
    /// If no loop runs on this thread.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(cancelled) = take_cancellation() {
            self.forget_timer();
            return Poll::Ready(Err(cancelled));
        }
        match self.timer.take() {
            None => {
                self.timer = Some(begin(self.end, cx));
                Poll::Pending
            }
            Some(Timer::Next) => Poll::Ready(Ok(())),
            Some(Timer::Scheduled(event_loop, at, key)) => {
                match still_scheduled(&event_loop, at, key, cx) {
                    None => Poll::Ready(Ok(())),
                    Some(key) => {
                        self.timer = Some(Timer::Scheduled(event_loop, at, key));
                        Poll::Pending
                    }
                }
            }
        }
    }
}

fn begin(end: End, cx: &Context<'_>) -> Timer {
    let at = match end {
        End::Next => None,
        End::After(delay) => Some(Time::now().saturating_add(delay)),
        End::At(when) if when <= Instant::now() => None,
        End::At(when) => Some(time_of(when)),
    };
    let Some(at) = at else {
        cx.waker().wake_by_ref();
        return Timer::Next;
    };
    running(|inner| {
        let payload = Payload::Wake(cx.waker().clone());
        let key = inner.core.borrow_mut().schedule(at, payload);
        Timer::Scheduled(Rc::downgrade(inner), at, key)
    })
    .expect("no running event loop")
}

/// Returns the timer of one who is polled again before its time, with the waker of this poll.
fn still_scheduled(
    event_loop: &Weak<Inner>,
    at: Time,
    key: TimerKey,
    cx: &Context<'_>,
) -> Option<TimerKey> {
    let inner = event_loop.upgrade()?;
    let mut core = inner.core.borrow_mut();
    match core.timer(key)? {
        Payload::Wake(waker) if waker.will_wake(cx.waker()) => Some(key),
        _ => {
            let old = core.cancel(key);
            let key = core.schedule(at, Payload::Wake(cx.waker().clone()));
            drop(core);
            drop(old);
            Some(key)
        }
    }
}

impl Sleep {
    fn forget_timer(&mut self) {
        if let Some(Timer::Scheduled(event_loop, _, key)) = self.timer.take()
            && let Some(inner) = event_loop.upgrade()
        {
            let payload = inner.core.borrow_mut().cancel(key);
            drop(payload);
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget_timer();
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
