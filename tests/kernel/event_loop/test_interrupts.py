"""Exceptions that leave run_forever(), and that nothing which was queued is lost by it."""

import asyncio
import contextlib

import pytest

from tests.harness import socket_pair, turn


class Own(BaseException):
    pass


def throw(exc):
    raise exc


leaving = pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])


@leaving
def test_it_leaves_run_forever_as_the_same_object(loop, kind):
    exc = kind("argument")
    loop.call_soon(throw, exc)
    with pytest.raises(kind) as caught:
        loop.run_forever()
    assert caught.value is exc
    assert not loop.is_running()
    assert not loop.is_closed()
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


@leaving
def test_the_rest_of_the_iteration_runs_next_time_in_order(loop, kind):
    ran = []

    def first():
        ran.append("first")
        loop.call_soon(ran.append, "added by the first")

    loop.call_soon(first)
    loop.call_soon(throw, kind())
    loop.call_soon(ran.append, "third")
    loop.call_soon(ran.append, "fourth")
    with pytest.raises(kind):
        loop.run_forever()
    assert ran == ["first"]
    loop.call_soon(ran.append, "added afterwards")
    turn(loop)
    assert ran == ["first", "third", "fourth", "added by the first", "added afterwards"]


@leaving
def test_several_in_one_iteration_come_out_one_run_at_a_time(loop, kind):
    ran = []
    for number in range(3):
        loop.call_soon(ran.append, number)
        loop.call_soon(throw, kind(number))
    for number in range(3):
        with pytest.raises(kind) as caught:
            loop.run_forever()
        assert caught.value.args == (number,)
        assert ran == list(range(number + 1))
    turn(loop)
    assert ran == [0, 1, 2]


@leaving
def test_timers_and_descriptors_of_the_iteration_are_not_lost(loop, kind):
    ran = []
    with socket_pair() as (ours, theirs):
        theirs.send(b"x")

        def read():  # may be called again: the first run had already seen that there is something to read
            with contextlib.suppress(BlockingIOError):
                ran.append(ours.recv(10))

        loop.add_reader(ours, read)
        loop.call_at(1, ran.append, "timer 1")
        loop.call_at(2, throw, kind())
        loop.call_at(3, ran.append, "timer 3")
        loop.call_soon(throw, kind())
        with pytest.raises(kind):
            loop.run_forever()
        assert ran == []
        with pytest.raises(kind):
            loop.run_forever()
        assert ran == [b"x", "timer 1"]
        turn(loop)
        assert ran == [b"x", "timer 1", "timer 3"]
        assert loop.remove_reader(ours)


@leaving
def test_a_reader_that_raises_it_stays_registered(loop, kind):
    ran = []
    with socket_pair() as (ours, theirs), socket_pair() as (ours2, theirs2):
        theirs.send(b"x")
        theirs2.send(b"x")
        for sock in (ours, ours2):
            loop.add_reader(sock, lambda sock=sock: (ran.append(sock.recv(1)), throw(kind())))
        for _ in range(2):
            with pytest.raises(kind):
                loop.run_forever()
        assert ran == [b"x", b"x"]
        assert loop.remove_reader(ours)
        assert loop.remove_reader(ours2)


@leaving
def test_a_call_to_stop_is_forgotten_when_it_leaves(loop, kind):
    ran = []
    loop.call_soon(loop.stop)
    loop.call_soon(throw, kind())
    with pytest.raises(kind):
        loop.run_forever()
    loop.call_soon(lambda: loop.call_soon(ran.append, "second iteration"))
    loop.call_soon(lambda: loop.call_soon(loop.stop))
    loop.run_forever()
    assert ran == ["second iteration"]


@leaving
def test_a_coroutine_that_raises_it_is_done_and_nothing_is_logged(loop, kind, caplog):
    exc = kind("argument")

    async def main():
        throw(exc)

    with pytest.raises(kind) as caught:
        loop.run_until_complete(main())
    assert caught.value is exc
    turn(loop)
    assert caplog.records == []


@leaving
def test_a_task_that_raises_it_keeps_it_as_its_exception(loop, kind):
    async def fail():
        throw(kind("argument"))

    task = loop.create_task(fail())
    with pytest.raises(kind):
        loop.run_forever()
    assert task.done()
    assert isinstance(task.exception(), kind)


@leaving
def test_it_leaves_run_until_complete_and_the_coroutine_can_be_finished_later(loop, kind):
    future = loop.create_future()

    async def main():
        return await future

    task = loop.create_task(main())
    loop.call_soon(lambda: loop.call_soon(throw, kind()))
    with pytest.raises(kind):
        loop.run_until_complete(task)
    assert not task.done()
    loop.call_soon(future.set_result, "result")
    assert loop.run_until_complete(task) == "result"


@leaving
def test_a_done_callback_that_raises_it_leaves_too(loop, kind):
    ran = []
    future = loop.create_future()
    future.add_done_callback(lambda _: throw(kind()))
    future.add_done_callback(lambda _: ran.append("second"))
    future.set_result(None)
    with pytest.raises(kind):
        loop.run_forever()
    turn(loop)
    assert ran == ["second"]


@pytest.mark.parametrize(
    "kind", [Own, GeneratorExit, asyncio.CancelledError, StopIteration, StopAsyncIteration]
)
def test_any_other_exception_goes_to_the_handler_and_the_loop_runs_on(loop, errors, kind):
    ran = []
    exc = kind("argument")
    handle = loop.call_soon(throw, exc)
    loop.call_soon(ran.append, "next")
    turn(loop)
    assert ran == ["next"]
    context = errors.take_one()
    assert context["exception"] is exc
    assert context["handle"] is handle
    assert context["message"].startswith("Exception in callback throw(")


def test_an_own_base_exception_of_a_coroutine_comes_out_of_run_until_complete(loop):
    async def main():
        raise Own("argument")

    with pytest.raises(Own, match="argument"):
        loop.run_until_complete(main())
