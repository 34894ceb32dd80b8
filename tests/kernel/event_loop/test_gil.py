"""The GIL: other threads get it from a loop that always has something to do, and the loop gets it back."""

import asyncio
import contextlib
import functools
import itertools
import operator
import socket
import threading
import time

import pytest


class Echo(asyncio.Protocol):
    """Sends back what it gets, after as much work as `work` says."""

    received = 0

    def __init__(self, work):
        self.work = work

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        Echo.received += 1
        for number in range(self.work):
            str(number)
        self.transport.write(data)


@contextlib.asynccontextmanager
async def echoes(loop, work):
    """Two ends of a connection that keep each other busy."""
    transports = [
        (await loop.create_connection(lambda: Echo(work), sock=sock))[0] for sock in socket.socketpair()
    ]
    transports[0].write(b"x")
    yield
    for transport in transports:
        transport.abort()
    await asyncio.sleep(0)


async def take_the_gil_again_and_again(loop, times=20):
    """Have another thread give up the GIL and want it back so many times; return how many packets came meanwhile.

    With a loop that never gives up the GIL, this does not return.
    """

    def take():
        first = Echo.received
        for _ in range(times):
            time.sleep(0)
        return Echo.received - first

    return await loop.run_in_executor(None, take)


async def test_a_busy_loop_lets_other_threads_have_the_gil(loop):
    async with echoes(loop, work=1000):
        packets = await take_the_gil_again_and_again(loop)
    # The interpreter has a loop give up the GIL after 5 ms, a hundred packets or less.
    assert packets < 20_000
    await loop.shutdown_default_executor()


async def test_a_loop_with_a_busy_reader_that_is_no_python_code_lets_other_threads_have_the_gil(loop):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"x")
        loop.add_reader(ours, int)
        await take_the_gil_again_and_again(loop)
        loop.remove_reader(ours)
    await loop.shutdown_default_executor()


async def test_a_loop_with_busy_callbacks_that_are_no_python_code_lets_other_threads_have_the_gil(loop):
    again = functools.partial(loop.call_soon)
    again.__setstate__((loop.call_soon, (again,), {}, None))  # calls itself for ever
    again()
    await take_the_gil_again_and_again(loop)
    again.__setstate__((int, (), {}, None))
    await loop.shutdown_default_executor()


async def test_long_callbacks_that_are_no_python_code_let_other_threads_have_the_gil(loop):
    callback = functools.partial(next)
    steps = [functools.partial(loop.call_soon, callback), functools.partial(sum, range(1000))]
    results = map(operator.call, itertools.cycle(steps))
    callback.__setstate__(
        (next, (zip(results, results, strict=False),), {}, None)
    )  # takes both steps, for ever
    callback()
    # A poll follows 255 callbacks, and the GIL is given up after each poll.
    await take_the_gil_again_and_again(loop)
    callback.__setstate__((int, (), {}, None))
    await loop.shutdown_default_executor()


@pytest.mark.ferrio_only  # asyncio's stands still for 5 ms whenever it polls
async def test_a_busy_loop_keeps_its_share_beside_a_thread_that_computes(loop):
    stop = threading.Event()

    def compute():
        while not stop.is_set():
            sum(range(1000))

    async def packets(seconds):
        first = Echo.received
        await asyncio.sleep(seconds)
        return (Echo.received - first) / seconds

    async with echoes(loop, work=0):
        alone = await packets(0.3)
        computing = loop.run_in_executor(None, compute)
        beside = await packets(1)
        stop.set()
        await computing
    assert beside > alone / 6
    await loop.shutdown_default_executor()
