//! The buffers of both ends of a stream as they work together: what is pushed here in chunks is gathered, partly
//! written, pushed there in other pieces, searched and consumed, and arrives whole and in order.

use std::io::{IoSlice, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::LazyLock;

use ferrio::engine::{FlowControl, ReadBuffer, Search, WriteBuffer};
use proptest::prelude::*;

/// Writes what the buffer shows, as much as the stream takes.
fn flush(buffer: &mut WriteBuffer<Vec<u8>>, stream: &mut UnixStream) {
    while !buffer.is_empty() {
        match stream.write_vectored(buffer.gather(&mut [IoSlice::new(&[]); 8])) {
            Ok(count) => buffer.advance(count),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A tenth of the usual number of cases: these move megabytes.
fn fewer() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases.div_ceil(10),
        ..usual
    }
}

/// Bytes whose place can be told from any few of them, for as much as a test moves.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| (0..251).cycle().take(7_000_000).collect());

/// So many bytes of the pattern from the `start`th byte on.
fn pattern(start: usize, len: usize) -> &'static [u8] {
    &PATTERN[start % 251..][..len]
}

proptest! {
    #![proptest_config(fewer())]

    /// `writev(2)` takes any part of what was gathered, and the flow control says each change once.
    #[test]
    fn a_stream_arrives_whole_whatever_the_kernel_takes(
        sizes in prop::collection::vec(0..100_000_usize, 1..12),
        reads in prop::collection::vec(1..100_000_usize, 1..8),
        marks in (0..100_000_usize, 0..100_000_usize),
    ) {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let (mut buffer, mut flow) = (WriteBuffer::new(), FlowControl::new());
        flow.set_limits(Some(marks.0.max(marks.1)), Some(marks.0.min(marks.1))).unwrap();
        let expected = pattern(0, sizes.iter().sum());
        let mut received = ReadBuffer::new();
        let mut pauses = 0;
        let mut reads = reads.iter().cycle();
        let mut piece = vec![0; 100_000];
        let mut read = |received: &mut ReadBuffer| {
            let size = *reads.next().unwrap();
            if let Ok(count) = theirs.read(&mut piece[..size]) {
                received.push(&piece[..count]);
            }
        };
        let mut written = 0;
        for size in sizes {
            buffer.push(pattern(written, size).to_vec());
            written += size;
            flush(&mut buffer, &mut ours);
            pauses += i32::from(flow.grew(buffer.len()));
            read(&mut received);
        }
        for _ in 0..1_000_000 {
            if received.len() == expected.len() {
                break;
            }
            read(&mut received);
            flush(&mut buffer, &mut ours);
            pauses -= i32::from(flow.shrank(buffer.len()));
        }
        pauses -= i32::from(flow.shrank(buffer.len()));
        prop_assert!(received.bytes() == expected, "{} bytes", received.len());
        prop_assert_eq!(pauses, 0, "each pause is followed by one resumption");
        prop_assert!(!flow.is_paused());
    }

    /// As `StreamReader.readuntil` uses them: a search goes on over the pieces, and is made anew for each message.
    #[test]
    fn messages_are_cut_where_their_separators_are(
        messages in prop::collection::vec(prop::collection::vec(0..3_u8, 0..40), 1..12),
        separator in prop::collection::vec(1..4_u8, 1..4),
        pieces in prop::collection::vec(1..30_usize, 1..12),
    ) {
        let mut stream = Vec::new();
        for message in &messages {
            stream.extend(message);
            stream.extend(&separator);
        }
        let mut expected = Vec::new();
        let mut rest = &stream[..];
        while let Some(start) = rest.windows(separator.len()).position(|it| it == separator) {
            let (message, behind) = rest.split_at(start + separator.len());
            expected.push(message.to_vec());
            rest = behind;
        }

        let mut buffer = ReadBuffer::new();
        let new_search = || Search::new([&separator[..]]).unwrap();
        let mut search = new_search();
        let mut found = Vec::new();
        let mut arriving = &stream[..];
        for size in pieces.iter().cycle() {
            let (piece, later) = arriving.split_at((*size).min(arriving.len()));
            arriving = later;
            buffer.push(piece);
            while let Some(range) = search.find(buffer.bytes()) {
                found.push(buffer.bytes()[..range.end].to_vec());
                buffer.consume(range.end);
                search = new_search();
            }
            if arriving.is_empty() {
                break;
            }
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(buffer.bytes(), rest);
    }

    /// Large pieces make the buffer move its bytes to the front, and let its memory go when it is empty.
    #[test]
    fn large_pieces_are_taken_whole_wherever_they_lie(
        sizes in prop::collection::vec((1..300_000_usize, 0..100_u8), 1..20),
    ) {
        let mut buffer = ReadBuffer::new();
        let (mut pushed, mut taken) = (0, 0);
        for (size, percent) in sizes {
            buffer.push(pattern(pushed, size));
            pushed += size;
            let count = (pushed - taken) * usize::from(percent) / 99;
            buffer.consume(count);
            taken += count;
            prop_assert_eq!(buffer.len(), pushed - taken);
            prop_assert!(buffer.bytes() == pattern(taken, pushed - taken));
        }
        buffer.consume(pushed - taken);
        prop_assert!(buffer.is_empty());
    }
}
