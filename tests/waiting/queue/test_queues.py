"""Queues: waiting for items and for room, in order, and passing a wake-up on when its task is cancelled."""

import asyncio
from decimal import Decimal
from fractions import Fraction

import ferrio
import pytest

from tests.harness import PY, settle

KINDS = ("Queue", "PriorityQueue", "LifoQueue")


async def started(*coroutines):
    """Tasks of the coroutines, each of which has begun to wait."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    await asyncio.sleep(0)
    return tasks


@pytest.fixture(params=KINDS)
def queue_class(request, aio):
    return getattr(aio, request.param)


def test_items_leave_in_the_order_of_the_class(aio, queue_class):
    queue = queue_class()
    for item in (3, 1, 2):
        queue.put_nowait(item)
    assert (queue.qsize(), queue.empty(), queue.full()) == (3, False, False)
    taken = [queue.get_nowait() for _ in range(3)]
    assert (
        taken
        == {"Queue": [3, 1, 2], "PriorityQueue": [1, 2, 3], "LifoQueue": [2, 1, 3]}[queue_class.__name__]
    )
    with pytest.raises(asyncio.QueueEmpty):
        queue.get_nowait()


def test_a_limit(queue_class):
    for maxsize, limit in (2, 2), (1.3, 2), (True, 1):
        queue = queue_class(maxsize)
        assert queue.maxsize is maxsize
        for item in range(limit):
            assert not queue.full()
            queue.put_nowait(item)
        assert queue.full()
        with pytest.raises(asyncio.QueueFull):
            queue.put_nowait(9)
    for maxsize in 0, -1, float("inf"), 10**30:
        queue = queue_class(maxsize)
        queue.put_nowait(1)
        assert not queue.full()


class Changing:
    """A limit that changes."""

    limit = 1

    def __le__(self, other):
        return self.limit <= other


class Never(int):
    def __le__(self, other):
        return True


@pytest.mark.parametrize(
    ("maxsize", "limit"), [(Decimal("1.5"), 2), (Fraction(5, 2), 3), (Never(1), None), (Decimal(0), None)]
)
def test_a_limit_is_any_object_that_can_be_compared(queue_class, maxsize, limit):
    queue = queue_class(maxsize)
    for item in range(limit or 5):
        assert not queue.full()
        queue.put_nowait(item)
    assert queue.full() is (limit is not None)
    if limit is not None:
        with pytest.raises(asyncio.QueueFull):
            queue.put_nowait(9)


async def test_a_limit_is_compared_each_time(loop, queue_class):
    maxsize = Changing()
    queue = queue_class(maxsize)
    queue.put_nowait(1)
    (putter,) = await started(queue.put(2))
    assert not putter.done()
    maxsize.limit = 3
    queue.put_nowait(3)
    assert not putter.done()
    assert queue.get_nowait() in (1, 3)
    await putter
    maxsize.limit = 0
    assert not queue.full()
    await queue.put(4)


@pytest.mark.parametrize("maxsize", ["text", None, []])
async def test_what_cannot_be_compared_is_an_error_when_something_is_put_in(loop, queue_class, maxsize):
    queue = queue_class(maxsize)
    assert queue.maxsize is maxsize
    assert queue.empty()
    for attempt in (queue.full, lambda: queue.put_nowait(1)):
        with pytest.raises(TypeError, match=r"^'<=' not supported between instances of"):
            attempt()
    with pytest.raises(TypeError, match=r"^'<=' not supported between instances of"):
        await queue.put(1)
    with pytest.raises(asyncio.QueueEmpty):
        queue.get_nowait()


async def test_getters_and_putters_are_served_in_order(loop, queue_class):
    queue = queue_class(1)
    getters = await started(queue.get(), queue.get())
    assert len(queue._getters) == 2
    putters = await started(queue.put(1), queue.put(2), queue.put(3))
    assert await asyncio.gather(*getters) == [1, 2]
    assert await asyncio.gather(*putters) == [None] * 3
    assert queue.get_nowait() == 3


async def test_a_cancelled_getter_hands_on_its_wake_up(loop, queue_class):
    queue = queue_class()
    first, second = await started(queue.get(), queue.get())
    queue.put_nowait("item")
    first.cancel()
    assert await settle(second)
    assert first.cancelled()
    assert second.result() == "item"


async def test_a_cancelled_putter_hands_on_its_wake_up(loop, queue_class):
    queue = queue_class(1)
    queue.put_nowait(0)
    first, second = await started(queue.put(1), queue.put(2))
    assert queue.get_nowait() == 0
    first.cancel()
    assert await settle(second)
    assert first.cancelled()
    assert queue.get_nowait() == 2
    assert not queue._putters


async def test_join_waits_until_all_is_done(loop, queue_class):
    queue = queue_class()
    await queue.join()
    queue.put_nowait(1)
    queue.put_nowait(2)
    (joined,) = await started(queue.join())
    queue.get_nowait()
    queue.task_done()
    assert queue._unfinished_tasks == 1
    assert not queue._finished.is_set()
    assert not await settle(joined)
    queue.task_done()
    assert await joined is None
    assert queue._finished.is_set()
    with pytest.raises(ValueError, match=r"^task_done\(\) called too many times$"):
        queue.task_done()


@pytest.mark.skipif(PY < (3, 13), reason="asyncio's own queues have no shutdown; ferrio's are tested below")
@pytest.mark.parametrize("immediate", [False, True])
async def test_a_queue_is_shut_down(loop, queue_class, immediate):
    await check_shutdown(queue_class, immediate)


@pytest.mark.parametrize("immediate", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_ferrio_s_queues_can_be_shut_down_on_all_versions(loop, kind, immediate):
    await check_shutdown(getattr(ferrio, kind), immediate)


@pytest.mark.ferrio_only
async def test_immediate_is_anything_true_or_false(loop):
    for immediate, left in (1, True), ("yes", True), (0, False), (None, False):
        queue = ferrio.Queue()
        queue.put_nowait("item")
        queue.shutdown(immediate)
        assert queue.empty() is left


async def check_shutdown(queue_class, immediate):
    queue = queue_class(1)
    queue.put_nowait("item")
    putter, joined = await started(queue.put("more"), queue.join())
    queue.shutdown(immediate)
    with pytest.raises(ferrio.QueueShutDown):
        await putter
    with pytest.raises(ferrio.QueueShutDown):
        queue.put_nowait("more")
    if not immediate:
        assert await queue.get() == "item"
        assert not joined.done()
        queue.task_done()
    await joined
    with pytest.raises(ferrio.QueueShutDown):
        await queue.get()
    with pytest.raises(ferrio.QueueShutDown):
        queue.get_nowait()
    other = queue_class()
    (getter,) = await started(other.get())
    other.shutdown()
    with pytest.raises(ferrio.QueueShutDown):
        await getter


def test_items_that_cannot_be_compared(aio):
    class Picky:
        def __init__(self, rank):
            self.rank = rank

        def __lt__(self, other):
            if self.rank == other.rank:
                raise LookupError("equal")
            return self.rank < other.rank

    queue = aio.PriorityQueue()
    queue.put_nowait(Picky(1))
    with pytest.raises(LookupError, match="equal"):
        queue.put_nowait(Picky(1))
    with pytest.raises(TypeError):
        queue.put_nowait(2)
    # As with asyncio's heap, what was refused is in it, but is not waited for.
    assert (queue.qsize(), queue._unfinished_tasks) == (3, 1)


def test_a_comparison_may_use_the_queue(aio):
    class Nosy:
        def __lt__(self, other):
            seen.append((queue.qsize(), queue.full()))
            return False

    seen = []
    queue = aio.PriorityQueue()
    queue.put_nowait(Nosy())
    queue.put_nowait(Nosy())
    assert seen == [(2, False)]
