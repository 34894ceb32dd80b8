"""add_reader() and remove_reader(): when the callback runs, and what ends it."""

import contextlib
import os
import socket

import pytest

from tests.harness import socket_pair, turn, turns


@pytest.fixture
def pair():
    with socket_pair() as sockets:
        yield sockets


def test_the_callback_runs_with_its_arguments_when_there_is_something_to_read(loop, pair):
    ours, theirs = pair
    got = []
    assert loop.add_reader(ours, lambda *args: got.append(args), 1, "two") is None
    turn(loop)
    assert got == []
    theirs.send(b"x")
    turn(loop)
    assert got == [(1, "two")]
    assert loop.remove_reader(ours) is True


def test_the_callback_runs_in_every_iteration_until_everything_is_read(loop, pair):
    ours, theirs = pair
    got = []
    theirs.send(b"abc")
    loop.add_reader(ours, lambda: got.append(ours.recv(1)))
    turns(loop, 5)
    assert got == [b"a", b"b", b"c"]
    loop.remove_reader(ours)


def test_the_callback_runs_again_and_again_while_nothing_is_read(loop, pair):
    ours, theirs = pair
    got = []
    theirs.send(b"x")
    loop.add_reader(ours, got.append, 1)
    turns(loop, 10)
    assert len(got) == 10
    loop.remove_reader(ours)
    turns(loop, 3)
    assert len(got) == 10


@pytest.mark.parametrize("kind", ["object", "number", "anything with fileno()"])
def test_a_descriptor_may_be_given_in_several_forms_that_mean_the_same(loop, pair, kind):
    ours, theirs = pair

    class HasFileno:
        def fileno(self):
            return ours.fileno()

    got = []
    theirs.send(b"x")
    loop.add_reader({"object": ours, "number": ours.fileno()}.get(kind, HasFileno()), got.append, 1)
    turn(loop)
    assert got == [1]
    for form in (ours, ours.fileno(), HasFileno()):
        assert loop.remove_reader(form) is True
        assert loop.remove_reader(form) is False
        loop.add_reader(HasFileno(), got.append, 2)
    assert loop.remove_reader(ours) is True


def test_adding_again_replaces_the_callback(loop, pair):
    ours, theirs = pair
    got = []
    theirs.send(b"x")
    loop.add_reader(ours, got.append, "first")
    loop.add_reader(ours.fileno(), got.append, "second")
    turn(loop)
    assert got == ["second"]
    assert loop.remove_reader(ours) is True
    assert loop.remove_reader(ours) is False


def test_removing_what_was_never_added_says_so(loop, pair):
    assert loop.remove_reader(pair[0]) is False
    assert loop.remove_reader(pair[0].fileno()) is False


def test_a_callback_can_remove_itself(loop, pair):
    ours, theirs = pair
    got = []
    theirs.send(b"x")
    loop.add_reader(ours, lambda: got.append(loop.remove_reader(ours)))
    turns(loop, 3)
    assert got == [True]


def test_a_callback_can_replace_itself_for_the_next_iteration(loop, pair):
    ours, theirs = pair
    got = []
    theirs.send(b"x")

    def first():
        got.append("first")
        loop.add_reader(ours, got.append, "second")

    loop.add_reader(ours, first)
    turns(loop, 3)
    assert got == ["first", "second", "second"]
    loop.remove_reader(ours)


def test_a_reader_removed_by_another_in_the_same_iteration_does_not_run(loop):
    got = []
    with contextlib.ExitStack() as stack:
        ours, theirs = zip(*[stack.enter_context(socket_pair()) for _ in range(10)], strict=True)

        def callback(number):
            got.append(number)
            for sock in ours:
                loop.remove_reader(sock)

        for number, sock in enumerate(ours):
            loop.add_reader(sock, callback, number)
        for sock in theirs:
            sock.send(b"x")
        turns(loop, 2)
    assert len(got) == 1


def test_a_reader_replaced_by_a_callback_in_the_same_iteration_does_not_run_any_more(loop, pair):
    ours, theirs = pair
    got = []
    theirs.send(b"x")
    loop.add_reader(ours, got.append, "old")
    loop.call_soon(loop.add_reader, ours, got.append, "new")
    turn(loop)
    assert got == []
    turn(loop)
    assert got == ["new"]
    loop.remove_reader(ours)


def test_pipes_and_event_descriptors_can_be_read(loop):
    got = []
    read_end, write_end = os.pipe()
    try:
        loop.add_reader(read_end, lambda: got.append(os.read(read_end, 10)))
        os.write(write_end, b"data")
        turn(loop)
        os.close(write_end)
        turn(loop)
        assert got == [b"data", b""]
        loop.remove_reader(read_end)
    finally:
        os.close(read_end)
    if hasattr(os, "eventfd"):
        counter = os.eventfd(3)
        try:
            loop.add_reader(counter, lambda: got.append(os.eventfd_read(counter)))
            turns(loop, 2)
            assert got[2:] == [3]
            loop.remove_reader(counter)
        finally:
            os.close(counter)


def test_a_listening_socket_can_be_read_when_a_connection_waits(loop):
    got = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        loop.add_reader(listener, lambda: got.append(listener.accept()[0]))
        with socket.create_connection(listener.getsockname()):
            turn(loop)
        assert len(got) == 1
        got[0].close()
        loop.remove_reader(listener)


def test_the_error_of_a_reader_is_reported_and_it_stays(loop, errors, pair):
    ours, theirs = pair
    theirs.send(b"x")
    loop.add_reader(ours, lambda: 1 / 0)
    turns(loop, 2)
    contexts = errors.take()
    assert [type(context["exception"]) for context in contexts] == [ZeroDivisionError] * 2
    assert "handle" in contexts[0]
    assert loop.remove_reader(ours) is True


def test_two_hundred_ready_descriptors_are_served_in_one_iteration(loop):
    got = set()
    with contextlib.ExitStack() as stack:
        pairs = [stack.enter_context(socket_pair()) for _ in range(200)]
        for number, (ours, theirs) in enumerate(pairs):
            loop.add_reader(ours, got.add, number)
            theirs.send(b"x")
        turn(loop)
        assert got == set(range(200))
        for ours, _ in pairs:
            assert loop.remove_reader(ours) is True


def test_what_was_watched_of_a_closed_descriptor_is_not_found_by_the_next_one_of_its_number(loop):
    ran = []
    ours, theirs = socket.socketpair()
    number = ours.fileno()
    loop.add_reader(ours, ran.append, "old reader")
    loop.add_writer(ours, ran.append, "old writer")
    ours.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        loop.remove_reader(number)
    assert loop.remove_writer(number) is False
    theirs.close()
    with socket_pair() as (ours, theirs):
        assert number in (ours.fileno(), theirs.fileno())
        new, other = (ours, theirs) if ours.fileno() == number else (theirs, ours)
        loop.add_reader(new, lambda: ran.append(new.recv(10)))
        other.send(b"new")
        turns(loop, 3)
        assert ran == [b"new"]
        assert loop.remove_writer(new) is False
        assert loop.remove_reader(new) is True
