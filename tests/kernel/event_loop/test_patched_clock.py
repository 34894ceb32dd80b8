"""`time.monotonic` replaced: the loop's time, timers and waits follow the new clock, and then the old one again."""

import asyncio
import contextlib
import ctypes
import logging
import sys
import time
import types
from unittest import mock

import ferrio
import pytest

from tests.harness import turn, turns


class Clock:
    """A clock that stands until it is moved. Not from zero, so that it is never near the system's."""

    def __init__(self, now=1e6):
        self.now = now

    def __call__(self):
        return self.now


@contextlib.contextmanager
def function(clock):
    """Another function at the name."""
    with mock.patch("time.monotonic", clock):
        yield


@contextlib.contextmanager
def module(clock):
    """Another module where asyncio's loops look for the function."""
    with mock.patch("asyncio.base_events.time", types.SimpleNamespace(**{**vars(time), "monotonic": clock})):
        yield


class MethodDefinition(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("code", ctypes.c_void_p)]


class BuiltinFunction(ctypes.Structure):
    _fields_ = [
        ("head", ctypes.c_byte * object.__basicsize__),
        ("definition", ctypes.POINTER(MethodDefinition)),
    ]


@contextlib.contextmanager
def code(clock):
    """The same function with other code, as libraries written in C replace it."""
    prototype = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p)
    replacement = prototype(lambda module, nothing: clock())
    definition = BuiltinFunction.from_address(id(time.monotonic)).definition.contents
    before = definition.code
    definition.code = ctypes.cast(replacement, ctypes.c_void_p).value
    try:
        yield
    finally:
        definition.code = before


@contextlib.contextmanager
def method(clock):
    """Another `time` in asyncio's class of loops."""

    def time(self):
        return clock()

    with mock.patch.object(asyncio.BaseEventLoop, "time", time):
        yield


# `method` is obeyed by loops that are made afterwards, the others at any time.
LIVE = [function, module, code]
ALL = [*LIVE, method]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def functions(loop_name):
    return asyncio if loop_name == "asyncio" else ferrio


@contextlib.contextmanager
def closing(loop):
    try:
        yield loop
    finally:
        loop.close()


@pytest.mark.parametrize("way", ALL, ids=lambda way: way.__name__)
def test_the_time_is_the_clocks(loop_factory, process_state, clock, way):
    with way(clock), closing(loop_factory()) as loop:
        assert loop.time() == clock.now
        clock.now += 10
        assert loop.time() == clock.now


@pytest.mark.parametrize("way", ALL, ids=lambda way: way.__name__)
@pytest.mark.parametrize("schedule", ["call_later", "call_at"])
def test_timers_are_due_by_the_clock(loop_factory, process_state, clock, way, schedule):
    with way(clock), closing(loop_factory()) as loop:
        ran = []
        call = getattr(loop, schedule)
        base = 0 if schedule == "call_later" else clock.now
        call(base + 2, ran.append, 2)
        call(base + 1, ran.append, 1)
        handle = call(base + 1, ran.append, "cancelled")
        assert handle.when() == clock.now + 1
        handle.cancel()
        loop.call_soon(ran.append, 0)
        turns(loop, 3)
        assert ran == [0]
        clock.now += 1
        turn(loop)
        assert ran == [0, 1]
        clock.now += 1
        turn(loop)
        assert ran == [0, 1, 2]


async def move(aio, clock, future, seconds):
    """Move the clock once something waits; returns whether that ended only then."""
    for _ in range(5):
        await aio.sleep(0)
    early = future.done()
    clock.now += seconds
    return not early


WAITS = {
    "sleep": lambda aio: aio.sleep(3600, "slept"),
    "wait": lambda aio: wait(aio),
    "wait_for": lambda aio: expires(lambda: aio.wait_for(aio.Event().wait(), 3600)),
    "timeout": lambda aio: expires(lambda: within(aio, aio.timeout(3600))),
    "timeout_at": lambda aio: expires(
        lambda: within(aio, aio.timeout_at(aio.events.get_running_loop().time() + 3600))
    ),
    "reschedule": lambda aio: expires(lambda: rescheduled(aio)),
    "as_completed": lambda aio: expires(
        lambda: next(iter(aio.as_completed([aio.Event().wait()], timeout=3600)))
    ),
}


async def wait(aio):
    task = aio.create_task(aio.Event().wait())
    try:
        done, pending = await aio.wait([task], timeout=3600)
        return len(done), len(pending)
    finally:
        task.cancel()


async def expires(begin):
    with pytest.raises(TimeoutError):
        await begin()


async def within(aio, timeout):
    async with timeout:
        await aio.Event().wait()


async def rescheduled(aio):
    async with aio.timeout(None) as timeout:
        timeout.reschedule(aio.events.get_running_loop().time() + 3600)
        await aio.Event().wait()


@pytest.mark.parametrize("way", ALL, ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", WAITS)
def test_what_waits_ends_by_the_clock(loop_factory, process_state, functions, clock, name, way):
    async def main():
        future = functions.ensure_future(WAITS[name](functions))
        assert await move(functions, clock, future, 3601)
        return await functions.wait_for(future, 3600)

    with way(clock), closing(loop_factory()) as loop:
        result = loop.run_until_complete(main())
        for task in asyncio.all_tasks(loop):
            task.cancel()
        turns(loop, 3)
    assert result == {"sleep": "slept", "wait": (0, 1)}.get(name)


@pytest.mark.parametrize("way", LIVE, ids=lambda way: way.__name__)
def test_a_clock_that_is_replaced_while_the_loop_runs_is_followed(loop, run, functions, clock, way):
    async def main():
        assert abs(loop.time() - time.monotonic()) < 1
        with way(clock):
            assert loop.time() == clock.now
            await functions.sleep(0)
            assert loop.time() == clock.now
            future = functions.ensure_future(functions.sleep(3600, "slept"))
            assert await move(functions, clock, future, 3601)
            assert await future == "slept"
        assert abs(loop.time() - time.monotonic()) < 1
        return await functions.sleep(0.001, "awake")

    assert run(main()) == "awake"
    assert abs(loop.time() - time.monotonic()) < 1
    assert run(functions.sleep(0.001, "awake")) == "awake"


@pytest.mark.parametrize("way", LIVE, ids=lambda way: way.__name__)
def test_all_loops_follow_and_stop_following(loop_factory, process_state, clock, way):
    with closing(loop_factory()) as one, closing(loop_factory()) as other:
        with way(clock):
            for loop in (one, other):
                turn(loop)
                assert loop.time() == clock.now
        for loop in (one, other):
            assert loop.run_until_complete(asyncio.sleep(0.001, "awake")) == "awake"
            assert loop.time() != clock.now


def test_the_wait_of_an_iteration_is_as_long_as_the_clock_says(loop, run, clock):
    """The patched clock stands still, so a timer that is due in a millisecond of that clock does not run."""

    async def main():
        ran = []
        handle = loop.call_later(0.001, ran.append, 1)
        loop.call_soon(lambda: None)
        before = time.perf_counter()
        while time.perf_counter() < before + 0.02:
            await asyncio.sleep(0)
        assert not ran
        clock.now += 0.001
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        handle.cancel()
        return ran

    with function(clock):
        assert run(main()) == [1]


def test_slow_callbacks_are_measured_by_the_clock(loop, clock, caplog):
    def take_a_while():
        clock.now += 60

    loop.set_debug(True)
    with function(clock), caplog.at_level(logging.WARNING, "asyncio"):
        loop.call_soon(take_a_while)
        turn(loop)
    assert "took 60.000 seconds" in caplog.text


def test_an_overridden_time_can_ask_for_the_clocks(loop_factory, process_state, clock):
    with closing(loop_factory()) as loop:
        kind = type(loop)

    class Own(kind):
        def time(self):
            return super().time() + 1000

    with function(clock), closing(Own()) as loop:
        assert loop.time() == clock.now + 1000
        ran = []
        loop.call_later(5, ran.append, 1)
        turn(loop)
        clock.now += 5
        turn(loop)
        assert ran == [1]


def test_the_clock_is_read_from_asyncios_own_code(loop, run):
    """Clocks that are real for some modules look whose code asks for the time: freezegun's `ignore` does."""
    askers = set()

    def ask():
        askers.add(sys._getframe(1).f_globals["__name__"])
        return 1.0

    async def main():
        loop.time()
        loop.call_later(0, print).cancel()
        await asyncio.sleep(0)

    with mock.patch("time.monotonic", ask):
        run(main())
    assert askers == {"asyncio.base_events"}


def test_a_clock_that_raises_stops_the_loop(loop):
    ran = []
    loop.call_later(0, ran.append, 1)
    with mock.patch("time.monotonic", side_effect=ZeroDivisionError), pytest.raises(ZeroDivisionError):
        turn(loop)
    turns(loop, 2)
    assert ran == [1]
