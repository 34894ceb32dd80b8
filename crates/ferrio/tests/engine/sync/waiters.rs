use ferrio::engine::sync::{Cursor, Waiters};

use super::Ticket;

fn line(tickets: &[Ticket]) -> Waiters<Ticket> {
    let mut waiters = Waiters::new();
    for ticket in tickets {
        waiters.push(ticket.clone());
    }
    waiters
}

fn numbers<'a>(tickets: impl IntoIterator<Item = &'a Ticket>) -> Vec<usize> {
    tickets.into_iter().map(|ticket| ticket.number).collect()
}

#[test]
fn the_line_is_in_the_order_of_arrival() {
    let tickets: Vec<_> = (0..3).map(Ticket::new).collect();
    let mut waiters = line(&tickets);
    assert_eq!(numbers(waiters.iter()), [0, 1, 2]);
    assert_eq!(waiters.remove(tickets[1].is()).unwrap().number, 1);
    assert!(waiters.remove(tickets[1].is()).is_none());
    assert_eq!(waiters.len(), 2);
    assert_eq!(numbers(&waiters.take()), [0, 2]);
    assert!(waiters.is_empty());
}

#[test]
fn a_walk_passes_over_those_who_do_not_wait_any_more() {
    let tickets: Vec<_> = (0..4).map(Ticket::new).collect();
    let waiters = line(&tickets);
    tickets[0].wake();
    tickets[2].cancel();
    let mut cursor = Cursor::default();
    assert_eq!(waiters.next_waiting(&mut cursor).unwrap().number, 1);
    assert_eq!(waiters.next_waiting(&mut cursor).unwrap().number, 3);
    assert!(waiters.next_waiting(&mut cursor).is_none());
    assert!(waiters.first_if_waiting().is_none());
}

#[test]
fn who_is_popped_over_is_handed_back() {
    let tickets: Vec<_> = (0..3).map(Ticket::new).collect();
    let mut waiters = line(&tickets);
    tickets[0].cancel();
    tickets[1].wake();
    let mut gone = Vec::new();
    assert_eq!(waiters.pop_waiting(&mut gone).unwrap().number, 2);
    assert_eq!(numbers(&gone), [0, 1]);
    assert!(waiters.pop_waiting(&mut gone).is_none());
}

#[test]
fn only_the_cancelled_count_as_nobody() {
    let tickets: Vec<_> = (0..2).map(Ticket::new).collect();
    let waiters = line(&tickets);
    tickets[0].cancel();
    assert!(waiters.anybody());
    tickets[1].wake();
    assert!(waiters.anybody());
    tickets[1]
        .status
        .set(ferrio::engine::sync::Status::Cancelled);
    assert!(!waiters.anybody());
}
