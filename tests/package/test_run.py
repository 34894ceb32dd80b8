"""`run`, `Runner`, `new_event_loop`, the policy, and the classes of their objects. Only ferrio can pass this file."""

import asyncio
import contextvars
import gc

import pytest

from tests.harness import PY, Recorder, socket_pair

pytestmark = pytest.mark.ferrio_only


@pytest.fixture
def ferrio(loop_name):
    import ferrio

    return ferrio


def test_the_objects_are_instances_of_the_standard_librarys_classes(loop):
    handle, timer = loop.call_soon(print), loop.call_later(1000, print)
    assert isinstance(loop, asyncio.AbstractEventLoop)
    assert isinstance(handle, asyncio.Handle)
    assert isinstance(timer, asyncio.TimerHandle)
    assert isinstance(timer, asyncio.Handle)
    assert not isinstance(handle, asyncio.TimerHandle)
    handle.cancel()
    timer.cancel()


async def test_transports_and_servers_are_instances_of_the_standard_librarys_classes(loop):
    with socket_pair() as (ours, _):
        transport, protocol = await loop.create_connection(Recorder, sock=ours)
        for kind in (asyncio.BaseTransport, asyncio.ReadTransport, asyncio.WriteTransport, asyncio.Transport):
            assert isinstance(transport, kind)
        transport.close()
        await protocol.lost()
    async with await loop.create_server(Recorder, "127.0.0.1", 0) as server:
        assert isinstance(server, asyncio.AbstractServer)


async def test_tasks_and_futures_are_instances_of_the_standard_librarys_classes(loop):
    future = loop.create_future()
    task = loop.create_task(asyncio.sleep(0))
    assert isinstance(future, asyncio.Future)
    assert isinstance(task, asyncio.Task)
    assert isinstance(task, asyncio.Future)
    assert asyncio.isfuture(future)
    assert asyncio.isfuture(task)
    assert task in asyncio.all_tasks()
    assert asyncio.current_task() in asyncio.all_tasks()
    await task


def test_new_event_loop_makes_a_loop_that_is_not_running(ferrio):
    loop = ferrio.new_event_loop()
    assert isinstance(loop, ferrio.Loop)
    assert not loop.is_running()
    other = ferrio.new_event_loop()
    assert other is not loop
    loop.close()
    other.close()


def test_run_returns_the_result_and_uses_the_loop(ferrio, process_state):
    async def main():
        return type(asyncio.get_running_loop())

    assert ferrio.run(main()) is ferrio.Loop


def test_run_raises_what_the_coroutine_raises(ferrio, process_state):
    exc = LookupError("argument")

    async def main():
        raise exc

    with pytest.raises(LookupError) as caught:
        ferrio.run(main())
    assert caught.value is exc


@pytest.mark.parametrize("debug", [None, True, False])
def test_run_sets_debug_mode_if_asked_to(ferrio, process_state, debug):
    async def main():
        return asyncio.get_running_loop().get_debug()

    assert ferrio.run(main(), debug=debug) is bool(debug)


def test_run_cleans_up(ferrio, process_state):
    closed, cancelled = [], []

    async def generator():
        try:
            yield 1
        finally:
            closed.append(True)

    async def background():
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def main():
        numbers = generator()
        await numbers.__anext__()
        task = asyncio.create_task(background())
        await asyncio.sleep(0)
        await asyncio.to_thread(int)
        return asyncio.get_running_loop(), numbers, task

    loop, _, task = ferrio.run(main())
    assert loop.is_closed()
    assert closed == cancelled == [True]
    assert task.cancelled()


@pytest.mark.parametrize("name", ["asyncio", "ferrio"])
def test_the_loop_of_run_is_the_current_one_meanwhile(script, name):
    code = f"""
        import {name} as names

        async def main():
            assert asyncio.get_event_loop_policy().get_event_loop() is asyncio.get_running_loop()

        names.run(main())
        with names.Runner() as runner:
            runner.run(main())
            runner.run(main())
        try:
            asyncio.get_event_loop()
        except RuntimeError:
            print("none")
        with names.Runner(loop_factory=new_loop) as runner:
            assert asyncio.get_event_loop_policy()._local._loop is None
    """
    with script.start(code, "-W", "ignore") as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out.strip(), err) == (0, "none", "")


def test_run_inside_a_running_loop_is_refused(ferrio, loop):
    async def main():
        coroutine = asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="cannot be called from a running event loop"):
            ferrio.run(coroutine)
        coroutine.close()

    loop.run_until_complete(main())


@pytest.mark.parametrize("thing", [None, 42, print])
def test_run_refuses_what_is_no_coroutine(ferrio, process_state, thing):
    with pytest.raises(TypeError if PY >= (3, 14) else ValueError):
        ferrio.run(thing)


def test_the_standard_librarys_runner_takes_it_as_loop_factory(ferrio, process_state):
    variable = contextvars.ContextVar("variable", default="unset")

    async def main(value):
        before = variable.get()
        variable.set(value)
        return type(asyncio.get_running_loop()), before

    with asyncio.Runner(loop_factory=ferrio.new_event_loop) as runner:
        assert isinstance(runner.get_loop(), ferrio.Loop)
        assert runner.run(main("one")) == (ferrio.Loop, "unset")
        assert runner.run(main("two")) == (ferrio.Loop, "one")


def test_classes_of_loops_transports_and_servers_can_be_referenced_and_documented(ferrio):
    for name in ferrio.__all__:
        assert hasattr(ferrio, name), name
    for kind in (
        ferrio.Loop,
        ferrio.EventLoopPolicy,
        ferrio.run,
        ferrio.new_event_loop,
        ferrio.install,
        ferrio.uninstall,
    ):
        assert kind.__doc__
        assert kind.__module__.startswith("ferrio")


def test_a_policy_makes_its_loops(ferrio):
    policy = ferrio.EventLoopPolicy()
    loop = policy.new_event_loop()
    assert isinstance(loop, ferrio.Loop)
    policy.set_event_loop(loop)
    assert policy.get_event_loop() is loop
    policy.set_event_loop(None)
    loop.close()
    gc.collect()
