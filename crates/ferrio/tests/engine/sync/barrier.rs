use ferrio::engine::sync::{Barrier, Broken, Entry, Phase};

#[test]
fn the_last_one_opens_it_for_all() {
    let mut barrier = Barrier::new(3);
    assert_eq!(barrier.enter(), Ok(Entry::Wait(0)));
    assert_eq!(barrier.enter(), Ok(Entry::Wait(1)));
    assert_eq!(barrier.passed(), None);
    assert_eq!(barrier.enter(), Ok(Entry::Last(2)));
    assert_eq!(barrier.passed(), Some(Ok(())));
    assert_eq!(barrier.enter(), Ok(Entry::Later));
    assert!(!barrier.leave());
    assert!(!barrier.leave());
    assert!(barrier.leave());
    assert_eq!(barrier.enter(), Ok(Entry::Wait(0)));
}

#[test]
fn a_reset_sends_away_those_who_wait_and_begins_anew() {
    let mut barrier = Barrier::new(2);
    barrier.reset();
    assert_eq!(barrier.phase(), Phase::Filling);
    assert_eq!(barrier.enter(), Ok(Entry::Wait(0)));
    barrier.reset();
    assert_eq!(barrier.passed(), Some(Err(Broken)));
    assert_eq!(barrier.enter(), Ok(Entry::Later));
    assert!(barrier.leave());
    assert_eq!(barrier.phase(), Phase::Filling);
}

#[test]
fn a_broken_barrier_stays_so_until_it_is_reset() {
    let mut barrier = Barrier::new(2);
    assert_eq!(barrier.enter(), Ok(Entry::Wait(0)));
    barrier.abort();
    assert_eq!(barrier.enter(), Err(Broken));
    assert_eq!(barrier.passed(), Some(Err(Broken)));
    assert!(barrier.leave());
    assert_eq!(barrier.phase(), Phase::Broken);
    barrier.reset();
    assert_eq!(barrier.enter(), Ok(Entry::Wait(0)));
    assert_eq!((barrier.parties(), barrier.count()), (2, 1));
}

#[test]
fn a_barrier_for_one_opens_at_once() {
    let mut barrier = Barrier::new(1);
    for _ in 0..2 {
        assert_eq!(barrier.enter(), Ok(Entry::Last(0)));
        assert!(barrier.leave());
    }
}
