"""What becomes of readers when descriptors are closed, duplicated, used again or taken by a transport."""

import os
import socket

import pytest
from harness import Recorder, socket_pair, turn, turns


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
