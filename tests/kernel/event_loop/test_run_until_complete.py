"""What run_until_complete() accepts, returns and raises."""

import asyncio
import functools

import pytest

from tests.harness import turn

NOT_AWAITABLE = r"^An asyncio.Future, a coroutine or an awaitable is required$"


async def result(value):
    return value


def test_a_coroutine_gives_its_result(loop):
    assert loop.run_until_complete(result(42)) == 42


def test_a_task_gives_its_result(loop):
    assert loop.run_until_complete(loop.create_task(result(42))) == 42


def test_a_future_gives_its_result(loop):
    future = loop.create_future()
    loop.call_soon(future.set_result, 42)
    assert loop.run_until_complete(future) == 42


def test_any_awaitable_gives_its_result(loop):
    class Awaitable:
        def __await__(self):
            yield from asyncio.sleep(0).__await__()
            return 42

    assert loop.run_until_complete(Awaitable()) == 42


@pytest.mark.parametrize(
    "thing",
    [
        pytest.param(result, id="coroutine function"),
        pytest.param(functools.partial(result, 1), id="partial"),
        pytest.param(None, id="None"),
        pytest.param(42, id="number"),
    ],
)
def test_what_cannot_be_awaited_is_a_type_error(loop, thing):
    with pytest.raises(TypeError, match=NOT_AWAITABLE):
        loop.run_until_complete(thing)


def test_a_future_of_another_loop_is_a_value_error(loop, loop_factory):
    other = loop_factory()
    try:
        with pytest.raises(ValueError, match="belongs to a different loop"):
            loop.run_until_complete(other.create_future())
    finally:
        other.close()


def test_the_exception_of_a_coroutine_is_raised_as_the_same_object(loop):
    exc = LookupError("argument")

    async def fail():
        raise exc

    with pytest.raises(LookupError) as caught:
        loop.run_until_complete(fail())
    assert caught.value is exc
    assert [entry.name for entry in caught.traceback][-1] == "fail"


def test_the_exception_of_a_future_is_raised_as_the_same_object(loop):
    exc = LookupError("argument")
    future = loop.create_future()
    loop.call_soon(future.set_exception, exc)
    with pytest.raises(LookupError) as caught:
        loop.run_until_complete(future)
    assert caught.value is exc


def test_a_cancelled_task_raises_cancelled_error_with_its_message(loop):
    task = loop.create_task(asyncio.sleep(1000))
    loop.call_soon(task.cancel, "message")
    with pytest.raises(asyncio.CancelledError, match="message"):
        loop.run_until_complete(task)


def test_a_cancelled_future_raises_cancelled_error(loop):
    future = loop.create_future()
    loop.call_soon(future.cancel)
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(future)


def test_a_task_of_its_own_is_made_by_the_task_factory(loop):
    made = []

    def factory(loop, coro, **options):
        made.append(coro)
        return asyncio.Task(coro, loop=loop, **options)

    loop.set_task_factory(factory)
    coroutine = result(42)
    assert loop.run_until_complete(coroutine) == 42
    assert made == [coroutine]


def test_the_argument_may_be_named_future(loop):
    assert loop.run_until_complete(future=result(42)) == 42


def test_the_done_callback_of_the_loop_is_taken_off_again(loop):
    future = loop.create_future()
    loop.call_soon(loop.stop)
    with pytest.raises(RuntimeError, match="stopped before Future completed"):
        loop.run_until_complete(future)
    assert not future._callbacks
    future.cancel()
    turn(loop)


def test_other_tasks_stay_pending_and_go_on_in_the_next_run(loop):
    ran = []

    async def background():
        for number in range(5):
            ran.append(number)
            await asyncio.sleep(0)

    task = loop.create_task(background())
    loop.run_until_complete(result(None))
    assert ran == [0, 1]
    loop.run_until_complete(task)
    assert ran == [0, 1, 2, 3, 4]


def test_results_come_back_from_a_thousand_runs(loop):
    assert [loop.run_until_complete(result(number)) for number in range(1000)] == list(range(1000))
