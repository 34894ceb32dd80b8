"""What is called while other coroutines of asyncio handle an exception: with asyncio's names and with ferrio's."""

import asyncio
import gc
import sys

import pytest

from tests.handling.conftest import cancelled, until_seen
from tests.harness import PY


class WatchedTask(asyncio.Task):
    """A task of the program that calls the probe when it is cancelled."""

    probe = None

    def cancel(self, *args, **kwargs):
        if self.probe is not None:
            self.probe()
        return super().cancel(*args, **kwargs)


@pytest.fixture
def own_tasks(loop):
    loop.set_task_factory(lambda loop, coro, **kwargs: WatchedTask(coro, loop=loop, **kwargs))


def test_the_tasks_of_a_group_whose_block_raises(loop, run_around, probe, aio, own_tasks):
    async def main():
        with pytest.raises(BaseExceptionGroup):
            async with aio.TaskGroup() as group:
                group.create_task(asyncio.sleep(10)).probe = probe
                raise LookupError

    run_around(main())
    assert probe.seen == [["LookupError", *run_around.names]]


def test_the_tasks_of_a_group_that_is_cancelled_from_outside(loop, run_around, probe, aio, own_tasks):
    async def main():
        async def block():
            async with aio.TaskGroup() as group:
                group.create_task(asyncio.sleep(10)).probe = probe

        await cancelled(loop, block())

    run_around(main())
    assert [names[:1] for names in probe.seen] == [["CancelledError"]]


def test_who_takes_the_cancellation_of_a_timeout_back(loop, run_around, probe, aio):
    class Task(asyncio.Task):
        def uncancel(self):
            probe()
            return super().uncancel()

    async def main():
        loop.set_task_factory(lambda loop, coro, **kwargs: Task(coro, loop=loop, **kwargs))

        async def block():
            with pytest.raises(TimeoutError) as caught:
                async with aio.timeout(0):
                    await asyncio.sleep(10)
            assert isinstance(caught.value.__context__, asyncio.CancelledError)
            assert caught.value.__cause__ is caught.value.__context__

        await loop.create_task(block())

    run_around(main())
    assert [names[:1] for names in probe.seen] == [["CancelledError"]]


@pytest.mark.skipif(PY < (3, 12), reason="wait_for has no timeout() inside")
def test_who_takes_the_cancellation_of_wait_for_back(loop, run_around, probe, aio):
    class Task(asyncio.Task):
        def uncancel(self):
            probe()
            return super().uncancel()

    async def main():
        loop.set_task_factory(lambda loop, coro, **kwargs: Task(coro, loop=loop, **kwargs))

        async def block():
            with pytest.raises(TimeoutError) as caught:
                await aio.wait_for(asyncio.sleep(10), 0.001)
            assert isinstance(caught.value.__context__, asyncio.CancelledError)
            assert caught.value.__cause__ is caught.value.__context__

        await loop.create_task(block())

    run_around(main())
    assert [names[:1] for names in probe.seen] == [["CancelledError"]]


def test_a_timeout_that_is_left_by_hand_has_the_context_of_who_leaves_it(loop, run, aio):
    async def main():
        timeout = aio.timeout(0)
        await timeout.__aenter__()
        error = asyncio.CancelledError()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(10)
        with pytest.raises(TimeoutError) as caught:
            await timeout.__aexit__(type(error), error, None)
        return caught.value.__cause__ is error, caught.value.__context__

    assert run(main()) == (True, None)


def test_futures_that_are_no_longer_waited_for(loop, run_around, probe, aio):
    class Future(asyncio.Future):
        def remove_done_callback(self, callback):
            probe()
            return super().remove_done_callback(callback)

    async def main():
        future = Future(loop=loop)
        await cancelled(loop, aio.wait([future]))

    run_around(main())
    assert [names[:1] for names in probe.seen] == [["CancelledError"]]


class Underneath(asyncio.Transport):
    """A transport that calls the probe when it is resumed."""

    def __init__(self, probe):
        super().__init__()
        self.probe = probe

    def pause_reading(self):
        pass

    def resume_reading(self):
        self.probe()


def test_a_line_that_is_too_long(loop, run_around, probe, aio):
    """The rest of what has arrived is dropped, and the transport resumed; then `ValueError` is raised."""

    async def main():
        reader = aio.StreamReader(limit=4, loop=loop)
        reader.set_transport(Underneath(probe))
        reader.feed_data(b"x" * 100)
        with pytest.raises(ValueError, match="limit"):
            await reader.readline()

    run_around(main())
    assert probe.seen == [["LimitOverrunError", *run_around.names]]


def test_a_handler_of_a_stream_server_that_raises(loop, run_around, probe, aio):
    """A function, whose exception is being handled, and a coroutine, whose task has ended with it."""

    async def main():
        loop.set_exception_handler(probe)

        def function(reader, writer):
            writer.close()
            raise LookupError

        async def coroutine(reader, writer):
            writer.close()
            raise LookupError

        for callback in function, coroutine:
            server = await aio.start_server(callback, "127.0.0.1", 0)
            _, writer = await aio.open_connection(*server.sockets[0].getsockname())
            await until_seen(probe, 1 if callback is function else 2)
            writer.close()
            await writer.wait_closed()
            server.close()
            await server.wait_closed()

    run_around(main())
    assert probe.seen == [["LookupError", *run_around.names], run_around.names]
    gc.collect()


def test_an_exception_that_is_thrown_in_has_nothing_of_who_throws(loop, run, aio):
    async def main():
        coroutine = aio.Event().wait()
        coroutine.send(None)
        try:
            raise ArithmeticError
        except ArithmeticError:
            with pytest.raises(LookupError) as caught:
                coroutine.throw(LookupError())
            assert caught.value.__context__ is None

    run(main())


def test_each_coroutine_has_its_own(loop, run_around, aio):
    """What one handles when it waits, another that runs meanwhile does not see."""
    seen = []

    def look():
        seen.append(type(sys.exc_info()[1]).__name__)

    async def handle(error, condition):
        try:
            raise error
        except error:
            look()
            async with condition:
                look()
                await condition.wait()
                look()
        look()

    async def main():
        condition = aio.Condition()
        tasks = [loop.create_task(handle(error, condition)) for error in (LookupError, ArithmeticError)]
        for _ in range(5):
            await asyncio.sleep(0)
        look()
        async with condition:
            condition.notify_all()
        await asyncio.wait(tasks)
        look()

    run_around(main())
    outside = (run_around.names or ["NoneType"])[0]
    assert seen.count(outside) == 4
    assert seen.count("LookupError") == seen.count("ArithmeticError") == 3
