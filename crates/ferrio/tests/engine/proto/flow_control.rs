use ferrio::engine::{FlowControl, LimitsError};
use proptest::prelude::*;

const KIB: usize = 1024;

#[test]
fn the_defaults_are_asyncio_s() {
    let flow = FlowControl::new();
    assert_eq!(flow.limits(), (16 * KIB, 64 * KIB));
    assert!(!flow.is_paused());
    assert_eq!(flow, FlowControl::default());
}

#[test]
fn limits_default_from_each_other() {
    let set = |high, low| {
        let mut flow = FlowControl::new();
        flow.set_limits(Some(1), Some(1)).unwrap();
        flow.set_limits(high, low).map(|()| flow.limits())
    };
    assert_eq!(set(None, None), Ok((16 * KIB, 64 * KIB)));
    assert_eq!(set(Some(103), None), Ok((25, 103)));
    assert_eq!(set(None, Some(25)), Ok((25, 100)));
    assert_eq!(set(Some(0), None), Ok((0, 0)));
    assert_eq!(set(None, Some(0)), Ok((0, 0)));
    assert_eq!(set(Some(7), Some(7)), Ok((7, 7)));
    assert_eq!(set(None, Some(usize::MAX)), Ok((usize::MAX, usize::MAX)));
}

#[test]
fn limits_that_contradict_each_other_are_refused_and_change_nothing() {
    let mut flow = FlowControl::new();
    let error = flow.set_limits(Some(5), Some(6)).unwrap_err();
    assert_eq!(error, LimitsError { high: 5, low: 6 });
    assert_eq!(
        error.to_string(),
        "high (5) must be >= low (6) must be >= 0"
    );
    assert_eq!(flow.limits(), (16 * KIB, 64 * KIB));
}

#[test]
fn pausing_is_said_once_above_the_high_mark_and_resuming_once_at_the_low_mark() {
    let mut flow = FlowControl::new();
    flow.set_limits(Some(10), Some(3)).unwrap();
    assert!(!flow.shrank(0), "it has not been paused");
    assert!(!flow.grew(10));
    assert!(flow.grew(11));
    assert!(!flow.grew(12));
    assert!(flow.is_paused());
    assert!(!flow.shrank(4));
    assert!(flow.shrank(3));
    assert!(!flow.shrank(2));
    assert!(!flow.is_paused());
    assert!(flow.grew(11));
}

#[test]
fn a_high_mark_of_zero_pauses_whenever_anything_is_buffered() {
    let mut flow = FlowControl::new();
    flow.set_limits(Some(0), None).unwrap();
    assert!(!flow.grew(0));
    assert!(flow.grew(1));
    assert!(flow.shrank(0));
}

/// asyncio's `_maybe_pause_protocol` and `_maybe_resume_protocol`, word for word.
#[derive(Default)]
struct Model {
    high: usize,
    low: usize,
    paused: bool,
}

impl Model {
    fn maybe_pause(&mut self, size: usize) -> bool {
        if size <= self.high {
            return false;
        }
        if !self.paused {
            self.paused = true;
            return true;
        }
        false
    }

    fn maybe_resume(&mut self, size: usize) -> bool {
        if self.paused && size <= self.low {
            self.paused = false;
            return true;
        }
        false
    }
}

#[derive(Debug, Clone)]
enum Step {
    Limits(Option<usize>, Option<usize>),
    Grew(usize),
    Shrank(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let mark = || prop::option::of(0..40_usize);
    prop_oneof![
        1 => (mark(), mark()).prop_map(|(high, low)| Step::Limits(high, low)),
        4 => (0..50_usize).prop_map(Step::Grew),
        4 => (0..50_usize).prop_map(Step::Shrank),
    ]
}

proptest! {
    #[test]
    fn flow_control_answers_as_asyncio_does(steps in prop::collection::vec(step(), 0..200)) {
        let mut flow = FlowControl::new();
        let mut model = Model { high: 64 * KIB, low: 16 * KIB, paused: false };
        for step in steps {
            match step {
                Step::Limits(high, low) => {
                    let high = match (high, low) {
                        (None, None) => 64 * KIB,
                        (None, Some(low)) => 4 * low,
                        (Some(high), _) => high,
                    };
                    let low_given = low;
                    let low = low.unwrap_or(high / 4);
                    let valid = high >= low;
                    if valid {
                        (model.high, model.low) = (high, low);
                    }
                    prop_assert_eq!(flow.set_limits(Some(high), low_given).is_ok(), valid);
                }
                Step::Grew(size) => prop_assert_eq!(flow.grew(size), model.maybe_pause(size)),
                Step::Shrank(size) => prop_assert_eq!(flow.shrank(size), model.maybe_resume(size)),
            }
            prop_assert_eq!(flow.limits(), (model.low, model.high));
            prop_assert_eq!(flow.is_paused(), model.paused);
        }
    }
}
