"""Loops that run inside something else, which replaces the functions by which asyncio finds the running loop and task.

trio_asyncio does: its loops run inside Trio, and CPython knows of no running loop there. A program with it is in
`tests/apps/trio_asyncio_program.py`; here the functions are replaced by hand, and nothing runs.
"""

import asyncio
import contextlib
from unittest import mock

import ferrio
import pytest

from tests.harness import PY

# The name by which asyncio's own functions know it.
GET_EVENT_LOOP = "get_event_loop" if PY >= (3, 12) else "_get_event_loop"


@pytest.fixture
def functions(loop_name):
    """Where the loop's own functions and classes are."""
    return asyncio if loop_name == "asyncio" else ferrio


@pytest.fixture
def task(loop):
    """A task of the loop, which the host says is the current one."""
    task = loop.create_task(asyncio.sleep(3600))
    yield task
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))


@contextlib.contextmanager
def replaced(loop, task=None):
    """The functions that a host replaces."""

    def get_loop(stacklevel=3):
        return loop

    def current_task(loop=None):
        return task

    with contextlib.ExitStack() as stack:
        for name in ("get_running_loop", "_get_running_loop", GET_EVENT_LOOP):
            stack.enter_context(mock.patch.object(asyncio.events, name, get_loop))
        stack.enter_context(mock.patch.object(asyncio.tasks, "current_task", current_task))
        yield


class Found(Exception):
    """A loop was asked for something."""


def begin(coro):
    """Run a coroutine until it waits, and return the future that it waits for."""
    future = coro.send(None)
    future._asyncio_future_blocking = False
    return future, coro


def end(coro):
    """Run a coroutine that does not wait to its end."""
    with pytest.raises(StopIteration) as caught:
        coro.send(None)
    return caught.value.value


def loop_of_wait(coro):
    future, coro = begin(coro)
    try:
        return future.get_loop()
    finally:
        coro.close()


def loop_of_future(future):
    future.add_done_callback(lambda future: future.cancelled() or future.exception())
    try:
        return future.get_loop()
    finally:
        future.cancel()


def loop_of_lock(aio):
    lock = aio.Lock()
    end(lock.acquire())
    return loop_of_wait(lock.acquire())


def loop_of_condition(aio):
    condition = aio.Condition()
    end(condition.acquire())
    return loop_of_wait(condition.wait())


def loop_of_put(aio):
    queue = aio.Queue(1)
    queue.put_nowait(1)
    return loop_of_wait(queue.put(2))


def loop_of_join(aio):
    queue = aio.Queue()
    queue.put_nowait(1)
    return loop_of_wait(queue.join())


def loop_of_group(aio):
    group = aio.TaskGroup()
    end(group.__aenter__())
    task = group.create_task(aio.sleep(0))
    try:
        return task.get_loop()
    finally:
        task.cancel()


def loop_of_first_completed(aio):
    future = asyncio.events.get_running_loop().create_future()
    (waiting,) = [next(iter(aio.as_completed([future])))]
    return loop_of_wait(waiting)


def loop_of_answer(coro):
    """The loop that a function of streams asks to connect or to listen."""
    with pytest.raises(Found) as caught:
        coro.send(None)
    return caught.value.args[0]


USES = {
    "sleep": lambda aio: loop_of_wait(aio.sleep(3600)),
    "wait": lambda aio: loop_of_wait(aio.wait([asyncio.events.get_running_loop().create_future()])),
    "wait with a timeout": lambda aio: loop_of_wait(
        aio.wait([asyncio.events.get_running_loop().create_future()], timeout=3600)
    ),
    "wait_for": lambda aio: loop_of_wait(aio.wait_for(aio.Event().wait(), None)),
    "create_task": lambda aio: loop_of_future(aio.create_task(aio.sleep(0))),
    "ensure_future": lambda aio: loop_of_future(aio.ensure_future(aio.sleep(0))),
    "gather": lambda aio: loop_of_future(aio.gather(aio.sleep(0), aio.sleep(0))),
    "gather of nothing": lambda aio: loop_of_future(aio.gather()),
    "shield": lambda aio: loop_of_future(aio.shield(aio.sleep(0))),
    "as_completed": loop_of_first_completed,
    "TaskGroup": loop_of_group,
    "Lock": loop_of_lock,
    "Event": lambda aio: loop_of_wait(aio.Event().wait()),
    "Condition": loop_of_condition,
    "Semaphore": lambda aio: loop_of_wait(aio.Semaphore(0).acquire()),
    "BoundedSemaphore": lambda aio: loop_of_wait(aio.BoundedSemaphore(0).acquire()),
    "Barrier": lambda aio: loop_of_wait(aio.Barrier(2).wait()),
    "Queue.get": lambda aio: loop_of_wait(aio.Queue().get()),
    "Queue.put": loop_of_put,
    "Queue.join": loop_of_join,
    "PriorityQueue": lambda aio: loop_of_wait(aio.PriorityQueue().get()),
    "LifoQueue": lambda aio: loop_of_wait(aio.LifoQueue().get()),
    "StreamReader": lambda aio: aio.StreamReader()._loop,
    "open_connection": lambda aio: loop_of_answer(aio.open_connection("127.0.0.1", 9)),
    "start_server": lambda aio: loop_of_answer(aio.start_server(print, "127.0.0.1", 0)),
    "open_unix_connection": lambda aio: loop_of_answer(aio.open_unix_connection("/nowhere")),
    "start_unix_server": lambda aio: loop_of_answer(aio.start_unix_server(print, "/nowhere")),
    "create_subprocess_exec": lambda aio: loop_of_answer(aio.create_subprocess_exec("true")),
    "create_subprocess_shell": lambda aio: loop_of_answer(aio.create_subprocess_shell("true")),
}
ASKED = (
    "create_connection",
    "create_server",
    "create_unix_connection",
    "create_unix_server",
    "subprocess_exec",
    "subprocess_shell",
)


@pytest.mark.parametrize("name", USES)
def test_what_needs_the_running_loop_finds_the_hosts(loop, functions, task, name):
    with contextlib.ExitStack() as stack:
        for method in ASKED:
            stack.enter_context(mock.patch.object(loop, method, mock.Mock(side_effect=Found(loop))))
        with replaced(loop, task):
            assert USES[name](functions) is loop
    # What was begun ends.
    loop.run_until_complete(asyncio.sleep(0))


@pytest.mark.parametrize("name", ["sleep", "wait_for", "create_task", "Event", "TaskGroup"])
def test_afterwards_there_is_no_running_loop(loop, functions, task, name):
    with replaced(loop, task):
        assert USES[name](functions) is loop
    with pytest.raises(RuntimeError, match="no running event loop"):
        coro = functions.sleep(1)
        try:
            coro.send(None)
        finally:
            coro.close()
    loop.run_until_complete(functions.sleep(0))


def test_a_host_that_has_no_loop_now_is_believed(loop, functions):
    """Inside a running loop as well: code of the host's own may run there."""

    def no_loop():
        raise RuntimeError("no running event loop: the host says so")

    async def main():
        with mock.patch.object(asyncio.events, "get_running_loop", no_loop):
            with pytest.raises(RuntimeError, match="the host says so"):
                await functions.sleep(1)
            with pytest.raises(RuntimeError, match="the host says so"):
                functions.timeout(1)
        return await functions.sleep(0.001, "slept")

    assert loop.run_until_complete(main()) == "slept"


def test_timeouts_are_the_hosts(loop, functions, task):
    with replaced(loop, task):
        timeout = functions.timeout(3600)
        assert abs(timeout.when() - loop.time() - 3600) < 60
        end(timeout.__aenter__())
        timeout.reschedule(loop.time() - 1)
    loop.run_until_complete(asyncio.wait([task]))
    assert task.cancelled()
    assert timeout.expired()


def test_the_current_task_is_the_hosts(loop, functions, task):
    """As asyncio's own functions see it: `asyncio.current_task` is another name, which hosts replace, too."""
    with replaced(loop, task):
        group = functions.TaskGroup()
        end(group.__aenter__())
        assert group._parent_task is task
        assert not group._tasks
    with replaced(loop, None), pytest.raises(RuntimeError, match="cannot determine the parent task"):
        functions.TaskGroup().__aenter__().send(None)


def test_a_loop_does_not_run_inside_the_hosts(loop, functions, task):
    with replaced(loop, task), pytest.raises(RuntimeError, match="another loop is running"):
        loop.run_forever()
    with replaced(loop, task), pytest.raises(RuntimeError, match=r"cannot be called (from|when)"):
        coro = functions.sleep(0)
        try:
            functions.run(coro)
        finally:
            coro.close()


def test_a_host_is_told_which_loop_runs(loop):
    told = []
    own = asyncio._set_running_loop

    def set_running_loop(event_loop):
        told.append(event_loop)
        own(event_loop)

    with mock.patch.object(asyncio.events, "_set_running_loop", set_running_loop):
        loop.run_until_complete(asyncio.sleep(0))
    assert told == [loop, None]


@pytest.mark.ferrio_only
def test_the_native_current_task_goes_on_for_a_host_that_has_replaced_it(loop, task):
    """A host's function calls what it has replaced, which after accelerate() is ferrio's."""
    own = ferrio.current_task
    with replaced(loop), mock.patch.object(asyncio.tasks, "current_task", lambda loop=None: own(loop)):
        assert ferrio.current_task(loop) is None
        assert ferrio.current_task() is None
