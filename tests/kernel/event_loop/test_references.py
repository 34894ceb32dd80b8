"""No call keeps a reference it should give back: each is repeated, and the counts must be where they were."""

import asyncio
import concurrent.futures
import contextvars
import gc
import sys

import pytest

from tests.harness import Buffered, Recorder, socket_pair, turn, turns

REPEAT = 50


class Callback:
    """A callable with a life of its own, unlike a function it can be told apart from any other."""

    def __call__(self, *args):
        pass


def soon(loop, callback, argument):
    loop.call_soon(callback, argument)
    turn(loop)


def soon_in_context(loop, callback, argument):
    context = contextvars.Context()
    loop.call_soon(callback, argument, context=context)
    turn(loop)


def soon_cancelled(loop, callback, argument):
    handle = loop.call_soon(callback, argument)
    handle.cancel()
    turn(loop)


def soon_cancelled_after_it_ran(loop, callback, argument):
    handle = loop.call_soon(callback, argument)
    turn(loop)
    handle.cancel()


def threadsafe(loop, callback, argument):
    loop.call_soon_threadsafe(callback, argument)
    turn(loop)


def later(loop, callback, argument):
    loop.call_later(0, callback, argument)
    turn(loop)


def later_cancelled(loop, callback, argument):
    loop.call_later(1000, callback, argument).cancel()
    turn(loop)


def timer_compared(loop, callback, argument):
    one, two = loop.call_at(1e9, callback, argument), loop.call_at(1e9, callback, argument)
    assert one == two
    assert repr(one)
    assert hash(one)
    one.cancel()
    two.cancel()
    turn(loop)


def reader(loop, callback, argument):
    with socket_pair() as (ours, theirs):
        theirs.send(b"x")
        loop.add_reader(ours, callback, argument)
        turn(loop)
        loop.remove_reader(ours)


def reader_replaced(loop, callback, argument):
    with socket_pair() as (ours, _):
        for _ in range(3):
            loop.add_reader(ours, callback, argument)
            loop.add_writer(ours, callback, argument)
        turn(loop)
        loop.remove_reader(ours)
        loop.remove_writer(ours)


def refused(loop, callback, argument):
    for call in (
        lambda: loop.add_reader(-1, callback, argument),
        lambda: loop.add_writer("text", callback, argument),
        lambda: loop.call_later(None, callback, argument),
        lambda: loop.call_at(None, callback, argument),
        lambda: loop.add_signal_handler(0, callback, argument),
        lambda: loop.call_soon(callback, argument, wrong=1),
        lambda: loop.set_exception_handler(argument),
        lambda: loop.run_until_complete(argument),
    ):
        with pytest.raises((ValueError, TypeError)):
            call()


def done_callback(loop, callback, argument):
    future = loop.create_future()
    future.add_done_callback(callback)
    future.set_result(argument)
    turn(loop)


def result(loop, callback, argument):
    async def give():
        await asyncio.sleep(0)
        return argument

    assert loop.run_until_complete(give()) is argument


def failed_callback(loop, callback, argument):
    def fail(*args):
        raise LookupError(argument)

    loop.set_exception_handler(lambda loop, context: None)
    loop.call_soon(fail, callback)
    turn(loop)


def interrupted(loop, callback, argument):
    def interrupt(*args):
        raise KeyboardInterrupt(argument)

    loop.call_soon(interrupt, callback)
    with pytest.raises(KeyboardInterrupt):
        turn(loop)


def executor(loop, callback, argument):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        loop.run_until_complete(loop.run_in_executor(pool, callback, argument))


def sock_recv(loop, callback, argument):
    with socket_pair() as (ours, theirs):
        task = loop.create_task(loop.sock_recv(ours, 10))
        turn(loop)
        theirs.send(b"x")
        loop.run_until_complete(task)
        task = loop.create_task(loop.sock_recv(ours, 10))
        turn(loop)
        task.cancel()
        turns(loop, 3)


def transport(loop, callback, argument):
    for kind in (Recorder, Buffered):
        with socket_pair() as (ours, theirs):
            protocol = kind()
            protocol.kept = (callback, argument)
            theirs.send(b"data")
            made, _ = loop.run_until_complete(loop.create_connection(lambda p=protocol: p, sock=ours))
            turn(loop)
            made.write(b"data")
            made.pause_reading()
            made.resume_reading()
            made.get_extra_info("socket")
            made.close()
            turn(loop)
            del protocol.transport


def server(loop, callback, argument):
    async def serve():
        made = await loop.create_server(lambda: callback and argument and Recorder(), "127.0.0.1", 0)
        _, client = await loop.create_connection(Recorder, *made.sockets[0].getsockname())
        client.transport.close()
        await client.lost()
        made.close()
        await made.wait_closed()

    loop.run_until_complete(serve())


def exception_handler(loop, callback, argument):
    loop.set_exception_handler(callback)
    loop.call_exception_handler({"argument": argument})
    loop.set_exception_handler(None)


def task_factory(loop, callback, argument):
    loop.set_task_factory(callback)
    loop.set_task_factory(None)


OPERATIONS = [
    soon,
    soon_in_context,
    soon_cancelled,
    soon_cancelled_after_it_ran,
    threadsafe,
    later,
    later_cancelled,
    timer_compared,
    reader,
    reader_replaced,
    refused,
    done_callback,
    result,
    failed_callback,
    interrupted,
    executor,
    sock_recv,
    transport,
    server,
    exception_handler,
    task_factory,
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_counts_are_where_they_were(loop, operation):
    callback, argument = Callback(), object()

    def counts():
        gc.collect()
        return [sys.getrefcount(thing) for thing in (loop, callback, argument, Callback, Recorder)]

    for _ in range(3):
        operation(loop, callback, argument)
    before = counts()
    for _ in range(REPEAT):
        operation(loop, callback, argument)
    grown = [after - count for after, count in zip(counts(), before, strict=True)]
    assert all(growth < REPEAT // 2 for growth in grown), grown


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_no_objects_are_left_behind(loop, operation):
    def count():
        gc.collect()
        return len(gc.get_objects())

    for _ in range(5):
        operation(loop, Callback(), object())
    before = count()
    for _ in range(REPEAT):
        operation(loop, Callback(), object())
    assert count() - before < REPEAT
