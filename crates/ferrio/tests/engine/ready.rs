use ferrio::engine::Ready;

#[test]
fn payloads_come_out_in_the_order_in_which_they_went_in() {
    let mut ready = Ready::new();
    ready.push(1);
    ready.extend([2, 3].into_iter());
    ready.push(4);
    assert_eq!(ready.len(), 4);
    assert_eq!(ready.pop(), Some(1));
    assert_eq!(ready.drain().collect::<Vec<_>>(), [2, 3, 4]);
    assert!(ready.is_empty());
    assert_eq!(ready.pop(), None);
}

#[test]
fn what_was_taken_out_is_put_back_before_what_came_since() {
    let mut ready = Ready::new();
    ready.extend([1, 2].into_iter());
    let taken = ready.take();
    assert_eq!(taken, [1, 2]);
    assert!(ready.is_empty());
    ready.push(3);
    ready.put_first(taken);
    assert_eq!(ready.iter().copied().collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_place_in_the_queue_counts_from_what_comes_out_first() {
    let mut ready = Ready::new();
    ready.extend([1, 2, 3].into_iter());
    assert_eq!(ready.pop(), Some(1));
    assert_eq!(ready.get(0), Some(&2));
    assert_eq!(ready.get(1), Some(&3));
    assert_eq!(ready.get(2), None);
}
