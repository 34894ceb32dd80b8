//! Both ways to handle a batch, chosen by hand.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use rustix::net::SocketAddrV4;

use super::*;

type Sent = Vec<(Vec<u8>, Option<SocketAddrAny>)>;

const SIZE: usize = 100;

fn pair() -> (UdpSocket, UdpSocket) {
    let [left, right] = [(); 2].map(|()| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    right.connect(left.local_addr().unwrap()).unwrap();
    (left, right)
}

fn address(socket: &UdpSocket) -> SocketAddrAny {
    let port = socket.local_addr().unwrap().port();
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into()
}

/// Receives in each of the ways what `fill` has sent.
fn receive_each_way(fd: BorrowedFd<'_>, limit: usize, fill: impl Fn()) -> [io::Result<Sent>; 2] {
    let taken = |batch: &ReceiveBatch| -> Sent {
        batch
            .datagrams()
            .map(|(data, sender)| (data.to_vec(), sender.cloned()))
            .collect()
    };
    let mut batch = ReceiveBatch::new(SIZE);
    fill();
    let first = batch.receive(fd, limit).map(|_| taken(&batch));
    fill();
    batch.received.clear();
    let slots = batch.buffer.chunks_exact_mut(SIZE).take(limit);
    let second = one_by_one::receive(fd, slots, &mut batch.received).map(|_| taken(&batch));
    [first, second]
}

#[test]
fn datagrams_come_in_order_whole_and_with_their_sender() {
    let (left, right) = pair();
    let sender = address(&right);
    let ways = receive_each_way(left.as_fd(), MAX_BATCH, || {
        for data in ["one", "", "three"] {
            right.send(data.as_bytes()).unwrap();
        }
    });
    for way in ways {
        let received = way.unwrap();
        assert!(
            received
                .iter()
                .all(|(_, from)| from.as_ref() == Some(&sender))
        );
        let data: Vec<_> = received.iter().map(|(data, _)| data.as_slice()).collect();
        assert_eq!(data, [b"one".as_slice(), b"", b"three"]);
    }
}

#[test]
fn no_more_are_received_than_asked_and_the_rest_stays() {
    for limit in [1, 2, MAX_BATCH] {
        let (left, right) = pair();
        let mut batch = ReceiveBatch::new(SIZE);
        for number in 0..40_u8 {
            right.send(&[number]).unwrap();
        }
        let mut received = Vec::new();
        while let Ok(count) = batch.receive(left.as_fd(), limit).or_else(end) {
            if count == 0 {
                break;
            }
            assert!(count <= limit);
            received.extend(batch.datagrams().map(|(data, _)| data[0]));
        }
        assert!(received.into_iter().eq(0..40));
    }
}

fn end(error: io::Error) -> io::Result<usize> {
    if error.kind() == io::ErrorKind::WouldBlock {
        return Ok(0);
    }
    Err(error)
}

#[test]
fn an_empty_socket_would_block_though_it_is_in_blocking_mode() {
    let (left, _right) = pair();
    for limit in [1, MAX_BATCH] {
        for way in receive_each_way(left.as_fd(), limit, || ()) {
            assert_eq!(way.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
    }
}

#[test]
fn a_long_datagram_is_cut() {
    let (left, right) = pair();
    for limit in [1, MAX_BATCH] {
        for way in receive_each_way(left.as_fd(), limit, || {
            right.send(&[7; SIZE + 1]).unwrap();
        }) {
            assert_eq!(way.unwrap()[0].0, [7; SIZE]);
        }
    }
}

#[test]
fn a_sender_without_a_name_has_no_address() {
    let (left, right) = UnixDatagram::pair().unwrap();
    for limit in [1, MAX_BATCH] {
        for way in receive_each_way(left.as_fd(), limit, || {
            right.send(b"data").unwrap();
        }) {
            assert_eq!(way.unwrap(), [(b"data".to_vec(), None)]);
        }
    }
}

#[test]
fn an_error_that_waits_comes_before_any_datagram_or_after_them() {
    let (left, right) = pair();
    let gone = left.local_addr().unwrap();
    drop(left);
    let mut batch = ReceiveBatch::new(SIZE);
    for limit in [1, MAX_BATCH] {
        right.send(b"to nobody").unwrap();
        let error = batch.receive(right.as_fd(), limit).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
    let left = UdpSocket::bind(gone).unwrap();
    left.send_to(b"data", right.local_addr().unwrap()).unwrap();
    assert_eq!(batch.receive(right.as_fd(), MAX_BATCH).unwrap(), 1);
    assert!(batch.take_error().is_none());
}

#[test]
fn a_batch_goes_to_each_datagram_s_own_address() {
    let (left, right) = pair();
    let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addresses = [address(&left), address(&other), address(&left)];
    for send in [send_batch, each_way_but_the_first] {
        let datagrams = ["one", "", "three"].map(str::as_bytes);
        let batch = datagrams.into_iter().zip(addresses.iter().map(Some));
        assert_eq!(
            send(sender.as_fd(), batch.collect::<Vec<_>>().into_iter()).unwrap(),
            3
        );
        let mut buffer = [0; SIZE];
        assert_eq!(left.recv(&mut buffer).unwrap(), 3);
        assert_eq!(left.recv(&mut buffer).unwrap(), 5);
        assert_eq!(&buffer[..5], b"three");
        assert_eq!(other.recv(&mut buffer).unwrap(), 0);
    }
    drop(right);
}

fn each_way_but_the_first<'a>(
    fd: BorrowedFd<'_>,
    datagrams: std::vec::IntoIter<(&'a [u8], Option<&'a SocketAddrAny>)>,
) -> io::Result<usize> {
    one_by_one::send(fd, datagrams)
}

#[test]
fn what_cannot_be_sent_ends_the_batch_before_it_and_is_the_next_call_s_error() {
    let (_left, right) = pair();
    let too_long = vec![0; 70_000];
    let datagrams = [b"one".as_slice(), b"two", &too_long, b"four"];
    for way in [send_batch, each_way_but_the_first] {
        let send = |skip| {
            way(
                right.as_fd(),
                datagrams[skip..]
                    .iter()
                    .map(|data| (*data, None))
                    .collect::<Vec<_>>()
                    .into_iter(),
            )
        };
        assert_eq!(send(0).unwrap(), 2);
        assert_eq!(send(2).unwrap_err().raw_os_error(), Some(libc::EMSGSIZE));
        assert_eq!(send(3).unwrap(), 1);
    }
}

#[test]
fn a_full_socket_takes_a_part_and_then_would_block() {
    let (left, right) = UnixDatagram::pair().unwrap();
    let mut taken = 0;
    loop {
        let datagrams = [(b"data".as_slice(), None); 2 * MAX_BATCH];
        match send_batch(right.as_fd(), datagrams.into_iter()) {
            Ok(count) => {
                assert!((1..=MAX_BATCH).contains(&count));
                taken += count;
            }
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                break;
            }
        }
    }
    let mut batch = ReceiveBatch::new(SIZE);
    let mut received = 0;
    while received < taken {
        received += batch.receive(left.as_fd(), MAX_BATCH).unwrap();
    }
    assert_eq!(received, taken);
}
