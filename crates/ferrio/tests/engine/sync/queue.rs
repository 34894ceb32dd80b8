use ferrio::engine::sync::{Queue, Refused, Status, TooManyDone, Waiter};
use proptest::prelude::*;

use super::Ticket;

#[test]
fn a_limit_is_a_number_of_items() {
    let queue: Queue<Ticket> = Queue::new(Some(2));
    assert!(!queue.is_full(1));
    assert!(queue.is_full(2));
    assert!(!Queue::<Ticket>::new(None).is_full(usize::MAX));
}

#[test]
fn a_queue_that_is_shut_down_takes_nothing_in_and_gives_out_what_it_has() {
    let mut queue: Queue<Ticket> = Queue::new(None);
    assert_eq!(queue.may_put(true), Err(Refused::Wait));
    assert_eq!(queue.may_put(false), Ok(()));
    assert_eq!(queue.may_get(true), Err(Refused::Wait));
    queue.shut_down = true;
    assert_eq!(queue.may_put(false), Err(Refused::ShutDown));
    assert_eq!(queue.may_put(true), Err(Refused::ShutDown));
    assert_eq!(queue.may_get(false), Ok(()));
    assert_eq!(queue.may_get(true), Err(Refused::ShutDown));
}

#[test]
fn what_is_put_in_is_unfinished_until_it_is_done() {
    let mut queue: Queue<Ticket> = Queue::new(None);
    let mut gone = Vec::new();
    queue.added(&mut gone);
    queue.added(&mut gone);
    assert_eq!(queue.done(), Ok(false));
    assert_eq!(queue.done(), Ok(true));
    assert_eq!(queue.done(), Err(TooManyDone));
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Put,
    Get,
    Cancel(usize),
    Run(usize, bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => Just(Act::Put),
        3 => Just(Act::Get),
        1 => (0..8_usize).prop_map(Act::Cancel),
        4 => (0..8_usize, prop::bool::weighted(0.2)).prop_map(|(who, late)| Act::Run(who, late)),
    ]
}

/// A queue with its items, and those who wait at it.
struct Program {
    queue: Queue<Ticket>,
    items: usize,
    getters: Vec<Ticket>,
    putters: Vec<Ticket>,
}

impl Program {
    fn put(&mut self, number: usize) {
        let is_full = self.queue.is_full(self.items);
        if self.queue.may_put(is_full).is_err() {
            let ticket = Ticket::new(number);
            self.queue.putters.push(ticket.clone());
            self.putters.push(ticket);
            return;
        }
        self.items += 1;
        if let Some(ticket) = self.queue.added(&mut Vec::new()) {
            ticket.wake();
        }
    }

    fn get(&mut self, number: usize) {
        if self.queue.may_get(self.items == 0).is_err() {
            let ticket = Ticket::new(number);
            self.queue.getters.push(ticket.clone());
            self.getters.push(ticket);
            return;
        }
        self.items -= 1;
        if let Some(ticket) = self.queue.taken(&mut Vec::new()) {
            ticket.wake();
        }
    }

    /// One who was woken or cancelled goes on; `late` is a cancellation after it was woken.
    fn run(&mut self, who: usize, late: bool, number: usize) {
        let putters = self.putters.len();
        let place = who % (putters + self.getters.len());
        let is_putter = place < putters;
        let ticket = if is_putter {
            &self.putters[place]
        } else {
            &self.getters[place - putters]
        };
        let status = ticket.status();
        if status == Status::Waiting {
            return;
        }
        let ticket = if is_putter {
            self.putters.remove(place)
        } else {
            self.getters.remove(place - putters)
        };
        if status == Status::Woken && !late {
            if is_putter {
                self.put(number);
            } else {
                self.get(number);
            }
            return;
        }
        let (line, in_vain) = if is_putter {
            (
                &mut self.queue.putters,
                self.queue.limit == Some(self.items),
            )
        } else {
            (&mut self.queue.getters, self.items == 0)
        };
        line.remove(ticket.is());
        if status == Status::Woken
            && !in_vain
            && let Some(next) = line.pop_waiting(&mut Vec::new())
        {
            next.wake();
        }
    }
}

proptest! {
    #[test]
    fn nobody_sleeps_while_there_is_something_for_them(
        limit in 1..4_usize,
        acts in prop::collection::vec(act(), 0..200),
    ) {
        let mut program = Program {
            queue: Queue::new(Some(limit)),
            items: 0,
            getters: Vec::new(),
            putters: Vec::new(),
        };
        for (number, act) in acts.into_iter().enumerate() {
            let waiting = program.getters.len() + program.putters.len();
            match act {
                Act::Put => program.put(number),
                Act::Get => program.get(number),
                Act::Cancel(who) if waiting > 0 => {
                    let mut all = program.putters.iter().chain(&program.getters);
                    all.nth(who % waiting).unwrap().cancel();
                }
                Act::Run(who, late) if waiting > 0 => program.run(who, late, number),
                Act::Cancel(_) | Act::Run(..) => {}
            }
            let all_sleep = |tickets: &[Ticket]| {
                !tickets.is_empty() && tickets.iter().all(|ticket| ticket.status() == Status::Waiting)
            };
            prop_assert!(program.items <= limit);
            prop_assert!(!all_sleep(&program.getters) || program.items == 0, "a wake-up was lost");
            prop_assert!(!all_sleep(&program.putters) || program.items == limit, "a wake-up was lost");
        }
    }
}
