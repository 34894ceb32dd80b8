use std::io::Write;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

use ferrio::engine::sys::{Event, Events, PollTimeout};
use ferrio::engine::{Interest, Reactor};

fn fixture() -> (Reactor<&'static str>, UnixStream, UnixStream, RawFd) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let fd = ours.as_raw_fd();
    (Reactor::new().unwrap(), ours, theirs, fd)
}

fn fired(reactor: &Reactor<&'static str>) -> Vec<&'static str> {
    let mut events = Events::new();
    reactor
        .poller()
        .wait(&mut events, PollTimeout::Now)
        .unwrap();
    let concerned = events.iter().flat_map(|event| reactor.concerned(event));
    concerned.copied().collect()
}

#[test]
fn a_descriptor_has_one_reader_and_one_writer() {
    let (mut reactor, _ours, _theirs, fd) = fixture();
    assert_eq!(reactor.set_reader(fd, "reader").unwrap(), None);
    assert_eq!(reactor.set_writer(fd, "writer").unwrap(), None);
    assert_eq!(reactor.set_reader(fd, "second").unwrap(), Some("reader"));
    assert_eq!(reactor.reader(fd), Some(&"second"));
    assert_eq!(reactor.writer(fd), Some(&"writer"));
    assert_eq!(reactor.interest(fd), Interest::BOTH);
    assert_eq!(reactor.remove_reader(fd).unwrap(), Some("second"));
    assert_eq!(reactor.interest(fd), Interest::WRITE);
    assert_eq!(reactor.remove_writer(fd).unwrap(), Some("writer"));
    assert_eq!(reactor.remove_writer(fd).unwrap(), None);
    assert_eq!(reactor.interest(fd), Interest::NONE);
}

#[test]
fn the_reader_comes_before_the_writer() {
    let (mut reactor, _ours, mut theirs, fd) = fixture();
    reactor.set_writer(fd, "writer").unwrap();
    reactor.set_reader(fd, "reader").unwrap();
    assert_eq!(fired(&reactor), ["writer"]);
    theirs.write_all(b"x").unwrap();
    assert_eq!(fired(&reactor), ["reader", "writer"]);
}

#[test]
fn a_hang_up_reaches_whoever_waits() {
    let (mut reactor, _ours, theirs, fd) = fixture();
    drop(theirs);
    reactor.set_reader(fd, "reader").unwrap();
    assert_eq!(fired(&reactor), ["reader"]);
    reactor.remove_reader(fd).unwrap();
    reactor.set_writer(fd, "writer").unwrap();
    assert_eq!(fired(&reactor), ["writer"]);
}

#[test]
fn after_an_error_nothing_has_changed() {
    let mut reactor = Reactor::new().unwrap();
    for fd in [-1, i32::MAX] {
        let error = reactor.set_reader(fd, "reader").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        assert_eq!(reactor.interest(fd), Interest::NONE);
        assert_eq!(reactor.reader(fd), None);
        assert_eq!(reactor.remove_reader(fd).unwrap(), None);
    }
    assert_eq!(reactor.into_payloads().count(), 0);
}

#[test]
fn a_descriptor_that_was_closed_first_can_be_removed() {
    let (mut reactor, ours, _theirs, fd) = fixture();
    reactor.set_reader(fd, "reader").unwrap();
    drop(ours);
    assert_eq!(reactor.remove_reader(fd).unwrap(), Some("reader"));
}

#[test]
fn the_reader_of_a_descriptor_that_was_closed_first_can_be_replaced() {
    let (mut reactor, ours, _theirs, fd) = fixture();
    reactor.set_reader(fd, "old").unwrap();
    drop(ours);
    assert_eq!(reactor.set_reader(fd, "new").unwrap(), Some("old"));
    let error = reactor.set_writer(fd, "writer").unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    assert_eq!(reactor.forget(fd), (Some("new"), None));
}

#[test]
fn a_number_that_was_closed_and_reopened_is_watched_again() {
    let (mut reactor, ours, _theirs, fd) = fixture();
    reactor.set_writer(fd, "old").unwrap();
    // Puts another file under the same number, as close and open would; the
    // kernel has forgotten the registration.
    let (other, _peer) = UnixStream::pair().unwrap();
    let mut slot = std::os::fd::OwnedFd::from(ours);
    rustix::io::dup2(&other, &mut slot).unwrap();
    assert_eq!(fired(&reactor), [""; 0]);
    assert_eq!(reactor.set_writer(fd, "new").unwrap(), Some("old"));
    assert_eq!(fired(&reactor), ["new"]);
}

#[test]
fn an_event_for_a_descriptor_that_nobody_watches_concerns_nobody() {
    let (mut reactor, _ours, _theirs, fd) = fixture();
    reactor.set_reader(fd, "reader").unwrap();
    for fd in [fd + 1, i32::MAX, -1] {
        let (readable, writable) = (true, true);
        let event = Event {
            fd,
            readable,
            writable,
        };
        assert_eq!(reactor.concerned(event).count(), 0);
    }
}

#[test]
fn entries_are_the_watched_descriptors_with_their_payloads() {
    let (mut reactor, _ours, theirs, fd) = fixture();
    let other = theirs.as_raw_fd();
    reactor.set_reader(fd, "reader").unwrap();
    reactor.set_writer(other, "writer").unwrap();
    let mut expected = [(fd, Some(&"reader"), None), (other, None, Some(&"writer"))];
    expected.sort_by_key(|entry| entry.0);
    assert_eq!(reactor.entries().collect::<Vec<_>>(), expected);
    reactor.remove_reader(fd).unwrap();
    assert_eq!(
        reactor.entries().collect::<Vec<_>>(),
        [(other, None, Some(&"writer"))]
    );
}
