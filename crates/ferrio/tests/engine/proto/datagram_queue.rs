use std::collections::VecDeque;

use ferrio::engine::DatagramQueue;
use proptest::prelude::*;

#[test]
fn datagrams_leave_in_order_with_their_addresses() {
    let mut queue = DatagramQueue::new(0);
    queue.push("one", 1);
    queue.push("two", 2);
    queue.push("three", 3);
    assert_eq!(queue.take(2), [("one", 1), ("two", 2)]);
    assert!(queue.iter().eq(&[("three", 3)]));
    assert_eq!((queue.len(), queue.size()), (1, 5));
}

#[test]
fn an_empty_datagram_waits_like_any_other() {
    let mut queue = DatagramQueue::new(0);
    queue.push("", ());
    assert!(!queue.is_empty());
    assert_eq!(queue.size(), 0);
    assert_eq!(queue.take(1), [("", ())]);
    assert!(queue.is_empty());
}

#[test]
fn each_datagram_counts_for_its_overhead_until_it_is_taken() {
    let mut queue = DatagramQueue::new(8);
    queue.push("", ());
    queue.push("abc", ());
    assert_eq!(queue.size(), 19);
    queue.take(1);
    assert_eq!(queue.size(), 11);
    queue.take(1);
    assert_eq!(queue.size(), 0);
}

#[test]
fn what_is_put_back_is_the_next_to_leave() {
    let mut queue = DatagramQueue::new(8);
    queue.push("one", 1);
    queue.push("two", 2);
    let (data, address) = queue.take(1).pop_front().unwrap();
    queue.put_back(data, address);
    assert_eq!(queue.size(), 22);
    assert_eq!(queue.take(2), [("one", 1), ("two", 2)]);
}

#[test]
fn taking_all_leaves_an_empty_queue() {
    let mut queue = DatagramQueue::new(8);
    queue.push("abc", 1);
    queue.push("d", 2);
    assert_eq!(queue.take_all(), [("abc", 1), ("d", 2)]);
    assert!(queue.is_empty());
    assert_eq!(queue.size(), 0);
    queue.push("e", 3);
    assert_eq!(queue.size(), 9);
}

#[test]
#[should_panic(expected = "range")]
fn taking_more_than_there_is_is_a_bug() {
    DatagramQueue::<&str, ()>::new(0).take(1);
}

proptest! {
    #[test]
    fn size_and_order_are_those_of_a_plain_list(
        overhead in 0..10_usize,
        steps in prop::collection::vec((prop::option::of(0..20_usize), 0..5_usize), 0..200),
    ) {
        let mut queue = DatagramQueue::new(overhead);
        let mut model = VecDeque::new();
        for (number, (push, take)) in steps.into_iter().enumerate() {
            if let Some(len) = push {
                queue.push(vec![0; len], number);
                model.push_back((vec![0; len], number));
            } else {
                let count = take.min(model.len());
                prop_assert_eq!(queue.take(count), model.drain(..count).collect::<Vec<_>>());
            }
            prop_assert_eq!(queue.len(), model.len());
            let size: usize = model.iter().map(|(data, _)| data.len() + overhead).sum();
            prop_assert_eq!(queue.size(), size);
        }
    }
}
