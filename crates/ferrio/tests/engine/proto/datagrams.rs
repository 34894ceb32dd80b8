//! The queue of datagrams under everything that a transport does to it: sending several, of which the kernel takes
//! some, putting back, and giving all up.

use std::collections::VecDeque;
use std::rc::Rc;

use ferrio::engine::DatagramQueue;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Push(usize),
    /// Take that many, and put that many of them back, as `sendmmsg(2)` does that stops early.
    Send(usize, usize),
    TakeAll,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..70_000_usize).prop_map(Step::Push),
        6 => (0..9_usize, 0..9_usize).prop_map(|(taken, back)| Step::Send(taken, back)),
        1 => Just(Step::TakeAll),
    ]
}

/// Data that can be counted.
#[derive(Debug, Clone)]
struct Shared(#[expect(dead_code)] Rc<()>, Vec<u8>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.1
    }
}

proptest! {
    #[test]
    fn every_datagram_leaves_once_in_order_and_is_dropped(
        overhead in 0..100_usize,
        steps in prop::collection::vec(step(), 0..100),
    ) {
        let owner = Rc::new(());
        let mut queue = DatagramQueue::new(overhead);
        let mut model: VecDeque<(usize, usize)> = VecDeque::new();
        let mut left = Vec::new();
        let mut number = 0;
        for step in steps {
            match step {
                Step::Push(len) => {
                    queue.push(Shared(Rc::clone(&owner), vec![0; len]), number);
                    model.push_back((len, number));
                    number += 1;
                }
                Step::Send(count, back) => {
                    let count = count.min(model.len());
                    let mut taken = queue.take(count);
                    for _ in 0..back.min(count) {
                        let (data, address) = taken.pop_back().unwrap();
                        queue.put_back(data, address);
                    }
                    left.extend(taken.iter().map(|(_, address)| *address));
                    model.drain(..taken.len());
                }
                Step::TakeAll => {
                    left.extend(queue.take_all().iter().map(|(_, address)| *address));
                    model.clear();
                }
            }
            prop_assert_eq!(queue.len(), model.len());
            prop_assert_eq!(queue.is_empty(), model.is_empty());
            let size: usize = model.iter().map(|(len, _)| len + overhead).sum();
            prop_assert_eq!(queue.size(), size);
            let shown = queue.iter().map(|(data, address)| (data.1.len(), *address));
            prop_assert!(shown.eq(model.iter().copied()));
            prop_assert_eq!(Rc::strong_count(&owner), 1 + model.len());
        }
        left.extend(queue.take_all().iter().map(|(_, address)| *address));
        prop_assert_eq!(left, (0..number).collect::<Vec<_>>());
    }
}
