"""Native primitives look like asyncio's: classes, attributes, representations."""

import asyncio
import gc
import inspect
import re
import weakref

import ferrio
import pytest

NAMES = ("Lock", "Event", "Condition", "Semaphore", "BoundedSemaphore", "Barrier")


def make(aio, name):
    return getattr(aio, name)(2) if name == "Barrier" else getattr(aio, name)()


@pytest.mark.parametrize("name", NAMES)
def test_they_are_instances_of_asyncio_s_classes(name):
    thing = make(ferrio, name)
    assert type(thing) is getattr(ferrio, name)
    assert isinstance(thing, getattr(asyncio, name))
    assert isinstance(make(asyncio, name), getattr(ferrio, name))
    assert inspect.signature(getattr(ferrio, name)) == inspect.signature(getattr(asyncio, name))


@pytest.mark.parametrize("name", NAMES)
async def test_representations(loop, name):
    def shown(aio):
        texts = []
        thing = make(aio, name)
        texts.append(repr(thing))
        tasks = [asyncio.ensure_future(getattr(thing, act)()) for act in acts]
        return thing, texts, tasks

    acts = {"Event": ["wait"], "Barrier": ["wait"]}.get(name, ["acquire", "acquire"])
    texts = {}
    for aio in asyncio, ferrio:
        thing, shown_before, tasks = shown(aio)
        await asyncio.sleep(0)
        shown_before.append(repr(thing))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        texts[aio] = [re.sub(r"<[\w.]+ object at 0x\w+", "<", text) for text in shown_before]
    assert texts[asyncio] == texts[ferrio]
    assert repr(make(ferrio, name)).startswith(f"<ferrio.{name} object at 0x")


@pytest.mark.parametrize("name", NAMES)
def test_weak_references_and_cycles(name):
    class Mine(getattr(ferrio, name)):
        pass

    thing = Mine(2) if name == "Barrier" else Mine()
    thing.itself = thing
    references = weakref.ref(thing), weakref.ref(make(ferrio, name))
    del thing
    gc.collect()
    assert [reference() for reference in references] == [None, None]


async def test_a_task_that_nobody_can_wake_is_collected(loop, aio, errors):
    lock = aio.Lock()
    await lock.acquire()
    reference = weakref.ref(lock)
    asyncio.create_task(lock.acquire())  # noqa: RUF006
    await asyncio.sleep(0)
    del lock
    gc.collect()
    assert errors.take_one()["message"] == "Task was destroyed but it is pending!"
    gc.collect()  # What was reported has lived until here.
    assert reference() is None


@pytest.mark.parametrize("name", NAMES)
def test_attributes_of_one_s_own(aio, name):
    thing = make(aio, name)
    thing.label = "mine"
    assert thing.label == "mine"


def test_another_loop_is_refused(loop, aio, loop_factory):
    lock, event = aio.Lock(), aio.Event()

    async def wait(coroutine):
        task = asyncio.ensure_future(coroutine)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return task

    async def first():
        await lock.acquire()
        await wait(lock.acquire())
        await wait(event.wait())

    async def second():
        for thing, coroutine in (lock, lock.acquire()), (event, event.wait()):
            with pytest.raises(RuntimeError) as caught:
                await coroutine
            assert str(caught.value) == f"{thing!r} is bound to a different event loop"

    loop.run_until_complete(first())
    assert lock._loop is event._loop is loop
    other = loop_factory()
    try:
        other.run_until_complete(second())
    finally:
        other.close()


async def test_who_waits_can_be_seen_and_changed(loop):
    event = ferrio.Event()
    assert not event._waiters
    task = asyncio.create_task(event.wait())
    await asyncio.sleep(0)
    (future,) = event._waiters
    assert isinstance(future, asyncio.Future)
    assert future in event._waiters
    assert event._waiters[0] is event._waiters[-1] is future
    with pytest.raises(IndexError):
        event._waiters[1]
    event._waiters.remove(future)
    with pytest.raises(ValueError):
        event._waiters.remove(future)
    assert len(event._waiters) == 0
    mine = loop.create_future()
    event._waiters.append(mine)
    event._waiters.append(future)
    event.set()
    assert mine.result() is True
    assert await task is True
    assert event._waiters.popleft() is mine
    event._waiters.clear()
    with pytest.raises(IndexError):
        event._waiters.popleft()


async def test_a_subclass_s_methods_are_used_by_async_with(loop, aio):
    calls = []

    class Lock(aio.Lock):
        async def acquire(self):
            calls.append("acquire")
            return await super().acquire()

        def release(self):
            calls.append("release")
            super().release()

    class Semaphore(aio.Semaphore):
        def __init__(self, *, limit):
            super().__init__(limit)

        async def acquire(self):
            calls.append("acquire")
            return await super().acquire()

    class Barrier(aio.Barrier):
        async def wait(self):
            calls.append("wait")
            return await super().wait()

    for manager in Lock(), Semaphore(limit=1), Barrier(1):
        async with manager:
            calls.append("in")
    assert calls == ["acquire", "in", "release", "acquire", "in", "wait", "in"]


async def test_coroutines_that_are_not_awaited_do_nothing_but_warn(loop, aio):
    lock = aio.Lock()
    with pytest.warns(RuntimeWarning, match=r"coroutine 'Lock\.acquire' was never awaited"):
        lock.acquire()
    assert not lock.locked()
    assert asyncio.iscoroutine(coroutine := lock.acquire())
    assert await asyncio.create_task(coroutine) is True


@pytest.mark.parametrize("name", NAMES)
def test_wrong_arguments_are_refused(aio, name):
    with pytest.raises(TypeError):
        getattr(aio, name)(1, 2, 3)
    with pytest.raises(TypeError):
        getattr(aio, name)(loop=None)


@pytest.mark.parametrize("name", ["Semaphore", "BoundedSemaphore"])
def test_none_is_no_number_of_permits(aio, name):
    with pytest.raises(TypeError, match="'<' not supported"):
        getattr(aio, name)(None)
    with pytest.raises(ValueError, match=">= 0"):
        getattr(aio, name)(-1)


async def test_a_subclass_s_locked_says_whether_there_is_a_permit(loop, aio):
    class Paused(aio.Semaphore):
        paused = True

        def locked(self):
            return self.paused or super().locked()

    semaphore = Paused(2)
    assert "[locked" in repr(semaphore)
    task = loop.create_task(semaphore.acquire())
    await asyncio.sleep(0)
    assert not task.done()
    semaphore.paused = False
    semaphore.release()
    assert await task
    assert "unlocked, value:2" in repr(semaphore)
    async with semaphore:
        assert semaphore._value == 1


async def test_how_many_are_notified_is_any_number(loop, aio):
    condition = aio.Condition()

    async def waiter():
        async with condition:
            await condition.wait()

    tasks = [loop.create_task(waiter()) for _ in range(4)]
    await asyncio.sleep(0)
    async with condition:
        condition.notify(1.5)
        for wrong in "x", None:
            with pytest.raises(TypeError, match="'>=' not supported") as caught:
                condition.notify(wrong)
            assert not hasattr(caught.value, "__notes__")
        condition.notify(-1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sum(task.done() for task in tasks) == 2
    async with condition:
        condition.notify(10**30)
    await asyncio.gather(*tasks)
    async with condition:
        condition.notify("nobody waits")
