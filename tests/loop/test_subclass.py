"""Loops of a class of the user's own: what it overrides is used."""

import asyncio
import contextlib

import pytest
from harness import turn, turns


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
