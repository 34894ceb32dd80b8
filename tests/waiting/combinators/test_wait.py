"""wait(): what ends it, and what it gives."""

import asyncio
import sys

import pytest


@pytest.fixture
def futures(loop):
    return [loop.create_future() for _ in range(3)]


async def test_it_ends_with_the_first_that_is_done(loop, aio, futures):
    loop.call_soon(futures[1].set_result, None)
    done, pending = await aio.wait(futures, return_when=aio.FIRST_COMPLETED)
    assert (done, pending) == ({futures[1]}, {futures[0], futures[2]})


async def test_it_ends_with_the_first_exception_but_not_with_a_cancellation(loop, aio, futures):
    futures[0].cancel()
    loop.call_soon(futures[1].set_exception, ValueError())
    done, pending = await aio.wait(futures, return_when=aio.FIRST_EXCEPTION)
    assert (done, pending) == ({futures[0], futures[1]}, {futures[2]})
    assert isinstance(futures[1].exception(), ValueError)


async def test_without_an_exception_it_ends_when_all_are_done(loop, aio, futures):
    for future in futures:
        loop.call_soon(future.set_result, None)
    assert await aio.wait(futures, return_when=aio.FIRST_EXCEPTION) == (set(futures), set())


async def test_by_default_it_ends_when_all_are_done(loop, aio, futures):
    loop.call_soon(futures[0].set_exception, ValueError())
    loop.call_soon(futures[1].cancel)
    loop.call_later(0.001, futures[2].set_result, None)
    assert await aio.wait(futures) == (set(futures), set())
    futures[0].exception()


async def test_it_ends_when_the_time_is_up_and_cancels_nothing(loop, aio, futures):
    futures[0].set_result(None)
    done, pending = await aio.wait(futures, timeout=0.001)
    assert (done, pending) == ({futures[0]}, set(futures[1:]))
    assert not any(future.done() for future in pending)
    assert await aio.wait(futures, timeout=0) == (done, pending)
    assert await aio.wait(futures, timeout=-1) == (done, pending)


@pytest.mark.parametrize("when", [None, "", "first_completed", 1, b"ALL_COMPLETED", ()])
async def test_what_ends_it_must_be_one_of_three(loop, aio, futures, when):
    with pytest.raises(ValueError, match="Invalid return_when value: "):
        await aio.wait(futures, return_when=when)


@pytest.mark.parametrize("nothing", [[], set(), (), None])
async def test_there_must_be_something_to_wait_for(loop, aio, nothing):
    with pytest.raises(ValueError, match="empty"):
        await aio.wait(nothing)


async def test_futures_are_waited_for_in_collections_only(loop, aio, futures):
    async def coroutine():
        pass

    alone = coroutine()
    for wrong in (alone, futures[0]):
        with pytest.raises(TypeError, match="expect a list of futures, not"):
            await aio.wait(wrong)
    with pytest.raises(TypeError, match="forbidden"):
        await aio.wait([*futures, alone])
    alone.close()


async def test_a_future_that_comes_twice_is_one(loop, aio, futures):
    for future in futures:
        future.set_result(None)
    assert await aio.wait(iter([*futures, *futures])) == (set(futures), set())


async def test_a_generator_of_futures_is_a_collection_since_python_3_12(loop, aio, futures):
    for future in futures:
        future.set_result(None)
    waiting = aio.wait(future for future in futures)
    if sys.version_info < (3, 12):  # There a generator counts as a coroutine.
        with pytest.raises(TypeError, match="expect a list of futures, not generator"):
            await waiting
    else:
        assert await waiting == (set(futures), set())


async def test_a_cancellation_of_the_wait_leaves_the_futures_alone(loop, aio, futures):
    task = aio.create_task(aio.wait(futures))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not any(future.done() for future in futures)
    assert not any(future._callbacks for future in futures)


async def test_a_collection_that_turns_out_to_be_empty_is_refused(loop, aio):
    with pytest.raises(ValueError, match=r"^Set of Tasks/Futures is empty.$"):
        await aio.wait([])
    with pytest.raises(AssertionError, match=r"^Set of Futures is empty.$"):
        await aio.wait(iter([]))
