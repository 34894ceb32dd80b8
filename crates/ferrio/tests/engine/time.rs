use std::time::{Duration, Instant};

use ferrio::engine::Time;
use proptest::prelude::*;

fn assert_first_time_at_or_after(secs: f64) {
    let time = Time::from_secs_f64(secs);
    assert!(time.as_secs_f64() >= secs, "{secs:?} is early");
    if time > Time::ZERO {
        let before = Time::from_nanos(time.as_nanos() - 1);
        assert!(before.as_secs_f64() < secs, "{secs:?} is late");
    }
}

proptest! {
    #[test]
    fn a_deadline_in_seconds_is_the_first_nanosecond_that_reaches_it(secs in 0.0..1.8e10_f64) {
        assert_first_time_at_or_after(secs);
    }

    #[test]
    fn so_is_a_delay_added_to_a_reading_of_the_clock(nanos in 0..=u64::MAX / 4, delay in 0.0..1e4_f64) {
        assert_first_time_at_or_after(Time::from_nanos(nanos).as_secs_f64() + delay);
    }

    #[test]
    fn a_time_that_went_through_seconds_is_not_later(nanos: u64) {
        let time = Time::from_nanos(nanos);
        prop_assume!(time < Time::from_nanos(u64::MAX - 4096));
        prop_assert!(Time::from_secs_f64(time.as_secs_f64()) <= time);
    }

    #[test]
    fn below_a_hundred_days_nanoseconds_survive_the_way_through_seconds(nanos in 0..(1_u64 << 52)) {
        let time = Time::from_nanos(nanos);
        prop_assert_eq!(Time::from_secs_f64(time.as_secs_f64()), time);
    }
}

#[test]
fn what_is_not_after_the_origin_is_zero() {
    for secs in [0.0, -0.0, -1.0, f64::NEG_INFINITY, f64::NAN] {
        assert_eq!(Time::from_secs_f64(secs), Time::ZERO);
    }
    assert_eq!(Time::from_secs_f64(f64::MIN_POSITIVE).as_nanos(), 1);
}

#[test]
fn what_is_past_the_end_is_never() {
    for secs in [f64::INFINITY, f64::MAX, 1.9e10, Time::NEVER.as_secs_f64()] {
        assert_eq!(Time::from_secs_f64(secs), Time::NEVER);
    }
}

#[test]
fn seconds_are_nanoseconds_divided_once() {
    // time.monotonic() of a clock at 123456.789012345 s.
    let time = Time::from_nanos(123_456_789_012_345);
    assert_eq!(
        time.as_secs_f64().to_bits(),
        123_456.789_012_345_f64.to_bits()
    );
    assert_eq!(Time::from_secs_f64(123_456.789_012_345), time);
}

#[test]
fn the_clock_goes_forward_at_the_pace_of_the_standard_library_s() {
    let (begin, std_begin) = (Time::now(), Instant::now());
    while std_begin.elapsed() < Duration::from_millis(2) {}
    let std_inner = std_begin.elapsed();
    let elapsed = Time::now().saturating_since(begin);
    assert!(elapsed >= std_inner);
    assert_eq!(begin.saturating_since(Time::now()), Duration::ZERO);
}

#[test]
fn only_what_is_more_than_a_second_away_is_far() {
    let now = Time::now().as_nanos();
    let after = |millis: u64| Time::from_nanos(now + millis * 1_000_000);
    assert!(!Time::ZERO.is_far());
    assert!(!after(0).is_far());
    assert!(!after(900).is_far());
    // The clock that it asks lags behind.
    assert!(after(60_000).is_far());
    assert!(Time::NEVER.is_far());
}
