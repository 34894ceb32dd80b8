//! Producers on real threads, and a loop that parks on the real poller.

use std::thread;

use ferrio::engine::{Block, LoopCore};

const PRODUCERS: usize = 4;
const ITEMS: usize = 20_000;

#[test]
fn under_load_nothing_is_lost_and_each_producer_stays_in_order() {
    let mut core = LoopCore::new().unwrap();
    let injector = core.injector();
    let mut next = [0; PRODUCERS];
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let injector = &injector;
            scope.spawn(move || {
                for item in 0..ITEMS {
                    injector.push((producer, item)).unwrap();
                    // Lets the loop run dry and park now and then.
                    if item % 64 == producer {
                        thread::yield_now();
                    }
                }
            });
        }
        while next.iter().sum::<usize>() < PRODUCERS * ITEMS {
            let mut parked = core.park(Block::Allowed);
            let outcome = parked.wait();
            for _ in 0..core.unpark(parked, outcome, |item| *item).unwrap() {
                let (producer, item) = core.pop().unwrap();
                assert_eq!(item, next[producer]);
                next[producer] += 1;
            }
        }
    });
    assert!(injector.is_empty());
}

#[test]
fn a_lone_push_wakes_a_loop_that_is_parked_for_ever() {
    let mut core = LoopCore::new().unwrap();
    let injector = core.injector();
    // One at a time: each answer is awaited before the next question, so the
    // loop is about to park, or parked, whenever something arrives.
    let (answer, answers) = std::sync::mpsc::channel();
    let producer = thread::spawn(move || {
        for item in 0..5_000 {
            injector.push(item).unwrap();
            assert_eq!(answers.recv().unwrap(), item);
        }
    });
    let mut seen = 0;
    while seen < 5_000 {
        let mut parked = core.park(Block::Allowed);
        let outcome = parked.wait();
        for _ in 0..core.unpark(parked, outcome, |item| *item).unwrap() {
            answer.send(core.pop().unwrap()).unwrap();
            seen += 1;
        }
    }
    producer.join().unwrap();
}

#[test]
fn a_wake_ends_a_park_without_a_payload() {
    let mut core = LoopCore::<()>::new().unwrap();
    let injector = core.injector();
    let mut parked = core.park(Block::Allowed);
    assert!(parked.blocks());
    let waker = thread::spawn(move || injector.wake().unwrap());
    let outcome = parked.wait();
    assert_eq!(core.unpark(parked, outcome, |()| ()).unwrap(), 0);
    waker.join().unwrap();
}

#[test]
fn a_wake_before_the_park_keeps_it_from_blocking_once() {
    let mut core = LoopCore::<()>::new().unwrap();
    core.injector().wake().unwrap();
    let parked = core.park(Block::Allowed);
    assert!(!parked.blocks());
    core.unpark(parked, Ok(()), |()| ()).unwrap();
    assert!(core.park(Block::Allowed).blocks());
}

#[test]
fn an_injector_can_be_shared_by_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&LoopCore::<Box<dyn Send>>::new().unwrap().injector());
}
