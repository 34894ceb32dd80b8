"""`shield`: cancelling the waiting task does not cancel the shielded future."""

import asyncio
import gc

import pytest

from tests.harness import PY


async def test_the_outer_future_ends_as_the_inner_one(loop, aio):
    futures = [loop.create_future() for _ in range(3)]
    shields = [aio.shield(future) for future in futures]
    futures[0].set_result("result")
    futures[1].set_exception(ValueError("failed"))
    futures[2].cancel()
    assert await shields[0] == "result"
    with pytest.raises(ValueError, match="failed"):
        await shields[1]
    with pytest.raises(asyncio.CancelledError):
        await shields[2]
    assert shields[2].cancelled()


async def test_a_finished_future_is_returned_as_it_is(loop, aio):
    future = loop.create_future()
    future.set_result("result")
    assert aio.shield(future) is future


async def test_the_outer_future_is_cancelled_alone(loop, aio):
    inner = loop.create_future()
    outer = aio.shield(inner)
    assert outer.cancel()
    await aio.sleep(0)
    assert not inner.done()
    assert not inner._callbacks
    inner.set_result("result")
    assert await inner == "result"


async def test_a_task_that_waits_is_cancelled_and_the_shielded_one_goes_on(loop, aio):
    log = []

    async def inner():
        await aio.sleep(0)
        await aio.sleep(0)
        log.append("inner")

    shielded = aio.create_task(inner())

    async def outer():
        await aio.shield(shielded)

    task = aio.create_task(outer())
    await aio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await shielded
    assert log == ["inner"]


async def test_both_may_end_in_one_iteration(loop, aio):
    inner = loop.create_future()
    outer = aio.shield(inner)
    inner.set_result("result")
    outer.cancel()
    await aio.sleep(0)
    assert outer.cancelled()
    assert inner.result() == "result"


async def test_an_exception_nobody_looks_at_is_reported_as_this_version_does(loop, aio, errors):
    inner = loop.create_future()
    outer = aio.shield(inner)
    inner.set_exception(ValueError("unseen"))
    outer.cancel()
    await aio.sleep(0)
    del inner, outer
    gc.collect()
    messages = [context["message"] for context in errors.take()]
    assert messages == (["Future exception was never retrieved"] if PY >= (3, 14) else [])


async def test_an_outer_future_that_somebody_finishes_is_reported(loop, aio, errors):
    inner = loop.create_future()
    outer = aio.shield(inner)
    inner.set_result("result")
    outer.set_result("somebody's")
    await aio.sleep(0)
    assert isinstance(errors.take_one()["exception"], asyncio.InvalidStateError)
    assert await outer == "somebody's"


async def test_shields_of_shields(loop, aio):
    inner = loop.create_future()
    outer = aio.shield(aio.shield(aio.shield(inner)))
    inner.set_result("result")
    assert await outer == "result"


async def test_a_c_future_can_be_shielded(loop, aio):
    inner = asyncio.Future(loop=loop)
    outer = aio.shield(inner)
    loop.call_soon(inner.set_result, "result")
    assert await outer == "result"
    inner = asyncio.Future(loop=loop)
    outer = aio.shield(inner)
    outer.cancel()
    await aio.sleep(0)
    assert not inner.done()
    assert not inner._callbacks


async def test_only_awaitables_can_be_shielded(loop, aio):
    with pytest.raises(TypeError, match=r"An asyncio\.Future, a coroutine or an awaitable is required"):
        aio.shield(42)


async def test_ensure_future_returns_futures_and_makes_tasks(loop, aio, loop_factory):
    class Awaitable:
        def __await__(self):
            yield
            return "awaited"

    future = loop.create_future()
    assert aio.ensure_future(future) is future
    assert aio.ensure_future(future, loop=loop) is future
    c_future = asyncio.Future(loop=loop)
    assert aio.ensure_future(c_future) is c_future
    task = aio.ensure_future(aio.sleep(0, "slept"))
    assert isinstance(task, asyncio.Task)
    assert await task == "slept"
    assert await aio.ensure_future(Awaitable(), loop=loop) == "awaited"
    with pytest.raises(TypeError):
        aio.ensure_future(42)
    other = loop_factory()
    try:
        for stranger in (other.create_future(), asyncio.Future(loop=other)):
            with pytest.raises(ValueError, match="belongs to a different loop"):
                aio.ensure_future(stranger, loop=loop)
    finally:
        other.close()


def test_ensure_future_closes_a_coroutine_that_no_loop_takes(loop, aio):
    async def body():
        pass

    loop.close()
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        aio.ensure_future(body(), loop=loop)  # without a warning that it was never awaited
    gc.collect()


async def test_what_its_callback_raises_is_reported_as_by_asyncio(loop, aio, errors):
    """The outer future has a result before the inner one."""
    inner = loop.create_future()
    outer = aio.shield(inner)
    outer.set_result("mine")
    inner.set_result("late")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    context = errors.take_one()
    assert isinstance(context["exception"], asyncio.InvalidStateError)
    assert context["message"].startswith("Exception in callback shield.<locals>._inner_done_callback(")
    assert "shield.<locals>._inner_done_callback" in repr(context["handle"])
