"""Functions and classes that run on a loop whose methods a program has replaced, as tracers do."""

import asyncio
import contextlib
import contextvars
import threading
from unittest import mock

import ferrio
import pytest

from tests.harness import wait_until_asleep
from tests.kernel.event_loop.patching import assigned, closing, talk


def counted(names, counts):
    """Has the calls of methods counted."""
    stack = contextlib.ExitStack()
    for name in names:
        counts[name] = 0

        def note(args, name=name):
            counts[name] += 1

        stack.enter_context(assigned(name, note))
    return stack


@pytest.fixture
def functions(loop_name):
    """Where the loop's own functions and classes are."""
    return asyncio if loop_name == "asyncio" else ferrio


# What functions of asyncio's call on the loop, once they wait.
SCHEDULED = {
    "sleep": (lambda aio: aio.sleep(0.01), {"create_future", "call_later", "call_at", "call_soon"}),
    "timeout": (lambda aio: within(aio.timeout(9)), {"call_at"}),
    "wait": (lambda aio: waited_for(aio), {"create_future", "call_later", "call_at", "call_soon"}),
    "wait_for": (lambda aio: aio.wait_for(aio.sleep(0.01), 9), {"create_future", "call_at", "call_later"}),
    "create_task": (lambda aio: awaited(aio.create_task, aio), {"create_task", "call_soon"}),
    "ensure_future": (lambda aio: awaited(aio.ensure_future, aio), {"create_task", "call_soon"}),
    "gather": (lambda aio: aio.gather(aio.sleep(0)), {"create_task", "call_soon"}),
    "shield": (lambda aio: aio.shield(aio.sleep(0)), {"create_task", "create_future", "call_soon"}),
    "TaskGroup": (lambda aio: grouped(aio), {"create_task", "call_soon"}),
    "Event": (lambda aio: locked(aio, aio.Event(), "set"), {"create_future", "call_soon", "call_later"}),
    "Queue": (lambda aio: queued(aio), {"create_future", "call_soon", "call_later"}),
}


async def within(timeout):
    async with timeout:
        pass


async def waited_for(aio):
    task = aio.create_task(aio.sleep(0.01))
    await aio.wait([task], timeout=9)


async def awaited(make, aio):
    await make(aio.sleep(0))


async def grouped(aio):
    async with aio.TaskGroup() as group:
        group.create_task(aio.sleep(0))


async def locked(aio, event, release):
    aio.events.get_running_loop().call_later(0.01, getattr(event, release))
    await event.wait()


async def queued(aio):
    queue = aio.Queue()
    aio.events.get_running_loop().call_later(0.01, queue.put_nowait, 1)
    await queue.get()


@pytest.mark.parametrize("name", SCHEDULED)
def test_functions_and_classes_go_through_patched_methods(loop_factory, process_state, functions, name):
    use, called = SCHEDULED[name]
    for method in sorted(called):
        counts = {}
        with counted([method], counts), closing(loop_factory()) as loop:

            async def main(use=use, method=method, counts=counts):
                await functions.sleep(0)
                counts[method] = 0
                await use(functions)
                return counts[method]

            assert loop.run_until_complete(main()) > 0, method


def test_transports_go_through_a_patched_call_soon(loop_factory, process_state):
    called = []
    with assigned("call_soon", lambda args: called.append(getattr(args[0], "__name__", ""))):
        with closing(loop_factory()) as loop:
            loop.run_until_complete(talk(loop))
    assert {"connection_made", "_call_connection_lost"} <= set(called)


def test_handles_of_patched_methods_can_be_cancelled(loop_factory, process_state):
    counts = {}
    with counted(["call_soon", "call_soon_threadsafe", "call_later", "call_at"], counts):
        with closing(loop_factory()) as loop:
            ran = []
            for handle in (
                loop.call_soon(ran.append, 1),
                loop.call_soon_threadsafe(ran.append, 2),
                loop.call_later(0, ran.append, 3),
                loop.call_at(loop.time(), ran.append, 4),
            ):
                assert not handle.cancelled()
                handle.cancel()
                assert handle.cancelled()
            loop.run_until_complete(asyncio.sleep(0.01))
            assert ran == []
    assert counts["call_soon_threadsafe"] == 1


def test_patched_methods_keep_the_order_and_the_context(loop_factory, process_state):
    variable = contextvars.ContextVar("variable", default=0)
    with counted(["call_soon", "call_soon_threadsafe", "call_later", "call_at"], {}):
        with closing(loop_factory()) as loop:
            ran = []
            context = contextvars.copy_context()
            context.run(variable.set, 1)

            def note(name):
                ran.append((name, variable.get()))

            loop.call_soon(note, "soon", context=context)
            loop.call_soon_threadsafe(note, "thread-safe", context=context)
            now = loop.time()
            loop.call_at(now + 0.02, note, "at", context=context)
            loop.call_later(0.01, note, "later", context=context)
            loop.call_soon(note, "last")
            loop.run_until_complete(asyncio.sleep(0.03))
    names = ["soon", "thread-safe", "last", "later", "at"]
    assert ran == [(name, int(name != "last")) for name in names]


def test_a_replacement_may_use_the_private_method_that_asyncio_uses(loop_factory, process_state):
    """Programs have copies of asyncio's code that leave parts out."""

    def call_soon(self, callback, *args, context=None):
        handle = self._call_soon(callback, args, context)
        if handle._source_traceback:
            del handle._source_traceback[-1]
        return handle

    with mock.patch.object(asyncio.BaseEventLoop, "call_soon", call_soon), closing(loop_factory()) as loop:
        assert loop.run_until_complete(asyncio.sleep(0.001, "slept")) == "slept"


def test_anybody_may_wake_the_loop_up_by_the_private_method(loop, run):
    """From other threads, while it waits for nothing else."""
    future = loop.create_future()

    def wake():
        wait_until_asleep(main)
        loop._ready.append(asyncio.Handle(future.set_result, ("woken",), loop))
        loop._write_to_self()

    main = threading.get_native_id()
    thread = threading.Thread(target=wake)
    thread.start()
    assert run(future) == "woken"
    thread.join()


def test_tasks_of_a_patched_create_task_are_the_loops_own(loop_factory, process_state, functions):
    async def main():
        task = asyncio.get_running_loop().create_task(asyncio.sleep(0), name="name")
        await task
        return type(task), task.get_name()

    with assigned("create_task", lambda args: None), closing(loop_factory()) as loop:
        assert loop.get_task_factory() is None
        assert loop.run_until_complete(main()) == (functions.Task, "name")


def test_task_factories_are_obeyed_behind_a_patched_create_task(loop_factory, process_state):
    made = []

    def factory(loop, coro, **kwargs):
        made.append(coro.__name__)
        return asyncio.Task(coro, loop=loop, **kwargs)

    async def main():
        await asyncio.get_running_loop().create_task(asyncio.sleep(0))

    with assigned("create_task", lambda args: None), closing(loop_factory()) as loop:
        loop.set_task_factory(factory)
        assert loop.get_task_factory() is factory
        loop.run_until_complete(main())
    assert made == ["main", "sleep"]


def test_a_subclass_reaches_patched_methods_by_super(loop_factory, process_state):
    with closing(loop_factory()) as loop:
        kind = type(loop)
    calls = []

    class Own(kind):
        def call_soon(self, callback, *args, context=None):
            calls.append("subclass")
            return super().call_soon(callback, *args, context=context)

    with assigned("call_soon", lambda args: calls.append("patch")), closing(Own()) as loop:
        loop.call_soon(calls.append, "ran")
        loop.run_until_complete(asyncio.sleep(0))
    assert calls[:2] == ["subclass", "patch"]


def test_a_method_that_a_class_gets_later_is_found_again(loop_factory, process_state):
    """`loop.__class__ = ...`, by which mixins are put over a loop that exists."""
    with closing(loop_factory()) as loop:
        calls = []

        class Own(type(loop)):
            def call_soon(self, callback, *args, context=None):
                calls.append(callback)
                return super().call_soon(callback, *args, context=context)

            def time(self):
                return super().time() + 1000

        before = loop.time()
        own = type(loop)
        loop.__class__ = Own
        assert loop.time() > before + 999
        loop.run_until_complete(asyncio.sleep(0.001))
        assert calls
        loop.__class__ = own
        calls.clear()
        assert loop.run_until_complete(asyncio.sleep(0.001, "slept")) == "slept"
        assert not calls
