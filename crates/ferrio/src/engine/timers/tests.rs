//! Timers against a model: a list that is searched.

use proptest::prelude::*;

use super::*;

fn at(nanos: u64) -> Time {
    Time::from_nanos(nanos)
}

#[derive(Debug, Clone)]
enum Step {
    Schedule(u64),
    /// Cancels the n-th key ever given out, live or stale.
    Cancel(prop::sample::Index),
    PopDue(u64),
    NextDeadline,
}

fn step() -> impl Strategy<Value = Step> {
    // Few distinct deadlines, so that many are equal.
    let deadline = prop_oneof![9 => 0..20_u64, 1 => Just(u64::MAX)];
    prop_oneof![
        6 => deadline.prop_map(Step::Schedule),
        5 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        2 => (0..20_u64).prop_map(Step::PopDue),
        1 => Just(Step::NextDeadline),
    ]
}

proptest! {
    #[test]
    fn timers_behave_like_a_sorted_list(steps in prop::collection::vec(step(), 0..800)) {
        let mut timers = Timers::new();
        // Deadline and number of each live timer; a timer's number is its payload.
        let mut model: Vec<(u64, usize)> = Vec::new();
        let mut keys = Vec::new();
        for step in steps {
            match step {
                Step::Schedule(deadline) => {
                    model.push((deadline, keys.len()));
                    keys.push(timers.schedule(at(deadline), keys.len()));
                }
                Step::Cancel(index) => {
                    if keys.is_empty() {
                        continue;
                    }
                    let number = index.index(keys.len());
                    let found = model.iter().position(|timer| timer.1 == number);
                    let expected = found.map(|position| model.remove(position).1);
                    prop_assert_eq!(timers.cancel(keys[number]), expected);
                }
                Step::PopDue(now) => {
                    let first = model.iter().copied().min();
                    let due = first.filter(|timer| timer.0 <= now);
                    model.retain(|timer| Some(*timer) != due);
                    prop_assert_eq!(timers.pop_due(at(now)), due.map(|timer| timer.1));
                }
                Step::NextDeadline => {
                    let first = model.iter().min().map(|timer| at(timer.0));
                    prop_assert_eq!(timers.next_deadline(), first);
                }
            }
            prop_assert_eq!(timers.len(), model.len());
            prop_assert_eq!(timers.is_empty(), model.is_empty());
            let tombstones = timers.heap.len() - model.len();
            prop_assert!(tombstones <= 100.max(timers.heap.len() / 2));
        }
        model.sort_unstable();
        let rest: Vec<usize> = timers.drain().collect();
        prop_assert_eq!(rest, model.iter().map(|timer| timer.1).collect::<Vec<_>>());
        prop_assert!(timers.is_empty() && timers.heap.is_empty());
    }

    #[test]
    fn compaction_keeps_the_order_of_what_is_left(
        deadlines in prop::collection::vec(0..50_u64, 200..600),
        keep_one_in in 3..20_usize,
    ) {
        let mut timers = Timers::new();
        let keys: Vec<_> = deadlines
            .iter()
            .enumerate()
            .map(|(number, deadline)| timers.schedule(at(*deadline), number))
            .collect();
        let (kept, cancelled): (Vec<_>, Vec<_>) =
            (0..keys.len()).partition(|number| number % keep_one_in == 0);
        for number in cancelled {
            prop_assert_eq!(timers.cancel(keys[number]), Some(number));
        }
        prop_assert!(timers.heap.len() < keys.len(), "there was a compaction");
        let mut expected = kept;
        expected.sort_by_key(|number| deadlines[*number]);
        let due: Vec<_> = std::iter::from_fn(|| timers.pop_due(at(50))).collect();
        prop_assert_eq!(due, expected);
    }
}

#[test]
fn a_million_timeouts_that_never_fire_leave_a_small_heap() {
    let mut timers = Timers::new();
    timers.schedule(at(0), 0);
    for number in 0..1_000_000 {
        let key = timers.schedule(at(number), number);
        assert_eq!(timers.cancel(key), Some(number));
    }
    assert!(timers.heap.len() <= 101);
    assert_eq!(timers.slots.capacity(), 4);
}

#[test]
fn a_heap_of_a_hundred_is_not_compacted() {
    let mut timers = Timers::new();
    let keys: Vec<_> = (0..99).map(|n| timers.schedule(at(n), n)).collect();
    let last = timers.schedule(at(100), 100);
    for key in keys {
        timers.cancel(key);
    }
    assert_eq!(timers.heap.len(), 100);
    assert_eq!(timers.next_deadline(), Some(at(100)));
    assert_eq!(timers.heap.len(), 1);
    timers.cancel(last);
    assert_eq!(timers.heap.len(), 0);
}

#[test]
fn a_key_never_hits_a_later_timer_in_the_same_slot() {
    let mut timers = Timers::new();
    let fired = timers.schedule(at(1), 'a');
    assert_eq!(timers.pop_due(at(1)), Some('a'));
    let cancelled = timers.schedule(at(2), 'b');
    assert_eq!(timers.cancel(cancelled), Some('b'));
    let live = timers.schedule(at(3), 'c');
    assert_eq!((fired.slot, cancelled.slot), (live.slot, live.slot));
    assert_eq!(timers.cancel(fired), None);
    assert_eq!(timers.cancel(cancelled), None);
    assert_eq!(timers.cancel(live), Some('c'));
}

#[test]
fn a_timer_is_due_at_its_deadline_and_not_before() {
    let mut timers = Timers::new();
    timers.schedule(at(10), ());
    assert_eq!(timers.pop_due(at(9)), None);
    assert_eq!(timers.pop_due(at(10)), Some(()));
}

#[test]
fn a_timer_at_never_is_not_due_even_at_the_end_of_time() {
    let mut timers = Timers::new();
    timers.schedule(Time::NEVER, ());
    assert_eq!(timers.pop_due(Time::NEVER), None);
    assert_eq!(timers.next_deadline(), Some(Time::NEVER));
    assert_eq!(timers.drain().count(), 1);
}

#[test]
fn the_payload_of_a_cancelled_timer_is_freed_at_once() {
    let payload = std::rc::Rc::new(());
    let mut timers = Timers::new();
    let key = timers.schedule(at(1), payload.clone());
    timers.schedule(at(2), payload.clone());
    drop(timers.cancel(key));
    assert_eq!(std::rc::Rc::strong_count(&payload), 2);
    assert_eq!(timers.heap.len(), 2, "the tombstone stays");
}
