"""Requests to cancel: when they arrive, what they do, and how they are counted."""

import asyncio

import pytest

from tests.harness import PY


async def turns(aio, count=1):
    for _ in range(count):
        await aio.sleep(0)


async def test_a_cancellation_in_the_iteration_of_the_result_wins(loop, aio):
    future = loop.create_future()

    async def body():
        return await future

    task = aio.create_task(body())
    await turns(aio)
    future.set_result("lost")
    assert task.cancel("too late to be seen")
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert caught.value.args == ("too late to be seen",)
    assert future.result() == "lost"


async def test_a_result_in_the_iteration_of_the_cancellation_is_refused(loop, aio):
    future = loop.create_future()

    async def body():
        return await future

    task = aio.create_task(body())
    await turns(aio)
    assert task.cancel()
    assert future.cancelled()
    with pytest.raises(asyncio.InvalidStateError):
        future.set_result("too late")
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_exception_in_the_iteration_of_the_cancellation_is_not_seen_by_the_task(loop, aio):
    future = loop.create_future()

    async def body():
        return await future

    task = aio.create_task(body())
    await turns(aio)
    future.set_exception(ValueError("not seen"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert str(future.exception()) == "not seen"


async def test_a_task_that_is_cancelled_before_its_first_step_never_begins(loop, aio):
    began = []

    async def body():
        began.append(True)

    task = aio.create_task(body())
    task.cancel("before")
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert caught.value.args == ("before",)
    assert began == []


async def test_a_task_that_cancels_itself_is_cancelled_where_it_waits_next(loop, aio):
    async def body():
        asyncio.current_task().cancel("myself")
        log.append("still here")
        await turns(aio)
        log.append("never here")

    log = []
    task = aio.create_task(body())
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert caught.value.args == ("myself",)
    assert log == ["still here"]


async def test_a_task_that_cancels_itself_and_returns_is_cancelled(loop, aio):
    async def body():
        asyncio.current_task().cancel()
        return "result"

    task = aio.create_task(body())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_task_that_cancels_itself_and_raises_has_raised(loop, aio):
    async def body():
        asyncio.current_task().cancel()
        raise ValueError("raised")

    with pytest.raises(ValueError, match="raised"):
        await aio.create_task(body())


async def test_a_swallowed_cancellation_leaves_its_count(loop, aio):
    async def body():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            return asyncio.current_task().cancelling()

    task = aio.create_task(body())
    await turns(aio)
    task.cancel()
    assert task.cancelling() == 1
    assert await task == 1
    assert not task.cancelled()
    assert task.cancelling() == 1


async def test_a_cancellation_that_is_swallowed_and_raised_again_keeps_its_message(loop, aio):
    async def body():
        try:
            await loop.create_future()
        except asyncio.CancelledError as error:
            await turns(aio, 3)
            raise error

    task = aio.create_task(body())
    await turns(aio)
    task.cancel("kept")
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert caught.value.args == ("kept",)
    assert task.cancelled()


async def test_a_new_cancelled_error_in_place_of_the_old_one_has_its_own_message(loop, aio):
    async def body():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            raise asyncio.CancelledError("mine") from None

    task = aio.create_task(body())
    await turns(aio)
    task.cancel("theirs")
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert caught.value.args == ("mine",)


async def test_a_second_cancellation_reaches_the_clean_up_of_the_first(loop, aio):
    log = []

    async def body():
        try:
            await loop.create_future()
        finally:
            try:
                await loop.create_future()
            except asyncio.CancelledError as error:
                log.append(error.args)
                raise

    task = aio.create_task(body())
    await turns(aio)
    task.cancel("first")
    await turns(aio, 2)
    task.cancel("second")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == [("second",)]
    assert task.cancelling() == 2


async def test_a_cancellation_goes_to_the_end_of_a_chain_and_comes_back(loop, aio):
    log = []

    async def body(name, awaitable):
        try:
            await awaitable
        except asyncio.CancelledError as error:
            log.append((name, error.args))
            raise

    future = loop.create_future()
    inner = aio.create_task(body("inner", future))
    middle = aio.create_task(body("middle", inner))
    outer = aio.create_task(body("outer", middle))
    await turns(aio, 2)
    outer.cancel("message")
    assert future.cancelled()
    assert (outer.cancelling(), middle.cancelling(), inner.cancelling()) == (1, 1, 1)
    with pytest.raises(asyncio.CancelledError):
        await outer
    # asyncio hands the message on from one to the next.
    assert [name for name, _ in log] == ["inner", "middle", "outer"]
    assert log[0] == ("inner", ("message",))


async def test_a_cancelled_task_cannot_be_cancelled(loop, aio):
    task = aio.create_task(turns(aio))
    assert await task is None
    assert not task.cancel()
    assert task.cancelling() == 0


async def test_uncancel_counts_down_to_zero(loop, aio):
    async def body():
        me = asyncio.current_task()
        counts = [me.uncancel()]
        for _ in range(3):
            me.cancel()
        counts += [me.uncancel(), me.uncancel(), me.uncancel(), me.uncancel()]
        try:
            await turns(aio)
        except asyncio.CancelledError:
            counts.append("cancelled")
        return counts

    # Since 3.13 a task that was never cancelled after all goes on.
    expected = [0, 2, 1, 0, 0] + ([] if PY >= (3, 13) else ["cancelled"])
    assert await aio.create_task(body()) == expected


async def test_a_task_that_awaits_itself_is_told_so(loop, aio):
    async def body():
        await tasks[0]

    tasks = [aio.create_task(body())]
    with pytest.raises(RuntimeError, match="Task cannot await on itself: <Task pending"):
        await tasks[0]


async def test_a_task_that_awaits_a_future_of_another_loop_is_told_so(loop, aio, loop_factory):
    other = loop_factory()
    try:
        future = other.create_future()

        async def body():
            await future

        with pytest.raises(RuntimeError, match="attached to a different loop"):
            await aio.create_task(body())
    finally:
        other.close()


async def test_a_coroutine_that_yields_nonsense_is_told_so(loop, aio):
    class Nonsense:
        def __await__(self):
            yield "nonsense"

    async def body():
        await Nonsense()

    with pytest.raises(RuntimeError, match="Task got bad yield: 'nonsense'"):
        await aio.create_task(body())


async def test_a_future_that_is_yielded_but_not_awaited_is_a_mistake(loop, aio):
    class Bare:
        def __await__(self):
            yield loop.create_future()

    async def body():
        await Bare()

    with pytest.raises(RuntimeError, match="yield was used instead of yield from"):
        await aio.create_task(body())


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_leaves_the_loop_and_is_the_task_s_exception(loop, aio, exception):
    async def body():
        raise exception("out")

    task = aio.Task(body(), loop=loop)
    with pytest.raises(exception, match="out"):
        loop.run_until_complete(task)
    assert type(task.exception()) is exception


@pytest.mark.ferrio_only  # a chain of C tasks this long can overflow the C stack when it goes away
async def test_a_chain_of_a_hundred_thousand_tasks_brings_a_result_or_an_exception(loop, aio):
    async def relay(awaitable):
        return await awaitable

    for finish in (
        lambda future: future.set_result(1),
        lambda future: future.set_exception(ValueError("deep")),
    ):
        first = last = loop.create_future()
        for _ in range(100_000):
            last = aio.create_task(relay(last))
        await turns(aio)
        finish(first)
        outcome = await aio.gather(last, return_exceptions=True)
        assert repr(outcome) in ("[1]", "[ValueError('deep')]")
        del last, outcome
