use ferrio::engine::sync::{ReleasedTooOften, Semaphore, Status, UNLIMITED, Waiter};
use proptest::prelude::*;

use super::Ticket;

#[test]
fn permits_run_out() {
    let mut semaphore: Semaphore<Ticket> = Semaphore::new(2, None);
    assert!(semaphore.try_acquire());
    assert!(semaphore.try_acquire());
    assert!(semaphore.is_locked());
    assert!(!semaphore.try_acquire());
    assert!(semaphore.release().unwrap().is_none());
    assert_eq!(semaphore.value, 1);
}

#[test]
fn a_bounded_semaphore_refuses_more_than_it_had() {
    let mut semaphore: Semaphore<Ticket> = Semaphore::new(1, Some(1));
    assert_eq!(semaphore.release().unwrap_err(), ReleasedTooOften);
    assert!(semaphore.try_acquire());
    assert!(semaphore.release().is_ok());
}

#[test]
fn an_unlimited_semaphore_stays_so() {
    let mut semaphore: Semaphore<Ticket> = Semaphore::new(UNLIMITED, None);
    for _ in 0..3 {
        assert!(semaphore.try_acquire());
    }
    assert!(semaphore.release().unwrap().is_none());
    assert_eq!(semaphore.value, UNLIMITED);
}

#[test]
fn a_released_permit_belongs_to_the_first_who_waits() {
    let mut semaphore = Semaphore::new(0, None);
    let ticket = Ticket::new(0);
    semaphore.waiters.push(ticket.clone());
    semaphore.release().unwrap().unwrap().wake();
    assert_eq!(semaphore.value, 0);
    assert!(!semaphore.try_acquire());
    assert!(semaphore.ended(ticket.is(), false).is_some());
    assert_eq!(semaphore.value, 0);
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Acquire,
    Release,
    Cancel(usize),
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
    fn permits_are_neither_lost_nor_made(
        permits in 0..4_i64,
        acts in prop::collection::vec(act(), 0..200),
    ) {
        let mut semaphore = Semaphore::new(permits, None);
        let mut waiting: Vec<Ticket> = Vec::new();
        let mut held = 0;
        for (number, act) in acts.into_iter().enumerate() {
            match act {
                Act::Acquire if semaphore.try_acquire() => held += 1,
                Act::Acquire => {
                    let ticket = Ticket::new(number);
                    semaphore.waiters.push(ticket.clone());
                    waiting.push(ticket);
                }
                Act::Release if held > 0 => {
                    held -= 1;
                    if let Some(ticket) = semaphore.release().unwrap() {
                        ticket.wake();
                    }
                }
                Act::Cancel(who) if !waiting.is_empty() => waiting[who % waiting.len()].cancel(),
                Act::Run(who, late) if !waiting.is_empty() => {
                    let place = who % waiting.len();
                    if waiting[place].status() == Status::Waiting {
                        continue;
                    }
                    let ticket = waiting.remove(place);
                    let cancelled = late || ticket.status() == Status::Cancelled;
                    semaphore.ended(ticket.is(), cancelled);
                    held += i64::from(!cancelled);
                    while let Some(ticket) = semaphore.to_wake() {
                        ticket.wake();
                    }
                }
                Act::Release | Act::Cancel(_) | Act::Run(..) => {}
            }
            let given = waiting.iter().filter(|ticket| ticket.status() == Status::Woken);
            let given = i64::try_from(given.count()).unwrap();
            prop_assert_eq!(semaphore.value + held + given, permits);
            let all_sleep = waiting.iter().all(|ticket| ticket.status() == Status::Waiting);
            prop_assert!(waiting.is_empty() || !all_sleep || semaphore.value == 0, "a wake-up was lost");
        }
    }
}
