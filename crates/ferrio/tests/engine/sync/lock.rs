use ferrio::engine::sync::{Lock, NotLocked, Status, Waiter};
use proptest::prelude::*;

use super::Ticket;

#[test]
fn a_free_lock_is_taken_at_once() {
    let mut lock: Lock<Ticket> = Lock::new();
    assert!(lock.try_acquire());
    assert!(lock.is_locked());
    assert!(!lock.try_acquire());
    assert!(lock.release().unwrap().is_none());
    assert_eq!(lock.release().unwrap_err(), NotLocked);
    assert_eq!(NotLocked.to_string(), "Lock is not acquired.");
}

#[test]
fn a_newcomer_does_not_pass_one_who_was_woken() {
    let mut lock = Lock::new();
    let ticket = Ticket::new(0);
    assert!(lock.try_acquire());
    lock.waiters.push(ticket.clone());
    lock.release().unwrap().unwrap().wake();
    assert!(!lock.try_acquire());
    assert!(lock.woken(ticket.is()).is_some());
    assert!(lock.is_locked());
}

#[test]
fn a_newcomer_passes_those_who_were_cancelled() {
    let mut lock = Lock::new();
    let ticket = Ticket::new(0);
    lock.waiters.push(ticket.clone());
    ticket.cancel();
    assert!(lock.try_acquire());
}

#[test]
fn who_was_woken_and_cancelled_hands_the_lock_on() {
    let mut lock = Lock::new();
    let tickets: Vec<_> = (0..2).map(Ticket::new).collect();
    assert!(lock.try_acquire());
    for ticket in &tickets {
        lock.waiters.push(ticket.clone());
    }
    lock.release().unwrap().unwrap().wake();
    assert!(lock.to_wake().is_none(), "the first is woken already");
    lock.left(tickets[0].is());
    assert_eq!(lock.to_wake().unwrap().number, 1);
}

/// A task of a random program.
#[derive(Debug, Clone, Copy)]
enum Act {
    Acquire,
    Release,
    /// Cancels one who waits.
    Cancel(usize),
    /// One who was woken or cancelled notices; it may be cancelled after it was woken.
    Run(usize, bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => Just(Act::Acquire),
        2 => Just(Act::Release),
        1 => (0..8_usize).prop_map(Act::Cancel),
        3 => (0..8_usize, prop::bool::weighted(0.2)).prop_map(|(who, late)| Act::Run(who, late)),
    ]
}

proptest! {
    #[test]
    fn one_holds_it_and_the_lock_is_never_free_while_all_sleep(acts in prop::collection::vec(act(), 0..200)) {
        let mut lock = Lock::new();
        let mut waiting: Vec<Ticket> = Vec::new();
        let mut held = false;
        for (number, act) in acts.into_iter().enumerate() {
            match act {
                Act::Acquire if lock.try_acquire() => {
                    prop_assert!(!held);
                    held = true;
                }
                Act::Acquire => {
                    let ticket = Ticket::new(number);
                    lock.waiters.push(ticket.clone());
                    waiting.push(ticket);
                }
                Act::Release => {
                    let released = lock.release().map(Option::<&Ticket>::cloned);
                    prop_assert_eq!(released.is_ok(), std::mem::take(&mut held));
                    if let Ok(Some(ticket)) = released {
                        ticket.wake();
                    }
                }
                Act::Cancel(who) if !waiting.is_empty() => waiting[who % waiting.len()].cancel(),
                Act::Run(who, late) if !waiting.is_empty() => {
                    let place = who % waiting.len();
                    match waiting[place].status() {
                        Status::Waiting => {}
                        Status::Woken if !late => {
                            // Woken means first: nobody else has it.
                            prop_assert!(!held);
                            lock.woken(waiting.remove(place).is());
                            held = true;
                        }
                        Status::Woken | Status::Cancelled => {
                            lock.left(waiting.remove(place).is());
                            if let Some(ticket) = lock.to_wake() {
                                ticket.wake();
                            }
                        }
                    }
                }
                Act::Cancel(_) | Act::Run(..) => {}
            }
            prop_assert_eq!(lock.is_locked(), held);
            let awake = waiting.iter().any(|ticket| ticket.status() != Status::Waiting);
            prop_assert!(held || waiting.is_empty() || awake, "a wake-up was lost");
        }
    }
}
