//! The contract of a back end, as `sys` states it.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ferrio::engine::Interest;
use ferrio::engine::sys::{Event, Events, PollTimeout, Poller};

const NONE: Interest = Interest::NONE;
const READ: Interest = Interest::READ;
const WRITE: Interest = Interest::WRITE;
const BOTH: Interest = Interest::BOTH;

fn poll(poller: &Poller, timeout: PollTimeout) -> Vec<Event> {
    let mut events = Events::new();
    poller.wait(&mut events, timeout).unwrap();
    events.iter().collect()
}

fn event(fd: RawFd, readable: bool, writable: bool) -> Event {
    Event {
        fd,
        readable,
        writable,
    }
}

/// A poller and two connected sockets, with the number of the first.
fn fixture() -> (Poller, UnixStream, UnixStream, RawFd) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let fd = ours.as_raw_fd();
    (Poller::new().unwrap(), ours, theirs, fd)
}

#[test]
fn an_event_comes_back_at_each_wait_while_its_cause_lasts() {
    let (poller, mut ours, mut theirs, fd) = fixture();
    poller.change(fd, NONE, READ).unwrap();
    assert_eq!(poll(&poller, PollTimeout::Now), []);
    theirs.write_all(b"x").unwrap();
    for _ in 0..3 {
        assert_eq!(
            poll(&poller, PollTimeout::Forever),
            [event(fd, true, false)]
        );
    }
    ours.read_exact(&mut [0]).unwrap();
    assert_eq!(poll(&poller, PollTimeout::Now), []);
}

#[test]
fn only_what_is_asked_for_is_reported() {
    let (poller, _ours, mut theirs, fd) = fixture();
    theirs.write_all(b"x").unwrap();
    poller.change(fd, NONE, WRITE).unwrap();
    assert_eq!(poll(&poller, PollTimeout::Now), [event(fd, false, true)]);
    poller.change(fd, WRITE, BOTH).unwrap();
    assert_eq!(poll(&poller, PollTimeout::Now), [event(fd, true, true)]);
    poller.change(fd, BOTH, READ).unwrap();
    assert_eq!(poll(&poller, PollTimeout::Now), [event(fd, true, false)]);
    poller.change(fd, READ, NONE).unwrap();
    assert_eq!(poll(&poller, PollTimeout::Now), []);
}

#[test]
fn a_hang_up_counts_as_readable_and_as_writable() {
    for interest in [READ, WRITE] {
        let (poller, _ours, theirs, fd) = fixture();
        poller.change(fd, NONE, interest).unwrap();
        drop(theirs);
        assert_eq!(poll(&poller, PollTimeout::Forever), [event(fd, true, true)]);
    }
}

#[test]
fn the_error_of_a_pipe_without_a_reader_counts_for_both_directions() {
    let poller = Poller::new().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let fd = writer.as_raw_fd();
    poller.change(fd, NONE, WRITE).unwrap();
    drop(reader);
    assert_eq!(poll(&poller, PollTimeout::Forever), [event(fd, true, true)]);
}

#[test]
fn adding_a_descriptor_that_is_there_modifies_it() {
    let (poller, _ours, mut theirs, fd) = fixture();
    theirs.write_all(b"x").unwrap();
    poller.change(fd, NONE, WRITE).unwrap();
    poller.change(fd, NONE, READ).unwrap();
    assert_eq!(poll(&poller, PollTimeout::Now), [event(fd, true, false)]);
}

#[test]
fn modifying_a_descriptor_that_is_gone_adds_it() {
    let (poller, _ours, mut theirs, fd) = fixture();
    theirs.write_all(b"x").unwrap();
    poller.change(fd, WRITE, READ).unwrap();
    assert_eq!(poll(&poller, PollTimeout::Now), [event(fd, true, false)]);
    poller.change(fd, READ, NONE).unwrap();
    poller.change(fd, READ, READ).unwrap();
    assert_eq!(poll(&poller, PollTimeout::Now), [event(fd, true, false)]);
}

#[test]
fn deleting_a_descriptor_that_is_gone_succeeds() {
    let (poller, ours, _theirs, fd) = fixture();
    poller.change(fd, READ, NONE).unwrap();
    poller.change(fd, NONE, READ).unwrap();
    drop(ours);
    poller.change(fd, READ, NONE).unwrap();
    poller.change(-1, READ, NONE).unwrap();
    poller.change(-1, NONE, NONE).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn deleting_a_descriptor_whose_number_is_a_regular_file_s_now_succeeds() {
    let (poller, ours, _theirs, fd) = fixture();
    poller.change(fd, NONE, READ).unwrap();
    let file = File::open(std::env::current_exe().unwrap()).unwrap();
    // Closes the socket and gives its number to the file.
    let mut ours = std::os::fd::OwnedFd::from(ours);
    rustix::io::dup2(&file, &mut ours).unwrap();
    poller.change(fd, READ, NONE).unwrap();
}

#[test]
fn a_number_that_is_not_open_is_refused() {
    let poller = Poller::new().unwrap();
    for (fd, old) in [(-1, NONE), (-1, READ), (i32::MAX, NONE), (i32::MAX, READ)] {
        let error = poller.change(fd, old, BOTH).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_regular_file_is_refused_with_permission_denied() {
    let poller = Poller::new().unwrap();
    let file = File::open(std::env::current_exe().unwrap()).unwrap();
    let error = poller.change(file.as_raw_fd(), NONE, READ).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[test]
fn a_wait_without_events_is_never_early() {
    let poller = Poller::new().unwrap();
    for micros in [1, 50, 999, 1_001, 3_500] {
        let duration = Duration::from_micros(micros);
        let begin = Instant::now();
        assert_eq!(poll(&poller, PollTimeout::After(duration)), []);
        assert!(begin.elapsed() >= duration);
    }
}

#[test]
fn a_signal_interrupts_the_wait() {
    static HANDLED: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn handler(_: libc::c_int) {
        HANDLED.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: the action is zeroed, which is a valid value of all its fields,
    // and the handler does nothing but an atomic addition.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        let result = libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut());
        assert_eq!(result, 0);
    }
    let poller = Poller::new().unwrap();
    let done = AtomicBool::new(false);
    // SAFETY: always succeeds.
    let waiting = unsafe { libc::pthread_self() };
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            // Again until it has hit the wait itself and not the way there.
            while !done.load(Ordering::Acquire) {
                // SAFETY: the thread `waiting` outlives this scope.
                unsafe { libc::pthread_kill(waiting, libc::SIGUSR1) };
                thread::yield_now();
            }
        });
        let outcome = poller.wait(&mut Events::new(), PollTimeout::Forever);
        done.store(true, Ordering::Release);
        outcome
    });
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Interrupted);
    assert!(HANDLED.load(Ordering::Relaxed) > 0);
}

#[test]
fn a_wake_ends_one_wait_and_is_not_shown() {
    let poller = Poller::new().unwrap();
    let waker = poller.waker().unwrap();
    for _ in 0..3 {
        waker.wake().unwrap();
        waker.wake().unwrap();
        assert_eq!(poll(&poller, PollTimeout::Forever), []);
        // Nothing has been read, yet nothing is left over.
        let begin = Instant::now();
        assert_eq!(
            poll(&poller, PollTimeout::After(Duration::from_millis(1))),
            []
        );
        assert!(begin.elapsed() >= Duration::from_millis(1));
    }
}

#[test]
fn a_wake_does_not_hide_other_events() {
    let (poller, _ours, _theirs, fd) = fixture();
    let waker = poller.waker().unwrap();
    poller.change(fd, NONE, WRITE).unwrap();
    waker.wake().unwrap();
    assert_eq!(
        poll(&poller, PollTimeout::Forever),
        [event(fd, false, true)]
    );
}

#[test]
fn a_waker_that_is_dropped_leaves_the_poller() {
    let poller = Poller::new().unwrap();
    let waker = poller.waker().unwrap();
    waker.wake().unwrap();
    drop(waker);
    assert_eq!(poll(&poller, PollTimeout::Now), []);
}

#[test]
fn a_clone_that_is_parked_sees_what_is_registered_on_the_original() {
    let (poller, _ours, _theirs, fd) = fixture();
    let parked = poller.clone();
    let waiter = thread::spawn(move || poll(&parked, PollTimeout::Forever));
    poller.change(fd, NONE, WRITE).unwrap();
    assert_eq!(waiter.join().unwrap(), [event(fd, false, true)]);
}

#[test]
fn the_buffer_is_cleared_by_each_wait() {
    let (poller, _ours, _theirs, fd) = fixture();
    let mut events = Events::new();
    poller.change(fd, NONE, WRITE).unwrap();
    poller.wait(&mut events, PollTimeout::Now).unwrap();
    assert_eq!(events.iter().count(), 1);
    poller.change(fd, WRITE, NONE).unwrap();
    poller.wait(&mut events, PollTimeout::Now).unwrap();
    assert_eq!(events.iter().count(), 0);
}
