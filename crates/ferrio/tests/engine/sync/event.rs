use ferrio::engine::sync::{Condition, Cursor, Event};

use super::Ticket;

#[test]
fn setting_an_event_wakes_all_who_wait_in_order_once() {
    let mut event = Event::new();
    let tickets: Vec<_> = (0..3).map(Ticket::new).collect();
    for ticket in &tickets {
        event.waiters.push(ticket.clone());
    }
    tickets[1].cancel();
    assert!(event.set());
    assert!(event.is_set());
    let mut cursor = Cursor::default();
    let mut woken = Vec::new();
    while let Some(ticket) = event.to_wake(&mut cursor) {
        ticket.wake();
        woken.push(ticket.number);
    }
    assert_eq!(woken, [0, 2]);
    assert!(!event.set(), "it is set already");
    event.clear();
    assert!(!event.is_set());
}

#[test]
fn a_notification_passes_over_those_who_are_notified() {
    let mut condition = Condition::new();
    let tickets: Vec<_> = (0..3).map(Ticket::new).collect();
    for ticket in &tickets {
        condition.waiters.push(ticket.clone());
    }
    for expected in 0..3 {
        let ticket = condition.to_wake(&mut Cursor::default()).unwrap();
        assert_eq!(ticket.number, expected);
        ticket.wake();
    }
    assert!(condition.to_wake(&mut Cursor::default()).is_none());
}
