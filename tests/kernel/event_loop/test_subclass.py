"""Loops of a class of the user's own: what it overrides is used."""

import asyncio
import contextlib
import sys
from unittest import mock

import pytest

from tests.harness import PY, turn, turns


@pytest.fixture
def kind(loop_factory, process_state):
    """The class of the loops under test."""
    loop = loop_factory()
    loop.close()
    return type(loop)


@contextlib.contextmanager
def closing(loop):
    try:
        yield loop
    finally:
        loop.close()


def test_a_subclass_has_its_own_constructor_attributes_and_name(kind):
    class Own(kind):
        def __init__(self, name):
            super().__init__()
            self.name = name

    with closing(Own("own")) as loop:
        assert loop.name == "own"
        assert repr(loop).startswith("<Own running=False")
        assert loop.run_until_complete(asyncio.sleep(0, "result")) == "result"


def test_an_overridden_method_can_call_the_original(kind):
    class Own(kind):
        calls = ()

        def call_soon(self, callback, *args, context=None):
            self.calls += (callback,)
            return super().call_soon(callback, *args, context=context)

    ran = []
    with closing(Own()) as loop:
        callback = ran.append
        loop.call_soon(callback, 1)
        turn(loop)
        assert ran == [1]
        assert callback in loop.calls


def test_an_overridden_create_task_makes_the_tasks(kind):
    class Own(kind):
        made = 0

        def create_task(self, coro, **options):
            self.made += 1
            return super().create_task(coro, **options)

    async def main():
        await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0))
        await asyncio.create_task(asyncio.sleep(0))

    with closing(Own()) as loop:
        loop.run_until_complete(main())
        assert loop.made == 4


def test_an_overridden_exception_handler_is_called(kind):
    class Own(kind):
        got = ()

        def call_exception_handler(self, context):
            self.got += (type(context["exception"]),)

    with closing(Own()) as loop:
        loop.call_soon(lambda: 1 / 0)
        turn(loop)
        assert loop.got == (ZeroDivisionError,)


def test_an_overridden_run_in_executor_resolves_names(kind):
    class Own(kind):
        async def getaddrinfo(self, host, port, **options):
            return await super().getaddrinfo("127.0.0.1", port, **options)

    async def main(loop):
        server = await loop.create_server(asyncio.Protocol, "name.invalid", 0)
        async with server:
            return server.sockets[0].getsockname()[0]

    with closing(Own()) as loop:
        assert loop.run_until_complete(main(loop)) == "127.0.0.1"


def test_a_method_replaced_on_one_loop_is_used_for_it(kind):
    got = []
    with closing(kind()) as loop, closing(kind()) as other:
        loop.call_exception_handler = got.append
        loop.call_soon(lambda: 1 / 0)
        turn(loop)
        assert [type(context["exception"]) for context in got] == [ZeroDivisionError]
        loop.get_task_factory = lambda: "replaced"
        assert loop.get_task_factory() == "replaced"
        assert other.get_task_factory() is None


def test_a_mixin_before_the_loop_class_works(kind):
    class Counting:
        turns = 0

        def call_later(self, delay, callback, *args, context=None):
            self.turns += 1
            return super().call_later(delay, callback, *args, context=context)

    class Own(Counting, kind):
        pass

    with closing(Own()) as loop:
        loop.call_later(0, int)
        turns(loop, 2)
        assert loop.turns == 1


def test_a_subclass_need_not_call_the_constructor_twice(kind):
    class Own(kind):
        def __new__(cls, *args):
            return super().__new__(cls)

    with closing(Own()) as loop:
        assert loop.run_until_complete(asyncio.sleep(0, 1)) == 1


def leaping(kind):
    """A loop class with a clock that can be set forward."""

    class Leaping(kind):
        ahead = 0.0

        def time(self):
            return super().time() + self.ahead

    return Leaping


def test_timers_follow_an_overridden_clock(kind):
    with closing(leaping(kind)()) as loop:
        ran = []
        loop.ahead = 5000
        loop.call_later(1000, ran.append, "late")
        loop.call_at(loop.time() + 500, ran.append, "early")
        loop.call_later(0, ran.append, "now")
        turns(loop, 2)
        assert ran == ["now"]
        loop.ahead += 499
        turn(loop)
        assert ran == ["now"]
        loop.ahead += 1000
        turn(loop)
        assert ran == ["now", "early", "late"]


def test_sleep_and_timeouts_follow_an_overridden_clock(kind):
    async def main(loop):
        sleeping = loop.create_task(asyncio.sleep(1000, "slept"))
        waiting = loop.create_task(asyncio.wait_for(loop.create_future(), 2000))
        async with asyncio.timeout(500) as deadline:
            assert 499 < deadline.when() - loop.time() <= 500
            await asyncio.sleep(0)
        loop.ahead += 1001
        assert await sleeping == "slept"
        assert not waiting.done()
        loop.ahead += 1000
        with pytest.raises(asyncio.TimeoutError):
            await waiting

    with closing(leaping(kind)()) as loop:
        loop.run_until_complete(main(loop))


def test_a_timer_of_an_overridden_clock_is_waited_for(kind):
    """As long as that clock says, not the machine's."""
    with closing(leaping(kind)()) as loop:
        loop.ahead = -1e-3
        start = loop.time()
        loop.call_later(0.02, loop.stop)
        loop.run_forever()
        assert loop.time() - start >= 0.0199


def test_timers_follow_a_clock_that_is_put_on_one_loop_until_it_is_taken_away(kind):
    with closing(kind()) as loop:
        ran = []
        now = loop.time()
        with mock.patch.object(loop, "time", return_value=now) as clock:
            loop.call_later(1000, ran.append, "first")
            turn(loop)
            assert ran == []
            clock.return_value = now + 1000
            turns(loop, 2)
            assert ran == ["first"]
            loop.call_later(0, ran.append, "second")  # for the other clock, far away
        loop.call_later(0, ran.append, "third")
        turns(loop, 2)
        assert ran == ["first", "third"]
        assert now <= loop.time() < now + 1000


def test_an_error_of_an_overridden_clock_leaves_the_loop_and_nothing_is_lost(kind):
    class Broken(kind):
        broken = False

        def time(self):
            if self.broken:
                raise ZeroDivisionError
            return super().time()

    with closing(Broken()) as loop:
        ran = []
        loop.call_later(0, ran.append, 1)
        loop.broken = True
        with pytest.raises(ZeroDivisionError):
            turn(loop)
        loop.broken = False
        turn(loop)
        assert ran == [1]


@pytest.mark.skipif(PY < (3, 13), reason="the parts of run_forever() have names since 3.13")
def test_a_subclass_can_iterate_by_itself(kind):
    """For GUIs, whose own loop decides when: asyncio has made these methods for it."""

    class Guest(kind):
        def run_forever(self):
            self._run_forever_setup()
            try:
                while not self._stopping:
                    self.iterations += 1
                    self._run_once()
            finally:
                self._run_forever_cleanup()

        iterations = 0

    async def main():
        assert asyncio.get_running_loop() is loop
        assert loop.is_running()
        async for number in numbers():
            await asyncio.sleep(0.001)
            if number == 3:
                return "result"

    async def numbers():
        for number in range(10):
            yield number

    hooks = sys.get_asyncgen_hooks()
    with closing(Guest()) as loop:
        assert loop.run_until_complete(main()) == "result"
        assert loop.iterations > 4
        assert not loop.is_running()
        assert asyncio._get_running_loop() is None
        assert sys.get_asyncgen_hooks() == hooks
        loop.run_until_complete(loop.shutdown_asyncgens())


async def test_methods_that_a_program_puts_on_a_loop_are_called_until_it_takes_them_away(loop):
    log = []

    def noting(name):
        own = getattr(loop, name)

        def method(*args, **kwargs):
            log.append(name)
            return own(*args, **kwargs)

        return method

    async def nothing():
        pass

    loop.create_task = noting("create_task")
    task = asyncio.create_task(nothing())
    assert log == ["create_task"]
    await task
    await asyncio.gather(nothing())
    assert log == ["create_task"] * 2
    del loop.create_task
    await asyncio.create_task(nothing())
    assert log == ["create_task"] * 2

    loop.call_soon = noting("call_soon")
    task = loop.create_task(nothing())
    assert log[2:] == ["call_soon"]
    del loop.call_soon
    await task
    assert log[2:] == ["call_soon"]
    future = loop.create_future()
    future.add_done_callback(lambda _: log.append("done"))
    future.set_result(None)
    await asyncio.sleep(0)
    assert log[-1] == "done"
