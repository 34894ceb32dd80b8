"""add_writer() and remove_writer(), and both directions on one descriptor."""

import os
import socket

import pytest

from tests.harness import fill, socket_pair, turn, turns


@pytest.fixture
def pair():
    with socket_pair() as sockets:
        yield sockets


def test_the_callback_runs_with_its_arguments_while_there_is_room(loop, pair):
    ours, _ = pair
    got = []
    assert loop.add_writer(ours, lambda *args: got.append(args), 1, "two") is None
    turns(loop, 3)
    assert got == [(1, "two")] * 3
    assert loop.remove_writer(ours) is True
    turn(loop)
    assert len(got) == 3


def test_the_callback_does_not_run_while_there_is_no_room(loop, pair):
    ours, theirs = pair
    got = []
    fill(ours)
    loop.add_writer(ours, got.append, 1)
    turns(loop, 3)
    assert got == []
    theirs.setblocking(False)
    while True:
        try:
            theirs.recv(1 << 20)
        except BlockingIOError:
            break
    turn(loop)
    assert got == [1]
    loop.remove_writer(ours)


def test_adding_again_replaces_the_callback(loop, pair):
    ours, _ = pair
    got = []
    loop.add_writer(ours, got.append, "first")
    loop.add_writer(ours.fileno(), got.append, "second")
    turn(loop)
    assert got == ["second"]
    assert loop.remove_writer(ours) is True
    assert loop.remove_writer(ours) is False


def test_the_two_directions_are_added_and_removed_independently(loop, pair):
    ours, theirs = pair
    got = []
    theirs.send(b"x")
    loop.add_reader(ours, got.append, "read")
    assert loop.remove_writer(ours) is False
    loop.add_writer(ours, got.append, "write")
    turn(loop)
    assert got == ["read", "write"]
    assert loop.remove_reader(ours) is True
    assert loop.remove_reader(ours) is False
    turn(loop)
    assert got == ["read", "write", "write"]
    loop.add_reader(ours, got.append, "read again")
    assert loop.remove_writer(ours) is True
    turn(loop)
    assert got == ["read", "write", "write", "read again"]
    assert loop.remove_reader(ours) is True


def test_the_reader_runs_before_the_writer_whichever_was_added_first(loop, pair):
    ours, theirs = pair
    theirs.send(b"x")
    for first, second in ((loop.add_reader, loop.add_writer), (loop.add_writer, loop.add_reader)):
        got = []
        first(ours, got.append, first.__name__)
        second(ours, got.append, second.__name__)
        turn(loop)
        assert got == ["add_reader", "add_writer"]
        loop.remove_reader(ours)
        loop.remove_writer(ours)


def test_a_reader_can_remove_the_writer_of_the_same_descriptor(loop, pair):
    ours, theirs = pair
    got = []
    theirs.send(b"x")
    loop.add_writer(ours, got.append, "write")
    loop.add_reader(ours, lambda: got.append(loop.remove_writer(ours)))
    turns(loop, 2)
    assert got == [True, False]
    loop.remove_reader(ours)


def test_a_peer_that_is_gone_is_told_to_reader_and_writer(loop, pair):
    ours, theirs = pair
    got = []
    fill(ours)
    loop.add_reader(ours, got.append, "read")
    loop.add_writer(ours, got.append, "write")
    turn(loop)
    assert got == []
    theirs.close()
    turn(loop)
    assert got == ["read", "write"]
    loop.remove_reader(ours)
    loop.remove_writer(ours)


def test_a_pipe_whose_reader_is_gone_is_told_to_the_writer(loop):
    got = []
    read_end, write_end = os.pipe()
    try:
        os.set_blocking(write_end, False)
        with open(write_end, "wb", buffering=0, closefd=False) as pipe:
            while pipe.write(b"x" * 65536):
                pass
        loop.add_writer(write_end, got.append, "write")
        turn(loop)
        assert got == []
        os.close(read_end)
        turn(loop)
        assert got == ["write"]
        loop.remove_writer(write_end)
    finally:
        os.close(write_end)


def test_a_refused_connection_is_told_to_the_writer(loop):
    got = []
    with socket.socket() as closed, socket.socket() as ours:
        closed.bind(("127.0.0.1", 0))
        ours.setblocking(False)
        assert ours.connect_ex(closed.getsockname()) != 0
        loop.add_writer(ours, lambda: (got.append(1), loop.stop()))
        loop.run_forever()
        assert got == [1]
        loop.remove_writer(ours)


def test_removing_what_was_never_added_says_so(loop, pair):
    assert loop.remove_writer(pair[0]) is False


def test_a_writer_can_remove_itself_and_close_its_descriptor(loop, pair):
    ours, _ = pair
    got = []

    def callback():
        got.append(loop.remove_writer(ours))
        ours.close()

    loop.add_writer(ours, callback)
    turns(loop, 3)
    assert got == [True]


BOTH = pytest.mark.parametrize("direction", ["reader", "writer"])


@BOTH
@pytest.mark.parametrize("thing", ["text", None, 1.5, object(), b"bytes"])
def test_what_is_no_descriptor_is_a_value_error(loop, direction, thing):
    with pytest.raises(ValueError, match=r"^Invalid file object: "):
        getattr(loop, f"add_{direction}")(thing, print)
    with pytest.raises(ValueError, match=r"^Invalid file object: "):
        getattr(loop, f"remove_{direction}")(thing)


@BOTH
def test_a_negative_number_is_a_value_error(loop, direction):
    with pytest.raises(ValueError, match=r"^Invalid file descriptor: -1$"):
        getattr(loop, f"add_{direction}")(-1, print)
    with pytest.raises(ValueError, match=r"^Invalid file descriptor: -1$"):
        getattr(loop, f"remove_{direction}")(-1)


@BOTH
def test_a_closed_socket_is_a_value_error(loop, pair, direction):
    ours, _ = pair
    ours.close()
    with pytest.raises(ValueError, match="Invalid file descriptor: -1"):
        getattr(loop, f"add_{direction}")(ours, print)


@BOTH
def test_a_number_at_which_nothing_is_open_is_an_os_error(loop, pair, direction):
    number = pair[0].fileno()
    pair[0].close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        getattr(loop, f"add_{direction}")(number, print)
    assert getattr(loop, f"remove_{direction}")(number) is False


@BOTH
def test_a_regular_file_is_a_permission_error(loop, direction, tmp_path):
    with open(tmp_path / "file", "wb") as file:
        with pytest.raises(PermissionError):
            getattr(loop, f"add_{direction}")(file, print)
        assert getattr(loop, f"remove_{direction}")(file) is False


@BOTH
def test_the_callback_is_not_looked_at_before_it_runs(loop, errors, pair, direction):
    pair[1].send(b"x")
    getattr(loop, f"add_{direction}")(pair[0], "not callable")
    turn(loop)
    assert isinstance(errors.take_one()["exception"], TypeError)
    assert getattr(loop, f"remove_{direction}")(pair[0]) is True


@BOTH
def test_readers_and_writers_do_not_keep_a_loop_from_closing(loop, pair, direction):
    getattr(loop, f"add_{direction}")(pair[0], print)
    loop.close()
    assert pair[0].send(b"still open") == 10
