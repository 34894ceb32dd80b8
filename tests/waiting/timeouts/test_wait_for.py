"""`wait_for` neither loses a result nor leaks a task."""

import asyncio

import pytest

from tests.harness import PY


async def test_it_gives_the_result_in_time(loop, aio):
    assert await aio.wait_for(aio.sleep(0, "result"), 10) == "result"
    assert await aio.wait_for(aio.sleep(0, "result"), None) == "result"


async def test_it_passes_exceptions_on(loop, aio):
    async def body():
        await aio.sleep(0)
        raise ValueError("inner")

    with pytest.raises(ValueError, match="inner"):
        await aio.wait_for(body(), 10)


async def test_the_inner_task_has_ended_when_the_time_is_up(loop, aio):
    log = []

    async def body():
        try:
            await loop.create_future()
        finally:
            await aio.sleep(0)
            log.append("cleaned up")

    task = aio.create_task(body())
    with pytest.raises(TimeoutError) as caught:
        await aio.wait_for(task, 0.001)
    assert log == ["cleaned up"]
    assert task.cancelled()
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert asyncio.current_task().cancelling() == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_no_coroutine_is_left_when_the_time_is_up(loop, aio):
    async def body():
        await loop.create_future()

    with pytest.raises(TimeoutError):
        await aio.wait_for(body(), 0.001)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("timeout", [0, -1])
async def test_with_no_time_a_coroutine_does_not_begin(loop, aio, timeout):
    began = []

    async def body():
        began.append(True)

    with pytest.raises(TimeoutError):
        await aio.wait_for(body(), timeout)
    assert began == []


@pytest.mark.parametrize("timeout", [0, -1])
async def test_with_no_time_a_finished_future_has_its_result(loop, aio, timeout):
    future = loop.create_future()
    future.set_result("result")
    assert await aio.wait_for(future, timeout) == "result"
    failed = loop.create_future()
    failed.set_exception(ValueError("failed"))
    with pytest.raises(ValueError, match="failed"):
        await aio.wait_for(failed, timeout)


async def test_a_result_in_the_iteration_of_a_cancellation_is_not_lost(loop, aio):
    future = loop.create_future()
    task = aio.create_task(aio.wait_for(future, 10))
    await aio.sleep(0)
    future.set_result("result")
    task.cancel()
    if PY < (3, 12):
        assert await task == "result"  # and the cancellation is swallowed
    else:
        with pytest.raises(asyncio.CancelledError):
            await task
        assert future.result() == "result"


@pytest.mark.parametrize("timeout", [0, 0.001])
async def test_a_value_in_place_of_the_cancellation_is_the_result(loop, aio, timeout):
    async def body():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            return "value"

    task = aio.create_task(body())
    await aio.sleep(0)
    assert await aio.wait_for(task, timeout) == "value"
    assert asyncio.current_task().cancelling() == 0


@pytest.mark.parametrize("timeout", [0, 0.001])
async def test_an_exception_in_place_of_the_cancellation_is_raised(loop, aio, timeout):
    async def body():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            raise ValueError("instead") from None

    task = aio.create_task(body())
    await aio.sleep(0)
    with pytest.raises(ValueError, match="instead"):
        await aio.wait_for(task, timeout)


async def test_a_cancellation_reaches_the_inner_task_first(loop, aio):
    log = []

    async def body():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            log.append("inner")
            await aio.sleep(0)
            raise

    async def outer():
        try:
            await aio.wait_for(body(), 10)
        except asyncio.CancelledError:
            log.append("outer")
            raise

    task = aio.create_task(outer())
    await aio.sleep(0)
    await aio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["inner", "outer"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_shielded_future_survives_the_timeout(loop, aio):
    future = loop.create_future()
    with pytest.raises(TimeoutError):
        await aio.wait_for(aio.shield(future), 0.001)
    assert not future.done()
    future.set_result("later")
    assert await future == "later"


async def test_a_coroutine_runs_in_the_task_that_waits_since_3_12(loop, aio):
    async def body():
        return asyncio.current_task()

    inside = await aio.wait_for(body(), 10)
    assert (inside is asyncio.current_task()) == (PY >= (3, 12))


async def test_it_can_be_awaited_only_once(loop, aio):
    coroutine = aio.wait_for(aio.sleep(0), 10)
    await coroutine
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await coroutine
