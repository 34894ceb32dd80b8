"""`as_completed`: an iterator and, since Python 3.13, an asynchronous iterator."""

import asyncio

import pytest

from tests.harness import PY

is_asynchronous = pytest.mark.skipif(PY < (3, 13), reason="an asynchronous iterator since 3.13")


async def after(aio, turns, result):
    for _ in range(turns):
        await aio.sleep(0)
    if isinstance(result, Exception):
        raise result
    return result


async def test_results_come_in_the_order_in_which_they_are_there(loop, aio):
    results = [await each for each in aio.as_completed([after(aio, turns, turns) for turns in (3, 1, 2)])]
    assert results == [1, 2, 3]


@is_asynchronous
async def test_futures_come_in_the_order_in_which_they_are_done(loop, aio):
    tasks = [aio.create_task(after(aio, turns, turns)) for turns in (3, 1, 2)]
    order = [task async for task in aio.as_completed(tasks)]
    assert order == [tasks[1], tasks[2], tasks[0]]
    assert all(task.done() for task in order)


@is_asynchronous
async def test_coroutines_come_as_tasks(loop, aio):
    async for task in aio.as_completed([after(aio, 1, "result")]):
        assert isinstance(task, asyncio.Task)
        assert task.result() == "result"


async def test_exceptions_and_cancellations_come_in_their_turn(loop, aio):
    cancelled = loop.create_future()
    loop.call_soon(cancelled.cancel)
    outcomes = []
    for each in aio.as_completed([after(aio, 3, ValueError("failed")), cancelled, after(aio, 5, 5)]):
        try:
            outcomes.append(await each)
        except (ValueError, asyncio.CancelledError) as error:
            outcomes.append(type(error))
    assert outcomes == [asyncio.CancelledError, ValueError, 5]


async def test_what_is_given_twice_comes_once(loop, aio):
    future, coroutine = loop.create_future(), after(aio, 1, "once")
    future.set_result("done")
    results = [await each for each in aio.as_completed([future, coroutine, future, coroutine])]
    assert sorted(results) == ["done", "once"]


async def test_nothing_comes_of_nothing(loop, aio):
    assert list(aio.as_completed([])) == []
    assert list(aio.as_completed(iter(()), timeout=1)) == []


async def test_all_can_be_awaited_at_once(loop, aio):
    coroutines = list(aio.as_completed([after(aio, turns, turns) for turns in (3, 1, 2)]))
    assert await aio.gather(*coroutines) == [1, 2, 3]


async def test_what_is_not_done_in_time_is_a_timeout_error_each(loop, aio):
    never = [loop.create_future() for _ in range(2)]
    outcomes = []
    for each in aio.as_completed([*never, after(aio, 0, "in time")], timeout=0.1):
        try:
            outcomes.append(await each)
        except TimeoutError:
            outcomes.append("late")
    assert outcomes == ["in time", "late", "late"]
    assert not any(future.done() or future._callbacks for future in never)


@is_asynchronous
async def test_a_timeout_ends_the_asynchronous_iteration(loop, aio):
    never = loop.create_future()
    seen = []
    with pytest.raises(TimeoutError):
        async for future in aio.as_completed([never, after(aio, 0, "in time")], timeout=0.1):
            seen.append(future.result())  # noqa: PERF401
    assert seen == ["in time"]


async def test_a_timer_does_not_outlive_what_it_is_for(loop, aio):
    done = loop.create_future()
    done.set_result("done")
    for each in aio.as_completed([done], timeout=1000):
        assert await each == "done"
    other = loop.create_future()
    for each in aio.as_completed([other], timeout=0.001):
        with pytest.raises(TimeoutError):
            await each
    other.set_result("nobody listens")
    await aio.sleep(0)


async def test_a_result_is_not_lost_to_one_who_was_cancelled(loop, aio):
    futures = [loop.create_future() for _ in range(2)]
    first, second = (aio.create_task(each) for each in aio.as_completed(futures))
    await aio.sleep(0)
    futures[0].set_result("result")
    await aio.sleep(0)  # the first one is woken up
    first.cancel()
    assert await second == "result"
    assert first.cancelled()
    futures[1].cancel()


@is_asynchronous
async def test_a_cancelled_step_can_be_taken_again_since_3_14(loop, aio):
    future = loop.create_future()
    completed = aio.as_completed([future])
    step = aio.create_task(anext(completed))
    await aio.sleep(0)
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    future.set_result("result")
    again = [done async for done in completed]
    assert again == ([future] if PY >= (3, 14) else [])


async def test_one_awaitable_is_refused(loop, aio):
    coroutine = after(aio, 0, None)
    for one in (loop.create_future(), coroutine):
        with pytest.raises(TypeError, match=r"expects? an iterable of (awaitables|futures), not"):
            next(iter(aio.as_completed(one)))
    coroutine.close()
    with pytest.raises(TypeError):
        next(iter(aio.as_completed(42)))


async def test_before_3_13_nothing_begins_before_the_first_is_asked_for(loop, aio):
    completed = aio.as_completed([after(aio, 0, "result")])
    assert len(asyncio.all_tasks()) == (2 if PY >= (3, 13) else 1)
    assert [await each for each in completed] == ["result"]
    assert hasattr(completed, "__aiter__") == (PY >= (3, 13))
