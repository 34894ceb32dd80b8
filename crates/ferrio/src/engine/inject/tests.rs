//! The park protocol, state by state, on a waker that counts.

use std::sync::atomic::AtomicUsize;

use super::*;

#[derive(Debug, Clone, Default)]
struct Counter(Arc<AtomicUsize>);

impl Wake for Counter {
    fn wake(&self) -> io::Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Counter {
    fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn injector() -> (Counter, Injector<u32, Counter>) {
    let counter = Counter::default();
    (counter.clone(), Injector::new(counter))
}

fn drained(mut ready: Ready<u32>) -> Vec<u32> {
    ready.drain().collect()
}

#[test]
fn pushes_while_the_loop_runs_make_no_system_call() {
    let (counter, injector) = injector();
    for item in 0..100 {
        injector.push(item).unwrap();
    }
    assert_eq!(counter.wakes(), 0);
    assert!(!injector.is_empty());
}

#[test]
fn many_pushes_while_the_loop_is_parked_make_one_wake_up() {
    let (counter, injector) = injector();
    assert!(injector.begin_park());
    for item in 0..100 {
        injector.push(item).unwrap();
    }
    injector.wake().unwrap();
    assert_eq!(counter.wakes(), 1);
    let mut ready = Ready::new();
    injector.end_park(&mut ready);
    assert_eq!(drained(ready), (0..100).collect::<Vec<_>>());
}

#[test]
fn each_park_can_be_woken_again() {
    let (counter, injector) = injector();
    let mut ready: Ready<u32> = Ready::new();
    for parks in 1..4 {
        assert!(injector.begin_park());
        injector.push(0).unwrap();
        injector.end_park(&mut ready);
        assert_eq!(counter.wakes(), parks);
    }
}

#[test]
fn parking_is_refused_while_something_has_arrived() {
    let (counter, injector) = injector();
    injector.push(7).unwrap();
    assert!(!injector.begin_park());
    injector.push(8).unwrap();
    assert_eq!(counter.wakes(), 0);
    let mut ready = Ready::new();
    injector.drain_into(&mut ready);
    assert_eq!(drained(ready), [7, 8]);
    assert!(injector.is_empty());
    assert!(injector.begin_park());
}

#[test]
fn a_wake_while_the_loop_runs_refuses_the_next_park_only() {
    let (counter, injector) = injector();
    injector.wake().unwrap();
    injector.wake().unwrap();
    assert_eq!(counter.wakes(), 0);
    assert!(!injector.begin_park());
    assert!(injector.begin_park());
}

#[test]
fn a_park_that_never_ended_can_begin_again() {
    let (counter, injector) = injector();
    assert!(injector.begin_park());
    assert!(injector.begin_park());
    injector.push(1).unwrap();
    assert_eq!(counter.wakes(), 1);
    assert!(!injector.begin_park());
}

#[test]
fn closing_returns_what_was_queued_and_releases_the_waker() {
    let (counter, injector) = injector();
    injector.push(1).unwrap();
    injector.push(2).unwrap();
    assert_eq!(injector.close(), [1, 2]);
    assert_eq!(Arc::strong_count(&counter.0), 1);
    assert!(injector.is_empty());
}

#[test]
fn a_closed_injector_refuses_pushes_and_ignores_wakes() {
    let (counter, injector) = injector();
    assert!(injector.begin_park());
    injector.close();
    let error = injector.push(1).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    injector.wake().unwrap();
    assert!(!injector.begin_park());
    assert_eq!(counter.wakes(), 0);
    assert!(injector.close().is_empty());
}

#[test]
fn a_payload_that_pushes_when_it_is_dropped_does_not_deadlock() {
    struct Chain(Arc<Injector<Chain, Counter>>, Arc<AtomicUsize>);
    impl Drop for Chain {
        fn drop(&mut self) {
            if self.1.fetch_add(1, Ordering::Relaxed) < 3 {
                let next = Chain(Arc::clone(&self.0), Arc::clone(&self.1));
                assert!(self.0.push(next).is_err());
            }
        }
    }
    let injector = Arc::new(Injector::new(Counter::default()));
    let drops = Arc::new(AtomicUsize::new(0));
    injector.close();
    let first = Chain(Arc::clone(&injector), Arc::clone(&drops));
    assert!(injector.push(first).is_err());
    assert_eq!(drops.load(Ordering::Relaxed), 4);
}
