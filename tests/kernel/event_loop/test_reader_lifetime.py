"""What becomes of readers when descriptors are closed, duplicated, used again or taken by a transport."""

import gc
import os
import socket
import weakref

import pytest

from tests.harness import Recorder, socket_pair, turn, turns


@pytest.fixture
def pair():
    with socket_pair() as sockets:
        yield sockets


def test_a_callback_can_close_its_own_descriptor(loop, pair):
    ours, theirs = pair
    got = []
    theirs.send(b"x")

    def callback():
        got.append(loop.remove_reader(ours))
        ours.close()

    loop.add_reader(ours, callback)
    turns(loop, 3)
    assert got == [True]


def test_removing_by_number_works_after_the_descriptor_was_closed(loop, pair):
    ours, _ = pair
    number = ours.fileno()
    loop.add_reader(number, print)
    ours.close()
    turn(loop)
    assert loop.remove_reader(number) is True
    assert loop.remove_reader(number) is False


def test_a_number_that_is_used_again_belongs_to_the_new_file(loop):
    got = []
    with socket_pair() as (_, theirs), socket_pair() as (second, second_peer):
        ours, peer = socket.socketpair()
        number = ours.fileno()
        loop.add_reader(number, got.append, "old")
        ours.close()
        assert loop.remove_reader(number) is True
        os.dup2(second.fileno(), number)
        try:
            loop.add_reader(number, lambda: got.append(os.read(number, 10)))
            peer.close()
            turn(loop)
            assert got == []
            second_peer.send(b"new")
            turn(loop)
            assert got == [b"new"]
            assert loop.remove_reader(number) is True
        finally:
            os.close(number)
        theirs.send(b"x")


def test_a_duplicate_is_another_descriptor(loop, pair):
    ours, theirs = pair
    got = []
    with ours.dup() as copy:
        loop.add_reader(ours, got.append, "original")
        loop.add_reader(copy, got.append, "copy")
        theirs.send(b"x")
        turn(loop)
        assert sorted(got) == ["copy", "original"]
        assert loop.remove_reader(ours) is True
        turn(loop)
        assert got.count("copy") == 2
        assert loop.remove_reader(copy) is True


def test_the_end_of_the_stream_is_something_to_read(loop, pair):
    ours, theirs = pair
    got = []
    loop.add_reader(ours, lambda: got.append(ours.recv(10)))
    theirs.shutdown(socket.SHUT_WR)
    turn(loop)
    assert got == [b""]
    theirs.close()
    turn(loop)
    assert got == [b"", b""]
    loop.remove_reader(ours)


async def test_the_descriptor_of_a_transport_is_taken(loop):
    with socket_pair() as (ours, _):
        number = ours.fileno()
        transport, protocol = await loop.create_connection(Recorder, sock=ours)
        for method in (loop.add_reader, loop.add_writer):
            with pytest.raises(RuntimeError, match=rf"^File descriptor {number} is used by transport "):
                method(number, print)
        for method in (loop.remove_reader, loop.remove_writer):
            with pytest.raises(RuntimeError, match=rf"^File descriptor {number} is used by transport "):
                method(number)
        transport.close()
        await protocol.lost()


@pytest.mark.parametrize("kind", ["reader", "writer"])
def test_a_socket_that_was_closed_can_still_be_removed(loop, kind):
    add, remove = getattr(loop, f"add_{kind}"), getattr(loop, f"remove_{kind}")
    with socket_pair() as (ours, other):
        add(ours, print)
        ours.close()
        assert remove(ours) is True
        for refused in (lambda: add(ours, print), lambda: remove(ours)):
            with pytest.raises(ValueError, match="Invalid file descriptor: -1"):
                refused()
        add(other, print)
        assert remove(other) is True


@pytest.mark.parametrize("by", ["the object", "the number"])
@pytest.mark.parametrize("kind", ["reader", "writer"])
def test_a_socket_that_was_closed_while_it_was_watched_is_watched_again_to_no_effect(loop, pair, kind, by):
    ours, theirs = pair
    add, remove = getattr(loop, f"add_{kind}"), getattr(loop, f"remove_{kind}")
    ran = []
    file = ours if by == "the object" else ours.fileno()
    theirs.send(b"x")
    add(file, ran.append, 1)
    first = loop._selector.get_key(file).data[kind == "writer"]
    ours.close()
    assert add(file, ran.append, 2) is None
    assert first.cancelled()
    turns(loop, 3)
    assert ran == []
    assert remove(file) is True


def test_a_reader_of_a_closed_number_is_called_for_a_duplicate_that_is_open(loop, pair):
    """The kernel goes on to report events of the open file under the number that was closed."""
    ours, theirs = pair
    got = []
    turn(loop)  # Whatever descriptors the loop makes for itself are there before the number is free.
    number = ours.fileno()
    loop.add_reader(number, got.append, 1)
    with ours.dup():
        ours.close()
        loop.add_reader(number, lambda: (got.append(2), loop.remove_reader(number)))
        theirs.send(b"x")
        turn(loop)
        assert got[0] == 2
    assert set(got) == {2}


@pytest.mark.parametrize("by", ["the object", "the number"])
@pytest.mark.parametrize("kinds", [("reader", "writer"), ("writer", "reader")], ids=lambda kinds: kinds[0])
def test_a_closed_socket_that_is_to_be_watched_for_something_else_is_forgotten(loop, pair, kinds, by):
    ours, _ = pair
    file = ours if by == "the object" else ours.fileno()
    getattr(loop, f"add_{kinds[0]}")(file, print)
    ours.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        getattr(loop, f"add_{kinds[1]}")(file, print)
    assert not list(loop._selector.get_map()) or list(loop._selector.get_map()) == [loop._ssock.fileno()]
    if by == "the number":
        assert loop.remove_reader(file) is loop.remove_writer(file) is False
    else:
        with pytest.raises(ValueError, match="Invalid file descriptor: -1"):
            loop.remove_reader(file)


def test_a_closed_socket_that_is_still_watched_one_way_is_known(loop, pair):
    ours, _ = pair
    loop.add_reader(ours, print)
    loop.add_writer(ours, print)
    assert loop.remove_writer(ours) is True
    ours.close()
    assert loop.remove_reader(ours) is True


def test_a_watched_socket_is_not_closed_by_dropping_it(loop):
    ours, theirs = socket.socketpair()
    got, number, reference = [], ours.fileno(), weakref.ref(ours)
    with theirs:
        loop.add_reader(ours, lambda: got.append(os.read(number, 10)))
        del ours
        gc.collect()
        theirs.send(b"x")
        turn(loop)
        assert got == [b"x"]
        reference().close()
        assert loop.remove_reader(reference()) is True
        assert reference() is None
