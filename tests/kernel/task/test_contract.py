"""Native tasks and futures look like asyncio's: classes, attributes, representations."""

import asyncio
import gc
import pickle
import weakref

import ferrio
import pytest

pytestmark = pytest.mark.ferrio_only


async def test_they_are_instances_of_asyncio_s_classes(loop):
    task = asyncio.current_task()
    assert type(task) is ferrio.Task
    assert isinstance(task, asyncio.Task)
    assert isinstance(task, asyncio.Future)
    assert isinstance(loop.create_future(), asyncio.Future)
    assert not isinstance(loop.create_future(), asyncio.Task)
    assert asyncio.isfuture(task)


async def test_the_standard_library_sees_them(loop):
    task = asyncio.create_task(asyncio.sleep(0))
    assert asyncio.all_tasks() == {task, asyncio.current_task()}
    assert asyncio.ensure_future(task) is task
    await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_c_tasks_and_futures_mix_with_native_ones(loop):
    c_future = asyncio.Future(loop=loop)
    c_task = asyncio.Task(wait_for_future(loop.create_future(), loop), loop=loop)
    assert type(c_future) is not ferrio.Future
    assert type(c_task) is not ferrio.Task
    loop.call_soon(c_future.set_result, "from a C future")
    assert await c_future == "from a C future"
    assert await c_task == "from a native future"
    assert await asyncio.create_task(await_it(asyncio.Task(asyncio.sleep(0, 3), loop=loop))) == 3


async def wait_for_future(future, loop):
    loop.call_soon(future.set_result, "from a native future")
    return await future


async def await_it(awaitable):
    return await awaitable


async def test_attributes_of_one_s_own(loop):
    for thing in (loop.create_future(), asyncio.current_task()):
        thing.label = "mine"
        assert thing.label == "mine"
        assert thing.__dict__ == {"label": "mine"}
        del thing.label
        with pytest.raises(AttributeError):
            _ = thing.label


async def test_weak_references_and_cycles(loop):
    future = loop.create_future()
    future.itself = future
    reference = weakref.ref(future)
    del future
    gc.collect()
    assert reference() is None


async def test_pickling_is_refused(loop):
    for thing in (loop.create_future(), asyncio.current_task()):
        with pytest.raises(TypeError):
            pickle.dumps(thing)


async def test_awaiting_a_finished_future_does_not_suspend(loop):
    future = loop.create_future()
    future.set_result("result")
    ran = []
    loop.call_soon(ran.append, 1)
    assert await future == "result"
    assert ran == []


async def test_a_chain_of_tasks_that_is_cancelled_or_dropped_needs_no_stack(loop):
    last = loop.create_future()
    for _ in range(100_000):
        last = asyncio.create_task(await_it(last))
    await asyncio.sleep(0)
    last.cancel()
    with pytest.raises(asyncio.CancelledError):
        await last


def test_a_chain_of_pending_tasks_can_go_away(loop):
    async def chain():
        last = loop.create_future()
        for _ in range(100_000):
            last = asyncio.create_task(await_it(last))
            last._log_destroy_pending = False
        await asyncio.sleep(0)

    loop.run_until_complete(chain())
    gc.collect()
    assert asyncio.all_tasks(loop) == set()


async def test_tasks_that_wait_for_each_other_cannot_be_cancelled_but_say_so(loop):
    tasks = []

    async def wait_for_next(number):
        await tasks[(number + 1) % 3]

    tasks += [asyncio.create_task(wait_for_next(number)) for number in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(RecursionError, match="waits for itself"):
        tasks[0].cancel()
    for task in tasks:
        task._log_destroy_pending = False


def test_accelerate_and_restore(script):
    output = script(
        """
        import asyncio, ferrio
        before = {name: getattr(asyncio, name) for name in dir(asyncio)}
        ferrio.accelerate()
        assert asyncio.gather is ferrio.gather
        assert asyncio.tasks.sleep is ferrio.sleep
        ferrio.accelerate()
        ferrio.restore()
        assert {name: getattr(asyncio, name) for name in dir(asyncio)} == before
        assert asyncio.tasks.sleep is before["sleep"]
        print("as it was")
        """
    )
    assert output == "as it was"


def test_asyncio_sees_tasks_on_its_own_loop_also_if_there_never_was_another(script):
    output = script(
        """
        import asyncio, ferrio

        async def main():
            task = ferrio.Task(asyncio.sleep(0), loop=asyncio.get_running_loop())
            assert asyncio.all_tasks() == {task, asyncio.current_task()}
            await task
            print("seen")

        loop = asyncio.SelectorEventLoop()
        loop.run_until_complete(main())
        loop.close()
        """
    )
    assert output == "seen"


@pytest.mark.parametrize("factory", [asyncio.SelectorEventLoop, ferrio.new_event_loop])
def test_they_work_on_any_loop(loop_name, factory):
    async def main():
        event_loop = asyncio.get_running_loop()
        task = ferrio.Task(ferrio.sleep(0.001, "slept"), loop=event_loop)
        assert await task == "slept"
        assert await ferrio.gather(ferrio.sleep(0, 1), ferrio.Task(ferrio.sleep(0, 2))) == [1, 2]
        with pytest.raises(TimeoutError):
            async with ferrio.timeout(0.001):
                await ferrio.sleep(10)
        async with ferrio.TaskGroup() as group:
            child = group.create_task(ferrio.sleep(0.001, "child"))
        assert child.result() == "child"
        done, pending = await ferrio.wait([child], timeout=1)
        assert (done, pending) == ({child}, set())

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


async def test_gather_takes_anything_true_or_false(loop, aio):
    async def fail():
        raise LookupError

    for true in (1, "yes", [None]):
        (error,) = await aio.gather(fail(), return_exceptions=true)
        assert isinstance(error, LookupError)
    for false in (0, None, ()):
        with pytest.raises(LookupError):
            await aio.gather(fail(), return_exceptions=false)
