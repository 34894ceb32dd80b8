"""Delays that are no plain numbers: every function that takes one adds, compares and refuses as asyncio's does."""

import asyncio
import itertools
from decimal import Decimal
from fractions import Fraction

import ferrio
import pytest


class Real(float):
    """A number that floats can be added to, with a type of its own."""

    def __radd__(self, other):
        return Real(float(other) + float(self))


class Added:
    """Something that can be added and compared, but is no number."""

    def __le__(self, other):
        return False

    def __radd__(self, other):
        return other + 0.001


DELAYS = {
    "a decimal number": Decimal("0.001"),
    "no decimal number": Decimal("nan"),
    "a decimal zero": Decimal(0),
    "a negative decimal number": Decimal(-1),
    "a fraction": Fraction(1, 1000),
    "a negative fraction": Fraction(-1, 1000),
    "a subclass of float": Real(0.001),
    "what can be added": Added(),
    "true": True,
    "false": False,
    "an enormous integer": 10**400,
    "an enormous negative integer": -(10**400),
    "text": "1",
    "bytes": b"1",
    "a list": [],
    "an object": object,
}
# Of these asyncio makes timers that its loop cannot run.
NO_TIMES = {"a decimal number", "what can be added", "an enormous integer"}


async def call_later(aio, loop, delay):
    done = loop.create_future()
    handle = loop.call_later(delay, done.set_result, None)
    await done
    return type(handle.when()).__name__


async def sleep(aio, loop, delay):
    return await aio.sleep(delay, "slept")


async def wait_for(aio, loop, delay):
    return await aio.wait_for(loop.create_future(), delay)


async def wait(aio, loop, delay):
    done, pending = await aio.wait([loop.create_future()], timeout=delay)
    return len(done), len(pending)


async def as_completed(aio, loop, delay):
    for first in aio.as_completed([loop.create_future()], timeout=delay):
        await first


async def timeout(aio, loop, delay):
    block = aio.timeout(delay)
    before = type(block.when()).__name__
    try:
        async with block:
            await loop.create_future()
    except TimeoutError:
        return before


async def timeout_at(aio, loop, when):
    async with aio.timeout_at(when):
        await loop.create_future()


async def reschedule(aio, loop, when):
    async with aio.timeout(None) as block:
        block.reschedule(when)
        await loop.create_future()


def outcome(aio, loop, function, delay):
    """What a function returns or raises, with the exception's text."""
    try:
        return loop.run_until_complete(function(aio, loop, delay))
    except Exception as error:
        return type(error), str(error)


FUNCTIONS = [call_later, sleep, wait_for, wait, as_completed, timeout]
AT_A_TIME = [timeout_at, reschedule]


@pytest.mark.parametrize(
    ("function", "name"),
    [
        *itertools.product(FUNCTIONS, DELAYS),
        *itertools.product(AT_A_TIME, [name for name in DELAYS if name not in NO_TIMES]),
    ],
)
def test_an_odd_delay_has_asyncio_s_outcome(function, name):
    outcomes = []
    for aio, factory in ((asyncio, asyncio.SelectorEventLoop), (ferrio, ferrio.new_event_loop)):
        loop = factory()
        outcomes.append(outcome(aio, loop, function, DELAYS[name]))
        loop.close()
    stock, ours = outcomes
    assert ours == stock
