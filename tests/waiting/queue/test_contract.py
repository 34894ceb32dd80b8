"""Native queues look like asyncio's, and can be subclassed like them."""

import asyncio
import collections
import gc
import inspect
import re
import weakref
from types import GenericAlias

import ferrio
import pytest

KINDS = ("Queue", "PriorityQueue", "LifoQueue")


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_instances_of_asyncio_s_classes(kind):
    queue_class, asyncio_s = getattr(ferrio, kind), getattr(asyncio, kind)
    assert type(queue_class()) is queue_class
    assert isinstance(queue_class(), asyncio_s)
    assert isinstance(queue_class(), asyncio.Queue)
    assert isinstance(asyncio_s(), queue_class)
    assert inspect.signature(queue_class) == inspect.signature(asyncio_s)
    assert queue_class[int] == GenericAlias(queue_class, (int,))


@pytest.mark.parametrize("kind", KINDS)
async def test_representations(loop, kind):
    texts = []
    for aio in asyncio, ferrio:
        queue = getattr(aio, kind)(2)
        texts.append([str(queue)])
        getter = asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)
        texts[-1] += [str(queue), queue._format()]
        for item in 3, 2, 1:
            await queue.put(item)
            await asyncio.sleep(0)
        putter = asyncio.ensure_future(queue.put(4))
        await asyncio.sleep(0)
        texts[-1] += [str(queue), re.sub("at 0x[0-9a-f]+", "at", repr(queue))]
        queue.get_nowait()
        await asyncio.gather(getter, putter)
    assert texts[0] == texts[1]
    assert "_putters[1]" in texts[1][-1]


def test_the_items_can_be_seen_and_changed(aio):
    queue = aio.Queue()
    for item in range(4):
        queue.put_nowait(item)
    assert type(queue._queue) is collections.deque
    assert queue._queue is queue._queue
    assert list(queue._queue) == [0, 1, 2, 3]
    queue._queue.remove(1)
    queue._queue.appendleft("first")
    queue.put_nowait("last")
    assert [queue.get_nowait() for _ in range(queue.qsize())] == ["first", 0, 2, 3, "last"]
    for kind in "PriorityQueue", "LifoQueue":
        queue = getattr(aio, kind)()
        queue.put_nowait(2)
        queue._queue.insert(0, 1)
        assert queue.qsize() == 2
        assert list(queue._queue) == [1, 2]


async def test_the_limit_can_be_changed(loop, aio):
    queue = aio.Queue(1)
    queue.put_nowait(1)
    queue._maxsize = 2
    queue.put_nowait(2)
    assert queue.full()
    assert queue.maxsize == 2


async def test_a_subclass_with_storage_of_its_own(loop, aio):
    class Unique(aio.Queue):
        def _init(self, maxsize):
            assert maxsize == 2
            self._queue = set()

        def _put(self, item):
            self._queue.add(item)

        def _get(self):
            return self._queue.pop()

    queue = Unique(2)
    await queue.put("item")
    await queue.put("item")
    assert queue.qsize() == 1
    assert not queue.full()
    await queue.put("other")
    putter = asyncio.ensure_future(queue.put("third"))
    await asyncio.sleep(0)
    assert not putter.done()
    taken = {await queue.get(), await queue.get()}
    assert taken == {"item", "other"}
    await putter
    assert await queue.get() == "third"
    assert queue.empty()
    assert "Unique" in repr(queue)
    assert queue.__class__ is Unique


async def test_a_subclass_with_sizes_of_its_own(loop, aio):
    class Weighed(aio.Queue):
        """Full when the items weigh enough."""

        def full(self):
            return sum(self._queue) >= 10

    class Counted(aio.Queue):
        def qsize(self):
            return 2 * super().qsize()

    queue = Weighed()
    await queue.put(9)
    await queue.put(9)
    with pytest.raises(asyncio.QueueFull):
        queue.put_nowait(1)
    putter = asyncio.ensure_future(queue.put(1))
    await asyncio.sleep(0)
    assert not putter.done()
    assert await queue.get() == 9
    await putter
    queue = Counted(2)
    queue.put_nowait(1)
    assert queue.full()


async def test_a_subclass_with_methods_of_its_own(loop, aio):
    calls = []

    class Logged(aio.Queue):
        def put_nowait(self, item):
            calls.append(("put", item))
            return super().put_nowait(item)

        def get_nowait(self):
            calls.append("get")
            return super().get_nowait()

    queue = Logged()
    await queue.put(1)
    assert await queue.get() == 1
    assert calls == [("put", 1), "get"]


async def test_a_subclass_that_peeks(loop, aio):
    class Peeking(aio.Queue):
        """As programs do it: with the same means as `get`."""

        async def peek(self):
            while self.empty():
                getter = self._get_loop().create_future()
                self._getters.append(getter)
                await getter
            self._wakeup_next(self._getters)
            return self._queue[0]

    queue = Peeking()
    peeked, taken = asyncio.ensure_future(queue.peek()), asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    queue.put_nowait("item")
    assert await peeked == "item"
    assert await taken == "item"


@pytest.mark.parametrize("kind", KINDS)
def test_weak_references_and_cycles(aio, kind):
    class Mine(getattr(aio, kind)):
        pass

    for queue_class in getattr(aio, kind), Mine:
        queue = queue_class()
        queue.put_nowait(queue)
        reference = weakref.ref(queue)
        del queue
        gc.collect()
        assert reference() is None


def test_another_loop_is_refused(loop, aio, loop_factory):
    queue = aio.Queue()

    async def first():
        task = asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)
        queue.put_nowait(1)
        await task

    async def second():
        with pytest.raises(RuntimeError) as caught:
            await queue.get()
        assert str(caught.value) == f"{queue!r} is bound to a different event loop"

    loop.run_until_complete(first())
    other = loop_factory()
    try:
        other.run_until_complete(second())
    finally:
        other.close()


def test_items_go_away_when_they_are_thrown_away(aio):
    class Item:
        pass

    queue = aio.Queue()
    item = Item()
    reference = weakref.ref(item)
    queue.put_nowait(item)
    del item
    queue._queue.clear()
    gc.collect()
    assert reference() is None
    assert queue.empty()


def test_none_is_no_limit(aio):
    with pytest.raises(TypeError, match="'<=' not supported"):
        aio.Queue(None).put_nowait(1)
