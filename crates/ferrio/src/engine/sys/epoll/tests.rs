//! The ways in which a wait is made, chosen by hand.

use std::time::Instant;

use super::*;

/// Durations that do not fall on a millisecond.
const ODD: [Duration; 4] = [
    Duration::from_nanos(1),
    Duration::from_micros(300),
    Duration::from_nanos(1_000_001),
    Duration::from_micros(2_700),
];

#[test]
fn a_wait_in_nanoseconds_is_never_early() {
    let (poller, mut events) = (Poller::new().unwrap(), Events::new());
    for duration in ODD {
        let begin = Instant::now();
        poller
            .wait_nanos(&mut events, PollTimeout::After(duration))
            .unwrap();
        assert!(begin.elapsed() >= duration);
    }
}

#[test]
fn a_wait_in_milliseconds_is_never_early() {
    let (poller, mut events) = (Poller::new().unwrap(), Events::new());
    for duration in ODD {
        let begin = Instant::now();
        poller
            .wait_millis(&mut events, PollTimeout::After(duration))
            .unwrap();
        assert!(begin.elapsed() >= duration);
    }
}

#[test]
fn milliseconds_are_rounded_up_and_capped() {
    assert_eq!(millis_rounded_up(Duration::ZERO), 0);
    assert_eq!(millis_rounded_up(Duration::from_nanos(1)), 1);
    assert_eq!(millis_rounded_up(Duration::from_millis(1)), 1);
    assert_eq!(millis_rounded_up(Duration::from_nanos(1_000_001)), 2);
    assert_eq!(
        millis_rounded_up(Duration::from_secs(24 * 3600)),
        86_400_000
    );
    assert_eq!(millis_rounded_up(Duration::MAX), c_int::MAX);
}

#[test]
fn a_kernel_without_pwait2_is_asked_once_and_waits_all_the_same() {
    // What `wait` remembers when the kernel answers ENOSYS.
    NO_PWAIT2.store(true, Ordering::Relaxed);
    let (poller, mut events) = (Poller::new().unwrap(), Events::new());
    let begin = Instant::now();
    let duration = Duration::from_micros(1_300);
    poller
        .wait(&mut events, PollTimeout::After(duration))
        .unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(2));
    poller.wait(&mut events, PollTimeout::Now).unwrap();
    poller.waker().unwrap().wake().unwrap();
    NO_PWAIT2.store(false, Ordering::Relaxed);
}

#[test]
fn a_buffer_that_came_back_full_is_doubled_for_the_next_wait() {
    let mut events = Events::new();
    let fill = |events: &mut Events, wanted: usize| {
        let mut room = 0;
        events
            .fill(|list, capacity| {
                room = usize::try_from(capacity).unwrap();
                for index in 0..wanted.min(room) {
                    let event = libc::epoll_event { events: IN, u64: 0 };
                    // SAFETY: `fill` gives room for `capacity` events.
                    unsafe { list.add(index).write(event) };
                }
                wanted.min(room).try_into().unwrap()
            })
            .unwrap();
        room
    };
    assert_eq!(fill(&mut events, 1023), 1024);
    assert_eq!(fill(&mut events, 5000), 1024);
    assert_eq!(fill(&mut events, 5000), 2048);
    assert_eq!(fill(&mut events, 0), 4096);
    assert_eq!(fill(&mut events, 100_000), 4096);
    for _ in 0..10 {
        fill(&mut events, 100_000);
    }
    assert_eq!(events.iter().count(), LAST_CAPACITY);
}

#[test]
fn events_of_a_failed_wait_are_not_those_of_the_wait_before() {
    let mut events = Events::new();
    events
        .fill(|list, _| {
            let event = libc::epoll_event { events: IN, u64: 3 };
            // SAFETY: a new buffer has room for one event.
            unsafe { list.write(event) };
            1
        })
        .unwrap();
    assert_eq!(events.iter().count(), 1);
    events.fill(|_, _| -1).unwrap_err();
    assert_eq!(events.iter().count(), 0);
}
