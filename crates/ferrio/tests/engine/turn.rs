use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use ferrio::engine::{Block, Interest, LoopCore, MAX_WAIT, Time, has_too_many_cancelled};

type Core = LoopCore<&'static str>;

/// What one turn runs; the turn may block.
fn turn(core: &mut Core) -> Vec<&'static str> {
    let mut parked = core.park(Block::Allowed);
    let outcome = parked.wait();
    let count = core.unpark(parked, outcome, |payload| *payload).unwrap();
    (0..count).map(|_| core.pop().unwrap()).collect()
}

fn in_an_hour() -> Time {
    Time::from_nanos(Time::now().as_nanos() + 3_600_000_000_000)
}

/// A socket that is readable and writable; the second keeps it so.
fn ready_socket() -> (UnixStream, UnixStream, RawFd) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(b"x").unwrap();
    let fd = ours.as_raw_fd();
    (ours, theirs, fd)
}

#[test]
fn a_turn_runs_what_was_ready_then_injected_then_io_then_timers() {
    let mut core = Core::new().unwrap();
    let (_ours, _theirs, fd) = ready_socket();
    core.schedule(Time::now(), "timer");
    core.set_writer(fd, "writer").unwrap();
    core.set_reader(fd, "reader").unwrap();
    core.push("soon");
    let mut parked = core.park(Block::Allowed);
    core.injector().push("injected").unwrap();
    let outcome = parked.wait();
    assert_eq!(core.unpark(parked, outcome, |payload| *payload).unwrap(), 5);
    let order: Vec<_> = std::iter::from_fn(|| core.pop()).collect();
    assert_eq!(order, ["soon", "injected", "reader", "writer", "timer"]);
}

#[test]
fn order_between_threads_is_order_of_arrival() {
    let mut core = Core::new().unwrap();
    let injector = core.injector();
    core.push("a");
    injector.push("b").unwrap();
    core.push("c");
    injector.push("d").unwrap();
    assert_eq!(core.ready_len(), 3);
    assert_eq!(turn(&mut core), ["a", "b", "c", "d"]);
}

#[test]
fn what_is_pushed_during_a_turn_runs_in_the_next() {
    let mut core = Core::new().unwrap();
    core.push("first");
    let parked = core.park(Block::Allowed);
    let count = core.unpark(parked, Ok(()), |payload| *payload).unwrap();
    assert_eq!(count, 1);
    assert_eq!(core.pop(), Some("first"));
    core.injector().push("injected").unwrap();
    core.push("second");
    core.schedule(Time::ZERO, "timer");
    assert_eq!(turn(&mut core), ["injected", "second", "timer"]);
}

#[test]
fn what_a_turn_did_not_pop_comes_first_in_the_next() {
    let mut core = Core::new().unwrap();
    core.push("a");
    core.push("b");
    let parked = core.park(Block::Allowed);
    assert_eq!(core.unpark(parked, Ok(()), |payload| *payload).unwrap(), 2);
    assert_eq!(core.pop(), Some("a"));
    core.push("c");
    assert_eq!(turn(&mut core), ["b", "c"]);
}

#[test]
fn timers_run_by_deadline_and_then_in_the_order_of_scheduling() {
    let mut core = Core::new().unwrap();
    core.schedule(Time::from_nanos(2), "c");
    core.schedule(Time::from_nanos(1), "a");
    core.schedule(Time::from_nanos(2), "d");
    core.schedule(Time::from_nanos(1), "b");
    assert_eq!(turn(&mut core), ["a", "b", "c", "d"]);
}

#[test]
fn a_timer_is_never_early() {
    let mut core = Core::new().unwrap();
    for micros in [1, 20, 300, 1_000, 2_345] {
        let at = Time::from_nanos(Time::now().as_nanos() + micros * 1_000);
        core.schedule(at, "timer");
        assert_eq!(turn(&mut core), ["timer"], "after exactly one wait");
        assert!(Time::now() >= at);
    }
}

#[test]
fn a_cancelled_timer_neither_runs_nor_wakes_the_loop() {
    let mut core = Core::new().unwrap();
    let key = core.schedule(Time::ZERO, "cancelled");
    assert_eq!(core.cancel(key), Some("cancelled"));
    assert_eq!(core.cancel(key), None);
    assert!(core.park(Block::Allowed).blocks());
}

#[test]
fn readers_and_writers_stay_until_they_are_removed() {
    let mut core = Core::new().unwrap();
    let (_ours, _theirs, fd) = ready_socket();
    core.set_reader(fd, "reader").unwrap();
    assert_eq!(turn(&mut core), ["reader"]);
    assert_eq!(turn(&mut core), ["reader"]);
    assert_eq!(core.reader(fd), Some(&"reader"));
    assert_eq!(core.writer(fd), None);
    assert_eq!(core.interest(fd), Interest::READ);
    assert_eq!(core.remove_reader(fd).unwrap(), Some("reader"));
    assert!(core.park(Block::Allowed).blocks());
}

#[test]
fn a_reader_that_was_removed_after_the_wait_does_not_run() {
    let mut core = Core::new().unwrap();
    let (_ours, _theirs, fd) = ready_socket();
    core.set_reader(fd, "reader").unwrap();
    let mut parked = core.park(Block::Allowed);
    let outcome = parked.wait();
    core.remove_reader(fd).unwrap();
    assert_eq!(core.unpark(parked, outcome, |payload| *payload).unwrap(), 0);
}

#[test]
fn a_turn_blocks_only_when_there_is_nothing_to_do() {
    let mut core = Core::new().unwrap();
    assert!(core.park(Block::Allowed).blocks());
    assert!(!core.park(Block::Never).blocks());

    let key = core.schedule(in_an_hour(), "timer");
    assert!(core.park(Block::Allowed).blocks());
    assert!(!core.park(Block::Never).blocks());
    core.cancel(key);

    let key = core.schedule(Time::now(), "timer");
    assert!(!core.park(Block::Allowed).blocks());
    core.cancel(key);

    core.push("soon");
    assert!(!core.park(Block::Allowed).blocks());
    core.pop();

    core.injector().push("injected").unwrap();
    assert!(!core.park(Block::Allowed).blocks());
}

#[test]
fn a_turn_that_may_not_block_returns_with_nothing() {
    let mut core = Core::new().unwrap();
    core.schedule(in_an_hour(), "timer");
    let mut parked = core.park(Block::Never);
    let outcome = parked.wait();
    assert_eq!(core.unpark(parked, outcome, |payload| *payload).unwrap(), 0);
}

#[test]
fn a_look_finds_what_a_wait_would_and_a_wait_may_follow_one_in_vain() {
    let mut core = Core::new().unwrap();
    let (_ours, _theirs, fd) = ready_socket();
    core.set_reader(fd, "reader").unwrap();
    let mut parked = core.park(Block::Allowed);
    assert!(parked.look().unwrap());
    assert_eq!(core.unpark(parked, Ok(()), |payload| *payload).unwrap(), 1);
    assert_eq!(core.pop(), Some("reader"));

    core.remove_reader(fd).unwrap();
    let soon = Time::from_nanos(Time::now().as_nanos() + 5_000_000);
    core.schedule(soon, "timer");
    let mut parked = core.park(Block::Allowed);
    assert!(!parked.look().unwrap());
    let outcome = parked.wait();
    assert_eq!(core.unpark(parked, outcome, |payload| *payload).unwrap(), 1);
    assert_eq!(core.pop(), Some("timer"));
}

#[test]
fn a_look_finds_a_wake_up() {
    let mut core = Core::new().unwrap();
    let mut parked = core.park(Block::Allowed);
    core.injector().push("injected").unwrap();
    assert!(parked.look().unwrap(), "a wait after it would never end");
    assert_eq!(core.unpark(parked, Ok(()), |payload| *payload).unwrap(), 1);
    assert_eq!(core.pop(), Some("injected"));
}

#[test]
fn an_interrupted_wait_is_a_turn_without_events() {
    let mut core = Core::new().unwrap();
    let (_ours, _theirs, fd) = ready_socket();
    core.set_reader(fd, "reader").unwrap();
    assert_eq!(turn(&mut core), ["reader"]);
    core.schedule(Time::now(), "timer");
    core.push("soon");
    let parked = core.park(Block::Allowed);
    let interrupted = Err(io::Error::from(ErrorKind::Interrupted));
    assert_eq!(
        core.unpark(parked, interrupted, |payload| *payload)
            .unwrap(),
        2
    );
    assert_eq!(core.pop(), Some("soon"));
    assert_eq!(core.pop(), Some("timer"));
}

#[test]
fn a_failed_wait_loses_nothing_and_the_loop_goes_on() {
    let mut core = Core::new().unwrap();
    let parked = core.park(Block::Allowed);
    core.injector().push("injected").unwrap();
    core.schedule(Time::now(), "timer");
    let failed = Err(io::Error::from(ErrorKind::InvalidInput));
    let error = core.unpark(parked, failed, |payload| *payload).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(turn(&mut core), ["injected", "timer"]);
}

#[test]
fn a_parked_that_was_dropped_does_not_harm_the_next() {
    let mut core = Core::new().unwrap();
    drop(core.park(Block::Allowed));
    core.injector().push("injected").unwrap();
    assert_eq!(turn(&mut core), ["injected"]);
    // The wake-up for the park that did not happen is left over.
    assert_eq!(turn(&mut core), [""; 0]);
    assert!(core.park(Block::Allowed).blocks());
}

#[test]
fn a_timer_at_never_waits_for_ever_and_can_be_cancelled() {
    let mut core = Core::new().unwrap();
    let key = core.schedule(Time::from_secs_f64(f64::INFINITY), "never");
    assert!(core.park(Block::Allowed).blocks());
    assert_eq!(core.cancel(key), Some("never"));
}

#[test]
fn closing_hands_back_every_payload() {
    let mut core = Core::new().unwrap();
    let (_ours, _theirs, fd) = ready_socket();
    core.set_writer(fd, "writer").unwrap();
    core.set_reader(fd, "reader").unwrap();
    core.schedule(in_an_hour(), "later");
    core.schedule(Time::now(), "timer");
    core.push("soon");
    core.injector().push("injected").unwrap();
    let all = ["soon", "injected", "timer", "later", "reader", "writer"];
    assert_eq!(core.close(), all);
    assert_eq!(core.close(), [""; 0]);
}

#[test]
fn a_closed_loop_answers_and_does_not_block() {
    let mut core = Core::new().unwrap();
    let (_ours, _theirs, fd) = ready_socket();
    core.set_reader(fd, "reader").unwrap();
    let injector = core.injector();
    core.close();
    assert_eq!(core.interest(fd), Interest::NONE);
    assert_eq!((core.reader(fd), core.writer(fd)), (None, None));
    assert_eq!(core.remove_reader(fd).unwrap(), None);
    let error = core.set_reader(fd, "reader").unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    let mut parked = core.park(Block::Allowed);
    assert!(!parked.blocks());
    assert_eq!(parked.wait().unwrap_err().raw_os_error(), Some(libc::EBADF));
    core.unpark(parked, Ok(()), |payload| *payload).unwrap();
    assert_eq!(
        injector.push("late").unwrap_err().kind(),
        ErrorKind::NotConnected
    );
    injector.wake().unwrap();
}

#[test]
fn the_core_can_move_to_another_thread() {
    let mut core = Core::new().unwrap();
    core.push("soon");
    let ran = std::thread::spawn(move || turn(&mut core)).join().unwrap();
    assert_eq!(ran, ["soon"]);
}

#[test]
fn a_parked_loop_can_be_used_while_it_waits() {
    let mut core = Core::new().unwrap();
    let (_ours, _theirs, fd) = ready_socket();
    let mut parked = core.park(Block::Allowed);
    let waiter = std::thread::spawn(move || {
        let outcome = parked.wait();
        (parked, outcome)
    });
    core.set_reader(fd, "reader").unwrap();
    let (parked, outcome) = waiter.join().unwrap();
    assert_eq!(core.unpark(parked, outcome, |payload| *payload).unwrap(), 1);
    assert_eq!(core.pop(), Some("reader"));
}

#[test]
fn many_ready_descriptors_are_all_seen_in_one_turn_once_the_buffer_has_grown() {
    let mut core = LoopCore::new().unwrap();
    let (ours, _theirs, _) = ready_socket();
    let copies: Vec<_> = (0..1500).map_while(|_| ours.try_clone().ok()).collect();
    for copy in &copies {
        core.set_writer(copy.as_raw_fd(), copy.as_raw_fd()).unwrap();
    }
    let mut seen = 0;
    for _ in 0..2 {
        let mut parked = core.park(Block::Allowed);
        let outcome = parked.wait();
        seen = core.unpark(parked, outcome, |fd| *fd).unwrap();
        while core.pop().is_some() {}
    }
    assert_eq!(seen, copies.len());
}

#[test]
fn a_wait_that_somebody_else_limits_queues_no_event_and_reports_it() {
    let mut core = Core::new().unwrap();
    let (_ours, _theirs, fd) = ready_socket();
    core.set_reader(fd, "reader").unwrap();
    core.schedule(Time::ZERO, "timer");
    let mut parked = core.park_for(None);
    let outcome = parked.wait();
    let (events, woken) = core.unpark_events(parked, outcome).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].fd, events[0].readable), (fd, true));
    assert!(!woken);
    assert_eq!(core.ready_len(), 0);
}

#[test]
fn a_limited_wait_ends_though_something_is_ready_or_nothing_happens() {
    let mut core = Core::new().unwrap();
    core.push("ready");
    for limit in [Duration::ZERO, Duration::from_millis(1)] {
        let start = Instant::now();
        let mut parked = core.park_for(Some(limit));
        let outcome = parked.wait();
        let (events, woken) = core.unpark_events(parked, outcome).unwrap();
        assert!(events.is_empty() && !woken);
        assert!(start.elapsed() >= limit);
    }
    assert_eq!(core.pop(), Some("ready"));
}

#[test]
fn a_limited_wait_says_that_another_thread_has_ended_it() {
    let mut core = Core::new().unwrap();
    // Before the wait, which does not block, and while it is announced.
    core.injector().push("before").unwrap();
    let mut parked = core.park_for(None);
    let outcome = parked.wait();
    let (events, woken) = core.unpark_events(parked, outcome).unwrap();
    assert!(events.is_empty() && woken);
    let mut parked = core.park_for(None);
    core.injector().push("meanwhile").unwrap();
    let outcome = parked.wait();
    let (events, woken) = core.unpark_events(parked, outcome).unwrap();
    assert!(events.is_empty() && woken);
    assert_eq!(core.take_ready(), ["before", "meanwhile"]);
}

#[test]
fn a_limited_wait_that_is_interrupted_has_no_events() {
    let mut core = Core::new().unwrap();
    let parked = core.park_for(None);
    let outcome = Err(ErrorKind::Interrupted.into());
    let (events, woken) = core.unpark_events(parked, outcome).unwrap();
    assert!(events.is_empty() && !woken);
    let parked = core.park_for(None);
    let outcome = Err(io::Error::from_raw_os_error(libc::EBADF));
    assert!(core.unpark_events(parked, outcome).is_err());
}

#[test]
fn the_queue_is_looked_at_with_what_other_threads_have_injected() {
    let mut core = Core::new().unwrap();
    core.push("a");
    core.injector().push("b").unwrap();
    assert_eq!(core.ready_at(1), None);
    assert_eq!(core.take_over_injected(), 2);
    assert_eq!(core.ready_at(1), Some(&"b"));
    core.injector().push("c").unwrap();
    let taken = core.take_ready();
    assert_eq!(taken, ["a", "b", "c"]);
    assert_eq!(core.ready_len(), 0);
    core.push("d");
    core.put_ready_first(taken);
    assert_eq!(turn(&mut core), ["a", "b", "c", "d"]);
}

#[test]
fn timers_are_looked_at_counted_and_taken_out_in_their_order() {
    let mut core = Core::new().unwrap();
    assert!(core.first_timer().is_none() && core.next_timer().is_none());
    let later = core.schedule(Time::from_nanos(30), "later");
    let first = core.schedule(Time::from_nanos(10), "first");
    let second = core.schedule(Time::from_nanos(20), "second");
    assert_eq!(
        core.first_timer(),
        Some((Time::from_nanos(10), first, &"first"))
    );
    assert_eq!(core.next_timer(), Some(Time::from_nanos(10)));
    core.cancel(second);
    assert_eq!(core.cancelled_timers(), 1);
    core.cancel(first);
    assert_eq!(
        core.first_timer(),
        Some((Time::from_nanos(30), later, &"later"))
    );
    assert_eq!(core.cancelled_timers(), 0);
    core.schedule(Time::from_nanos(20), "before");
    assert_eq!(core.take_timers(), ["before", "later"]);
    assert!(!core.is_scheduled(later));
}

#[test]
fn due_timers_are_queued_by_the_time_that_is_set() {
    let mut core = Core::new().unwrap();
    core.schedule(Time::from_nanos(10), "due");
    core.schedule(Time::from_nanos(20), "not due");
    core.set_own_time(Some(Time::from_nanos(15)));
    core.queue_due_timers();
    assert_eq!(core.take_ready(), ["due"]);
}

#[test]
fn what_is_watched_can_be_listed_until_the_loop_is_closed() {
    let mut core = Core::new().unwrap();
    let (_ours, _theirs, fd) = ready_socket();
    core.set_reader(fd, "reader").unwrap();
    assert!(core.poller_fd().is_some_and(|poller| poller != fd));
    assert_eq!(
        core.watched().collect::<Vec<_>>(),
        [(fd, Some(&"reader"), None)]
    );
    core.close();
    assert_eq!(core.watched().count(), 0);
    assert_eq!(core.poller_fd(), None);
}

#[test]
fn cancelled_timers_are_too_many_by_asyncios_rule() {
    assert!(!has_too_many_cancelled(100, 100));
    assert!(!has_too_many_cancelled(102, 51));
    assert!(has_too_many_cancelled(102, 52));
    assert_eq!(MAX_WAIT, Duration::from_secs(86400));
}

#[test]
fn parking_again_takes_account_of_what_was_queued_since() {
    let mut core = Core::new().unwrap();
    let mut parked = core.park(Block::Allowed);
    assert!(parked.blocks());
    core.park_again(&mut parked, Block::Allowed);
    assert!(parked.blocks());
    core.schedule(Time::now(), "timer");
    core.park_again(&mut parked, Block::Allowed);
    assert!(!parked.blocks());
    let outcome = parked.wait();
    assert_eq!(core.unpark(parked, outcome, |payload| *payload).unwrap(), 1);
    assert_eq!(core.pop(), Some("timer"));

    let mut parked = core.park(Block::Allowed);
    core.park_again(&mut parked, Block::Never);
    assert!(!parked.blocks());
    let outcome = parked.wait();
    assert_eq!(core.unpark(parked, outcome, |payload| *payload).unwrap(), 0);
}
