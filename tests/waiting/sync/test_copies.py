"""Locks, queues and other native objects are copied and pickled as asyncio's are."""

import asyncio
import copy
import dataclasses
import pickle

import ferrio
import pytest


class Mine(ferrio.Lock):
    """A subclass with an argument and an attribute of its own."""

    def __init__(self, name):
        super().__init__()
        self.name = name


@dataclasses.dataclass
class Settings:
    """What programs copy that have a lock in it."""

    lock: object
    name: str = "settings"


def through_pickle(thing):
    return pickle.loads(pickle.dumps(thing))


COPIERS = pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, through_pickle])


@COPIERS
async def test_a_copy_is_in_the_state_of_the_original_and_independent_of_it(loop, aio, copier):
    lock, event, semaphore = aio.Lock(), aio.Event(), aio.Semaphore(3)
    bounded, barrier = aio.BoundedSemaphore(2), aio.Barrier(2)
    await lock.acquire()
    event.set()
    await semaphore.acquire()
    await bounded.acquire()
    await barrier.abort()
    copied = copier(lock)
    assert type(copied) is type(lock)
    assert copied.locked()
    copied.release()
    assert (lock.locked(), copied.locked()) == (True, False)
    assert copier(event).is_set()
    assert copier(semaphore)._value == 2
    copied = copier(bounded)
    copied.release()
    with pytest.raises(ValueError, match="too many times"):
        copied.release()
    if copier is copy.copy or aio is ferrio:  # asyncio's has the loop by now
        copied = copier(barrier)
        assert (copied.broken, copied.parties) == (True, 2)


@COPIERS
async def test_the_lock_of_a_condition_is_copied_with_it(loop, aio, copier):
    lock = aio.Lock()
    condition = aio.Condition(lock)
    copied = copier(condition)
    async with copied:
        assert copied.locked()
        assert condition.locked() is (copier is copy.copy)
        copied.notify_all()


@COPIERS
@pytest.mark.parametrize("kind", ["Queue", "PriorityQueue", "LifoQueue"])
async def test_queues_are_copied_with_their_items(loop, aio, copier, kind):
    queue = getattr(aio, kind)(5)
    for item in 2, 1, 3:
        queue.put_nowait(item)
    queue.get_nowait()
    queue.task_done()
    copied = copier(queue)
    assert type(copied) is type(queue)
    assert (copied.maxsize, copied.qsize(), copied._unfinished_tasks) == (5, 2, 2)
    order = {"Queue": [1, 3], "PriorityQueue": [2, 3], "LifoQueue": [1, 2]}[kind]
    assert [copied.get_nowait() for _ in order] == order
    # As everywhere in Python, a shallow copy shares what the original holds.
    assert queue.qsize() == (0 if copier is copy.copy else 2)
    for _ in order:
        copied.task_done()
    await copied.join()


@COPIERS
def test_an_empty_queue_can_be_joined_after_it_was_copied(aio, copier):
    copied = copier(aio.Queue())
    asyncio.run(copied.join())


def test_dataclasses_with_a_lock_in_them(aio):
    settings = Settings(aio.Lock())
    for copied in copy.deepcopy(settings).lock, dataclasses.asdict(settings)["lock"]:
        assert type(copied) is aio.Lock
        assert copied is not settings.lock


@COPIERS
def test_subclasses_keep_their_attributes(copier):
    lock = Mine("mine")
    copied = copier(lock)
    assert type(copied) is Mine
    assert copied.name == "mine"
    assert not copied.locked()


async def test_while_somebody_waits_there_is_no_copy(loop, aio):
    waiting = [
        (lock := aio.Lock(), lock.acquire, lock.release),
        (event := aio.Event(), event.wait, event.set),
        (queue := aio.Queue(), queue.get, lambda: queue.put_nowait(None)),
    ]
    await lock.acquire()
    for thing, wait, wake in waiting:
        task = loop.create_task(wait())
        await asyncio.sleep(0)
        with pytest.raises(TypeError, match="pickle"):
            copy.deepcopy(thing)
        wake()
        await task


def test_private_flags_can_be_set(aio):
    lock, event = aio.Lock(), aio.Event()
    lock._locked = True
    event._value = True
    assert (lock.locked(), event.is_set()) == (True, True)
    lock._locked = event._value = False
    assert (lock.locked(), event.is_set()) == (False, False)
