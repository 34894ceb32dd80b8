use ferrio::engine::{ReadBuffer, Search};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Push(Vec<u8>),
    Consume(prop::sample::Index),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Push),
        8 => any::<prop::sample::Index>().prop_map(Step::Consume),
        1 => Just(Step::Clear),
    ]
}

proptest! {
    #[test]
    fn a_read_buffer_is_the_bytes_that_were_pushed_and_not_yet_consumed(
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let mut buffer = ReadBuffer::new();
        let mut model: Vec<u8> = Vec::new();
        for step in steps {
            match step {
                Step::Push(bytes) => {
                    model.extend(&bytes);
                    buffer.push(&bytes);
                }
                Step::Consume(index) => {
                    let count = index.index(model.len() + 1);
                    model.drain(..count);
                    buffer.consume(count);
                }
                Step::Clear => {
                    model.clear();
                    buffer.clear();
                }
            }
            prop_assert_eq!(buffer.bytes(), &model[..]);
            prop_assert_eq!(buffer.len(), model.len());
            prop_assert_eq!(buffer.is_empty(), model.is_empty());
        }
    }
}

/// The first end of a separator in `bytes`, and the shortest that ends there, found by looking everywhere.
fn first_end(bytes: &[u8], separators: &[Vec<u8>]) -> Option<(usize, usize)> {
    (0..=bytes.len()).find_map(|end| {
        let ending = separators.iter().filter(|it| bytes[..end].ends_with(it));
        let shortest = ending.map(Vec::len).min()?;
        Some((end - shortest, end))
    })
}

proptest! {
    #[test]
    fn a_search_finds_what_ends_first_however_the_bytes_arrive(
        pieces in prop::collection::vec(prop::collection::vec(0..3_u8, 0..8), 0..12),
        separators in prop::collection::vec(prop::collection::vec(0..3_u8, 1..5), 1..4),
    ) {
        let mut search = Search::new(separators.iter().map(Vec::as_slice)).unwrap();
        let longest = separators.iter().map(Vec::len).max().unwrap();
        let mut bytes = Vec::new();
        for piece in pieces {
            bytes.extend(piece);
            let expected = first_end(&bytes, &separators);
            let found = search.find(&bytes).map(|found| (found.start, found.end));
            prop_assert_eq!(found, expected);
            if found.is_some() {
                break;
            }
            // All is known but an end that may be the beginning of a separator.
            prop_assert!(bytes.len() < search.offset() + longest);
        }
    }

    #[test]
    fn a_search_for_a_byte_is_one_for_a_separator_of_one_byte(
        bytes in prop::collection::vec(0..9_u8, 0..30),
    ) {
        let found = Search::byte(7).find(&bytes);
        prop_assert_eq!(found, Search::new([&[7_u8][..]]).unwrap().find(&bytes));
    }
}

#[test]
fn a_search_for_nothing_is_none() {
    assert!(Search::new([]).is_none());
    assert!(Search::new([&b"a"[..], b""]).is_none());
}
