use std::collections::VecDeque;

use ferrio::Ready;

#[test]
fn payloads_come_out_in_the_order_in_which_they_went_in() {
    let mut ready = Ready::new();
    ready.push(1);
    ready.append(&mut VecDeque::from([2, 3]));
    ready.push(4);
    assert_eq!(ready.len(), 4);
    assert_eq!(ready.pop(), Some(1));
    assert_eq!(ready.drain().collect::<Vec<_>>(), [2, 3, 4]);
    assert!(ready.is_empty());
    assert_eq!(ready.pop(), None);
}
