"""Native tasks and futures among asyncio's own, in both directions; what libraries read of either."""

import asyncio
import concurrent.futures
import contextvars
import sys

import ferrio
import pytest

from tests.harness import PY

NAMES = [asyncio, ferrio]
both = pytest.mark.parametrize("others", NAMES, ids=["asyncio's", "ferrio's"])


async def relay(awaitable):
    return await awaitable


@both
async def test_a_task_awaits_a_future_of_either_kind(loop, aio, others):
    for finish, expected in (("set_result", "outcome"), ("set_exception", ValueError("outcome"))):
        future = others.Future(loop=loop)
        task = aio.Task(relay(future), loop=loop)
        await asyncio.sleep(0)
        getattr(future, finish)(expected)
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        assert outcome is expected


@both
async def test_a_task_awaits_a_task_of_either_kind_and_passes_a_cancellation_on(loop, aio, others):
    future = loop.create_future()
    inner = others.Task(relay(future), loop=loop)
    outer = aio.Task(relay(inner), loop=loop)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert outer.cancel("message")
    assert (inner.cancelling(), outer.cancelling()) == (1, 1)
    with pytest.raises(asyncio.CancelledError):
        await outer
    assert inner.cancelled()
    assert outer.cancelled()


@both
async def test_combinators_take_either_kind(loop, aio, others):
    def futures():
        made = [others.Future(loop=loop), others.Task(asyncio.sleep(0, "slept"), loop=loop)]
        loop.call_soon(made[0].set_result, "set")
        return made

    assert await aio.gather(*futures()) == ["set", "slept"]
    waited = futures()
    done, pending = await aio.wait(waited)
    assert (done, pending) == (set(waited), set())
    assert sorted([await each for each in aio.as_completed(futures())]) == ["set", "slept"]
    assert await aio.shield(futures()[0]) == "set"
    assert await aio.wait_for(futures()[0], 10) == "set"
    waited = futures()
    done, pending = await aio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    assert done
    await asyncio.gather(*waited)


@both
async def test_waiting_tasks_and_callbacks_of_either_kind_keep_their_order(loop, aio, others):
    future = aio.Future(loop=loop)
    log = []

    async def wait(name):
        await future
        log.append(name)

    kinds = [aio.Task, others.Task, aio.Task]
    tasks = [kind(wait(number), loop=loop) for number, kind in enumerate(kinds)]
    await asyncio.sleep(0)
    future.add_done_callback(lambda _: log.append("callback"))
    tasks.append(others.Task(wait(3), loop=loop))
    await asyncio.sleep(0)
    future.set_result(None)
    await asyncio.gather(*tasks)
    assert log == [0, 1, 2, "callback", 3]


@both
async def test_the_current_task_is_whichever_runs(loop, aio, others):
    async def body():
        return asyncio.current_task(), others.current_task(), asyncio.current_task(loop)

    task = aio.Task(body(), loop=loop)
    assert await task == (task, task, task)
    assert task not in asyncio.all_tasks()


async def test_all_tasks_has_both_kinds(loop):
    tasks = {names.Task(asyncio.sleep(0), loop=loop) for names in NAMES}
    me = asyncio.current_task()
    assert asyncio.all_tasks() == asyncio.all_tasks(loop) == ferrio.all_tasks() == {*tasks, me}
    await asyncio.gather(*tasks)
    assert asyncio.all_tasks() == {me}


async def test_the_standard_library_takes_either_kind_for_a_future(loop, aio):
    future = aio.Future(loop=loop)
    assert asyncio.isfuture(future)
    assert asyncio.ensure_future(future) is future
    assert asyncio.wrap_future(future) is future
    assert aio.wrap_future(future) is future
    other = concurrent.futures.Future()
    wrapped = aio.wrap_future(other, loop=loop)
    assert asyncio.isfuture(wrapped)
    other.set_result("from a thread")
    assert await wrapped == "from a thread"
    cancelled = concurrent.futures.Future()
    aio.wrap_future(cancelled, loop=loop).cancel()
    await asyncio.sleep(0)
    assert cancelled.cancelled()


async def test_run_coroutine_threadsafe_brings_results_exceptions_and_cancellations(loop, aio):
    async def fail():
        raise ValueError("in the loop")

    def in_thread():
        result = aio.run_coroutine_threadsafe(asyncio.sleep(0, "result"), loop).result(10)
        error = aio.run_coroutine_threadsafe(fail(), loop).exception(10)
        pending = aio.run_coroutine_threadsafe(asyncio.sleep(1000), loop)
        pending.cancel()
        with pytest.raises(TypeError):
            aio.run_coroutine_threadsafe(asyncio.sleep, loop)
        return result, repr(error), pending.cancelled()

    assert await asyncio.to_thread(in_thread) == ("result", "ValueError('in the loop')", True)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_private_attributes_that_libraries_read_are_there_and_true(loop, aio):
    """anyio: _must_cancel, _fut_waiter, _coro; aiohttp: _callbacks; pytest-asyncio, uvicorn, debuggers: the rest."""

    async def body():
        await future

    future = aio.Future(loop=loop)
    coroutine = body()
    task = aio.Task(coroutine, loop=loop)
    assert task._coro is coroutine
    assert task._fut_waiter is None
    assert task._must_cancel is False
    assert task._log_destroy_pending is True
    assert task._state == "PENDING"
    await asyncio.sleep(0)
    assert task._fut_waiter is future
    assert future._asyncio_future_blocking is False
    assert len(future._callbacks) == 1
    assert future._loop is task._loop is loop
    assert future._result is future._exception is future._cancel_message is None
    assert future._log_traceback is False
    assert future._source_traceback is task._source_traceback is None
    task.cancel("message")
    assert future._cancel_message == "message"
    assert future._state == "CANCELLED"
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task._state == "CANCELLED"
    for attribute in ("_callbacks", "_result", "_exception"):
        assert getattr(task, attribute) is None
    done = aio.Future(loop=loop)
    done.set_result("result")
    assert (done._state, done._result) == ("FINISHED", "result")
    failed = aio.Future(loop=loop)
    failed.set_exception(ValueError("why"))
    assert repr(failed._exception) == "ValueError('why')"
    assert failed._log_traceback is True
    failed._log_traceback = False
    with pytest.raises(ValueError, match="can only be set to False"):
        failed._log_traceback = True
    mine = asyncio.current_task()
    mine.cancel()
    assert mine._must_cancel is True
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(0)
    mine.uncancel()


async def test_debug_mode_remembers_where_they_were_made(loop, aio):
    loop.set_debug(True)
    try:
        for thing in (aio.Future(loop=loop), aio.Task(asyncio.sleep(0), loop=loop)):
            assert thing._source_traceback[-1].name == "test_debug_mode_remembers_where_they_were_made"
        await thing
    finally:
        loop.set_debug(False)


async def test_a_done_callback_runs_in_the_context_that_was_given(loop, aio):
    variable = contextvars.ContextVar("variable", default="unset")
    context = contextvars.copy_context()
    context.run(variable.set, "given")
    log = []
    future = aio.Future(loop=loop)
    future.add_done_callback(lambda _: log.append(variable.get()), context=context)
    future.add_done_callback(lambda _: log.append(variable.get()))
    variable.set("current")
    future.set_result(None)
    await asyncio.sleep(0)
    assert log == ["given", "unset"]


@pytest.mark.skipif(PY < (3, 12), reason="eager tasks are new in 3.12")
@both
async def test_eager_tasks_of_either_kind_run_at_once(loop, aio, others):
    async def body():
        log.append(asyncio.current_task().get_name())
        return await future

    log = []
    me = asyncio.current_task()
    future = others.Future(loop=loop)
    task = aio.Task(body(), loop=loop, name="eager", eager_start=True)
    assert log == ["eager"]
    assert asyncio.current_task() is me
    assert task in asyncio.all_tasks()
    future.set_result("result")
    assert await task == "result"
    done = aio.Task(relay(future), loop=loop, eager_start=True)
    assert done.done()
    if aio is ferrio or PY >= (3, 13):  # asyncio 3.12.1 crashes
        assert done.get_coro() is None
    assert done not in asyncio.all_tasks()


@pytest.mark.skipif(PY < (3, 12), reason="eager tasks are new in 3.12")
def test_an_eager_factory_is_known_by_its_code(aio):
    """So anyio knows one, and finds the class of its tasks."""
    factory = aio.eager_task_factory
    assert factory.__code__ is asyncio.eager_task_factory.__code__
    assert factory.__closure__[0].cell_contents is aio.Task


@pytest.mark.skipif(PY < (3, 12), reason="eager tasks are new in 3.12")
async def test_the_eager_factory_makes_eager_tasks(loop, aio):
    loop.set_task_factory(aio.eager_task_factory)
    try:
        task = aio.create_task(asyncio.sleep(0, "slept"))
        done = aio.create_task(relay(task))
        assert not done.done()
        assert await done == "slept"
        assert aio.create_task(relay(task)).done()
    finally:
        loop.set_task_factory(None)


async def test_class_of_either_kind_is_asyncio_s_to_isinstance(loop, aio):
    task, future = aio.Task(asyncio.sleep(0), loop=loop), aio.Future(loop=loop)
    assert isinstance(task, (asyncio.Task, asyncio.Future))
    assert isinstance(task, asyncio.Task)
    assert isinstance(future, asyncio.Future)
    assert not isinstance(future, asyncio.Task)
    assert sys.getsizeof(task) > 0
    await task


def test_gather_inside_a_running_loop_takes_the_loop_of_the_first_future_before_python_3_14(
    loop, loop_factory, aio
):
    other = loop_factory()

    async def start():
        futures = [aio.Future(loop=other) for _ in range(2)]
        coroutine = aio.sleep(0, "slept")
        try:
            gathered = aio.gather(futures[0], coroutine, futures[1])
        except ValueError as error:
            coroutine.close()
            return str(error)
        for number, future in enumerate(futures):
            future.set_result(number)
        return [gathered]

    started = loop.run_until_complete(start())
    if PY >= (3, 14):
        assert "belongs to a different loop" in started
    else:
        assert other.run_until_complete(started[0]) == [0, "slept", 1]
    other.close()


async def test_gather_refuses_a_future_of_another_loop_after_a_coroutine(loop, loop_factory, aio):
    other = loop_factory()
    with pytest.raises(ValueError, match="belongs to a different loop"):
        aio.gather(aio.sleep(0), aio.Future(loop=other))
    await aio.sleep(0)
    other.close()
