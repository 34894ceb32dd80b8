"""Waiting and waking, in order, and passing a wake-up on when its task is cancelled."""

import asyncio

import pytest

from tests.harness import PY, settle


async def started(*coroutines):
    """Tasks of the coroutines, each of which has begun to wait."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    await asyncio.sleep(0)
    return tasks


async def results(tasks):
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_lock_goes_to_who_came_first(loop, aio):
    lock, order = aio.Lock(), []

    async def take(number):
        async with lock as value:
            assert value is None
            order.append(number)
            await asyncio.sleep(0)

    await lock.acquire()
    tasks = await started(*map(take, range(3)))
    assert lock.locked()
    assert len(lock._waiters) == 3
    lock.release()
    # Woken is not yet running: who comes now waits behind.
    assert not lock.locked()
    tasks += await started(take(3))
    await results(tasks)
    assert order == [0, 1, 2, 3]
    assert not lock.locked()


async def test_a_cancelled_task_hands_on_the_lock_that_it_was_given(loop, aio):
    lock = aio.Lock()
    await lock.acquire()
    first, second = await started(lock.acquire(), lock.acquire())
    lock.release()
    first.cancel()
    assert await settle(second)
    assert first.cancelled()
    assert second.result() is True
    assert lock.locked()
    lock.release()
    with pytest.raises(RuntimeError, match=r"^Lock is not acquired\.$"):
        lock.release()


async def test_a_task_that_goes_away_does_not_stay_in_line(loop, aio):
    lock = aio.Lock()
    await lock.acquire()
    coroutine = lock.acquire()
    coroutine.send(None)
    assert len(lock._waiters) == 1
    coroutine.close()
    assert len(lock._waiters) == 0
    coroutine = lock.acquire()
    coroutine.send(None)
    del coroutine
    assert len(lock._waiters) == 0
    lock.release()


async def test_an_event_wakes_all_even_if_it_is_cleared_at_once(loop, aio):
    event = aio.Event()
    tasks = await started(event.wait(), event.wait(), event.wait())
    tasks[1].cancel()
    event.set()
    event.clear()
    outcomes = await results(tasks)
    assert outcomes[0] is outcomes[2] is True
    assert tasks[1].cancelled()
    assert not event.is_set()
    event.set()
    assert await event.wait() is True


async def test_a_permit_that_was_released_is_not_taken_by_a_newcomer(loop, aio):
    semaphore = aio.Semaphore(0)
    (first,) = await started(semaphore.acquire())
    semaphore.release()
    assert semaphore._value == 0
    assert semaphore.locked()
    (second,) = await started(semaphore.acquire())
    assert first.done()
    assert not second.done()
    semaphore.release()
    assert await second is True


async def test_a_cancelled_task_gives_back_the_permit_that_it_was_given(loop, aio):
    semaphore = aio.Semaphore(0)
    first, second = await started(semaphore.acquire(), semaphore.acquire())
    semaphore.release()
    first.cancel()
    assert await settle(second)
    assert first.cancelled()
    assert semaphore._value == 0


async def test_a_semaphore_may_be_unlimited(loop, aio):
    semaphore = aio.Semaphore(float("inf"))
    for _ in range(3):
        await semaphore.acquire()
    assert semaphore._value == float("inf")
    assert not semaphore.locked()
    semaphore = aio.Semaphore(1.0)
    await semaphore.acquire()
    assert semaphore.locked()
    with pytest.raises(ValueError):
        aio.Semaphore(float("-inf"))


async def test_a_bounded_semaphore_is_not_released_too_often(loop, aio):
    semaphore = aio.BoundedSemaphore(2)
    assert isinstance(semaphore, asyncio.Semaphore)
    async with semaphore:
        assert semaphore._value == 1
    with pytest.raises(ValueError, match=r"^BoundedSemaphore released too many times$"):
        semaphore.release()
    with pytest.raises(ValueError, match=r"^Semaphore initial value must be >= 0$"):
        aio.BoundedSemaphore(-1)


async def test_a_condition_over_a_lock_of_any_class(loop, aio):
    class Duck:
        """Not a lock of anybody's."""

        def __init__(self):
            self.inner = asyncio.Lock()
            self.acquire, self.release, self.locked = (
                self.inner.acquire,
                self.inner.release,
                self.inner.locked,
            )

    for lock in aio.Lock(), asyncio.Lock(), Duck():
        condition = aio.Condition(lock)
        assert condition._lock is lock
        state = {}

        async def consume(condition=condition, state=state):
            async with condition:
                return await condition.wait_for(lambda: state.get("ready"))

        (task,) = await started(consume())
        assert not condition.locked()
        async with condition:
            assert lock.locked()
            state["ready"] = "ready"
            condition.notify()
        assert await task == "ready"


async def test_a_condition_needs_its_lock(loop, aio):
    condition = aio.Condition()
    with pytest.raises(RuntimeError, match=r"^cannot notify on un-acquired lock$"):
        condition.notify()
    with pytest.raises(RuntimeError, match=r"^cannot notify on un-acquired lock$"):
        condition.notify_all()
    with pytest.raises(RuntimeError, match=r"^cannot wait on un-acquired lock$"):
        await condition.wait()
    with pytest.raises(AttributeError):
        aio.Condition(object())


async def notified(condition):
    async with condition:
        return await condition.wait()


async def test_a_cancelled_wait_takes_the_lock_again(loop, aio):
    condition = aio.Condition()

    async def wait():
        async with condition:
            try:
                await condition.wait()
            finally:
                held.append(condition.locked())

    held = []
    (task,) = await started(wait())
    await condition.acquire()
    task.cancel()
    assert not await settle(task), "the lock is not free yet"
    condition.release()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert held == [True]
    assert not condition.locked()


async def test_a_wait_that_is_cancelled_twice_shows_both(loop, aio):
    if aio is asyncio and PY < (3, 13):
        pytest.skip("asyncio's own raises another exception on this version")
    condition = aio.Condition()

    (task,) = await started(notified(condition))
    await condition.acquire()
    for message in ("one", "two", "three"):
        task.cancel(message)
        assert not await settle(task)
    condition.release()
    with pytest.raises(asyncio.CancelledError) as raised:
        await task
    error = raised.value
    del raised
    assert error.args == ("three",)
    while error.args == ("three",):
        error = error.__context__
    assert error.args == ("one",)


async def test_a_cancelled_task_hands_on_its_notification(loop, aio):
    if aio is asyncio and PY < (3, 13):
        pytest.skip("asyncio's own loses the notification on this version")
    condition = aio.Condition()

    first, second = await started(notified(condition), notified(condition))
    async with condition:
        condition.notify()
        first.cancel()
    assert await settle(second)
    assert first.cancelled()
    assert second.result() is True


async def test_a_barrier_lets_all_pass_together(loop, aio):
    barrier = aio.Barrier(3)
    tasks = await started(barrier.wait(), barrier.wait())
    assert (barrier.n_waiting, barrier.parties, barrier.broken) == (2, 3, False)

    async def enter():
        async with barrier as place:
            return place

    tasks += await started(enter())
    assert sorted(await results(tasks)) == [0, 1, 2]
    assert barrier.n_waiting == 0


async def test_a_barrier_that_is_reset_or_aborted_sends_all_away(loop, aio):
    barrier = aio.Barrier(3)
    tasks = await started(barrier.wait(), barrier.wait())
    await barrier.reset()
    assert [type(error) for error in await results(tasks)] == [asyncio.BrokenBarrierError] * 2
    tasks = await started(barrier.wait())
    await barrier.abort()
    assert [type(error) for error in await results(tasks)] == [asyncio.BrokenBarrierError]
    assert barrier.broken
    with pytest.raises(asyncio.BrokenBarrierError, match=r"^Barrier aborted$"):
        await barrier.wait()
    await barrier.reset()
    assert not barrier.broken


async def test_who_is_cancelled_at_a_barrier_is_not_counted(loop, aio):
    barrier = aio.Barrier(2)
    (task,) = await started(barrier.wait())
    task.cancel()
    assert await settle(task)
    assert barrier.n_waiting == 0
    assert sorted(await asyncio.gather(barrier.wait(), barrier.wait())) == [0, 1]
