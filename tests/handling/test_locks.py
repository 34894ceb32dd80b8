"""What is called while locks and queues handle an exception: with asyncio's names and with ferrio's."""

import asyncio

import ferrio
import pytest

from tests.handling.conftest import cancelled
from tests.harness import PY


class SlowLock:
    """A lock that yields before it is taken, and calls the probe."""

    def __init__(self, probe):
        self.probe = probe
        self.held = True

    def locked(self):
        return self.held

    async def acquire(self):
        self.probe()
        await asyncio.sleep(0)
        self.probe()
        self.held = True
        return True

    def release(self):
        self.held = False


def test_the_lock_that_a_condition_takes_again(loop, run_around, probe, aio):
    async def main():
        condition = aio.Condition(SlowLock(probe))
        await cancelled(loop, condition.wait())
        probe()

    run_around(main())
    outside = run_around.names
    # Where the cancellation has arrived from the task, what is handled around the loop is its context.
    assert [names[:1] for names in probe.seen] == [["CancelledError"]] * 2 + [outside]


def test_a_condition_that_is_cancelled_while_it_takes_the_lock_again(loop, run_around, probe, aio):
    """The second cancellation is raised, and the first is what was handled meanwhile."""

    async def main():
        raised = []

        async def wait():
            try:
                await condition.wait()
            except asyncio.CancelledError as error:
                raised.append((error.args, error.__context__.args))
                probe()
                raise

        condition = aio.Condition(SlowLock(lambda: None))
        task = loop.create_task(wait())
        await asyncio.sleep(0)
        task.cancel("first")
        await asyncio.sleep(0)
        task.cancel("second")
        await asyncio.wait([task])
        renewed = aio is asyncio and PY < (3, 13)  # Older ones raise one of their own.
        assert raised == [(() if renewed else ("second",), ("first",))]

    run_around(main())
    assert probe.seen == [["CancelledError", "CancelledError", *run_around.names]]


def test_a_coroutine_that_notices_a_notification_leaves_nothing_behind(loop, run_around, probe, aio):
    """No exception: nothing is handled."""

    async def main():
        condition = aio.Condition(SlowLock(probe))
        waiting = loop.create_task(condition.wait())
        await asyncio.sleep(0)
        condition._lock.held = True
        condition.notify()
        await waiting

    run_around(main())
    assert probe.seen == [run_around.names] * 2


def test_the_end_of_a_queue_s_getter(loop, run_around, probe, aio):
    class Queue(aio.Queue):
        def empty(self):
            probe()
            return super().empty()

    async def main():
        queue = Queue()
        await cancelled(loop, queue.get(), then=probe.seen.clear)

    run_around(main())
    assert [names[:1] for names in probe.seen] == [["CancelledError"]]


def test_the_end_of_a_queue_s_putter(loop, run_around, probe, aio):
    class Queue(aio.Queue):
        def full(self):
            probe()
            return super().full()

    async def main():
        queue = Queue(1)
        queue.put_nowait(1)
        await cancelled(loop, queue.put(2), then=probe.seen.clear)

    run_around(main())
    assert [names[:1] for names in probe.seen] == [["CancelledError"]]


class Watched(asyncio.Future):
    """A future of the program that calls the probe when it gets its result."""

    probe = None

    def set_result(self, result):
        if self.probe is not None:
            self.probe()
        super().set_result(result)


@pytest.fixture
def own_futures(loop_name, aio):
    """A loop whose futures are of the program's class. ferrio's classes on ferrio's loop do not ask it."""
    if aio is ferrio and loop_name == "ferrio":
        pytest.skip("the loop is not asked for futures")

    def prepare(loop, probe):
        made = []

        def create_future():
            made.append(Watched(loop=loop))
            made[-1].probe = probe
            return made[-1]

        loop.create_future = create_future
        return made

    return prepare


def test_the_next_who_waits_for_a_lock(loop, run_around, probe, aio, own_futures):
    async def main():
        own_futures(loop, probe)
        lock = aio.Lock()
        await lock.acquire()
        first, second = (loop.create_task(lock.acquire()) for _ in range(2))
        await asyncio.sleep(0)
        lock.release()
        first.cancel()
        probe.seen.clear()
        await second
        del loop.create_future

    run_around(main())
    assert [names[:1] for names in probe.seen] == [["CancelledError"]]


def test_the_next_who_waits_for_a_semaphore(loop, run_around, probe, aio, own_futures):
    async def main():
        own_futures(loop, probe)
        semaphore = aio.Semaphore(1)
        await semaphore.acquire()
        first, second = (loop.create_task(semaphore.acquire()) for _ in range(2))
        await asyncio.sleep(0)
        semaphore.release()
        first.cancel()
        probe.seen.clear()
        await second
        del loop.create_future

    run_around(main())
    assert [names[:1] for names in probe.seen] == [["CancelledError"]]


def test_the_next_who_waits_for_a_condition(loop, run_around, probe, aio, own_futures):
    if aio is asyncio and PY < (3, 13):
        pytest.skip("older ones lose the notification")

    async def main():
        made = own_futures(loop, None)
        condition = aio.Condition()

        async def wait():
            async with condition:
                await condition.wait()

        first, second = (loop.create_task(wait()) for _ in range(2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        async with condition:
            condition.notify()
        for future in made:
            future.probe = probe
        first.cancel()
        await second
        del loop.create_future

    run_around(main())
    assert "CancelledError" in [names[0] for names in probe.seen if names]
