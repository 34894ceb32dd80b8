use std::io::IoSlice;
use std::rc::Rc;

use ferrio::engine::WriteBuffer;
use ferrio::engine::proto::MAX_SLICES;
use proptest::prelude::*;

/// All bytes that `gather` shows with room for `limit` slices.
fn gathered<B: AsRef<[u8]>>(buffer: &WriteBuffer<B>, limit: usize) -> Vec<u8> {
    let mut slices = vec![IoSlice::new(&[]); limit];
    let slices = buffer.gather(&mut slices);
    slices.iter().flat_map(|slice| slice.to_vec()).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Push(Vec<u8>),
    Gather(usize),
    Advance(prop::sample::Index),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..12).prop_map(Step::Push),
        4 => (0..9_usize).prop_map(Step::Gather),
        6 => any::<prop::sample::Index>().prop_map(Step::Advance),
        1 => Just(Step::Clear),
    ]
}

proptest! {
    #[test]
    fn a_write_buffer_is_the_bytes_that_were_pushed_and_not_yet_written(
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let mut buffer = WriteBuffer::new();
        let mut model: Vec<u8> = Vec::new();
        for step in steps {
            match step {
                Step::Push(chunk) => {
                    model.extend(&chunk);
                    buffer.push(chunk);
                }
                Step::Gather(limit) => {
                    let shown = gathered(&buffer, limit);
                    prop_assert!(model.starts_with(&shown));
                    prop_assert_eq!(shown.len() == model.len(), buffer.chunk_count() <= limit);
                    let mut slices = vec![IoSlice::new(&[]); limit];
                    let slices = buffer.gather(&mut slices);
                    prop_assert_eq!(slices.len(), limit.min(buffer.chunk_count()));
                    prop_assert!(slices.iter().all(|slice| !slice.is_empty()));
                }
                Step::Advance(index) => {
                    let n = index.index(model.len() + 1);
                    model.drain(..n);
                    buffer.advance(n);
                }
                Step::Clear => {
                    model.clear();
                    buffer.clear();
                }
            }
            prop_assert_eq!(buffer.len(), model.len());
            prop_assert_eq!(buffer.is_empty(), model.is_empty());
            prop_assert_eq!(buffer.chunk_count() == 0, model.is_empty());
        }
        prop_assert_eq!(gathered(&buffer, MAX_SLICES), model);
    }
}

#[test]
fn an_empty_chunk_is_dropped() {
    let mut buffer = WriteBuffer::new();
    buffer.push("");
    assert_eq!((buffer.chunk_count(), buffer.len()), (0, 0));
    buffer.push("a");
    buffer.push("");
    assert_eq!((buffer.chunk_count(), buffer.len()), (1, 1));
}

#[test]
fn no_more_is_gathered_than_writev_takes() {
    let mut buffer = WriteBuffer::new();
    for _ in 0..3000 {
        buffer.push("x");
    }
    let mut slices = vec![IoSlice::new(&[]); 3000];
    assert_eq!(buffer.gather(&mut slices).len(), MAX_SLICES);
}

/// A chunk that can be counted.
struct Shared(#[expect(dead_code)] Rc<()>, &'static [u8]);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.1
    }
}

#[test]
fn a_chunk_is_dropped_with_its_last_byte() {
    let owner = Rc::new(());
    let mut buffer = WriteBuffer::default();
    buffer.push(Shared(Rc::clone(&owner), b"abc"));
    buffer.push(Shared(Rc::clone(&owner), b"de"));
    buffer.push(Shared(Rc::clone(&owner), b"f"));
    buffer.advance(2);
    assert_eq!(Rc::strong_count(&owner), 4);
    buffer.advance(1);
    assert_eq!(Rc::strong_count(&owner), 3);
    buffer.advance(2);
    assert_eq!(Rc::strong_count(&owner), 2);
    buffer.clear();
    assert_eq!(Rc::strong_count(&owner), 1);
}

#[test]
#[should_panic(expected = "advanced by 3 of 2 bytes")]
fn advancing_past_the_end_is_a_bug_of_the_caller() {
    let mut buffer = WriteBuffer::new();
    buffer.push("ab");
    buffer.advance(3);
}
