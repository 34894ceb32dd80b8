"""Which task is the current one, as everything sees it that can run between two steps."""

import asyncio
import gc
import logging
import re
import signal
import threading
import weakref

import ferrio
import pytest

from tests.harness import turn, wait_until_asleep


@pytest.fixture
def current(loop):
    """The task that asyncio says is the current one."""
    return lambda: asyncio.current_task(loop)


async def give_way(times=3):
    for _ in range(times):
        await asyncio.sleep(0)


def test_it_is_each_task_in_its_steps_and_none_in_callbacks_between_them(loop, current):
    seen = []

    async def program(number):
        me = asyncio.current_task()
        for _ in range(4):
            loop.call_soon(lambda: seen.append((number, current())))
            await asyncio.sleep(0)
            assert current() is asyncio.current_task() is me

    tasks = [loop.create_task(program(number)) for number in range(3)]
    loop.run_until_complete(asyncio.wait(tasks))
    turn(loop)
    assert all(task.result() is None for task in tasks)
    assert seen == [(number, None) for _ in range(4) for number in range(3)]


def test_it_is_none_when_the_loop_has_stopped_after_a_step(loop, current):
    task = loop.create_task(give_way())
    while not task.done():
        turn(loop)
        assert current() is None


def test_it_is_none_for_finalizers_of_what_a_step_has_left(loop, current):
    class Left:
        pass

    seen = []

    async def program():
        left = Left()
        weakref.finalize(left, lambda: seen.append(current()))
        asyncio.current_task().left = left
        del left
        await asyncio.sleep(0)

    loop.create_task(give_way(5))
    loop.create_task(program())
    loop.create_task(give_way(5))
    for _ in range(7):
        turn(loop)
    gc.collect()
    assert seen == [None]


def test_it_is_none_for_the_clock_of_a_subclass(loop):
    seen = []

    class Loop(type(loop)):
        def time(self):
            if self.is_running():
                seen.append(asyncio.current_task(self))
            return super().time()

    other = Loop()
    other.call_later(0.0001, int)
    other.run_until_complete(asyncio.wait([other.create_task(give_way()) for _ in range(2)]))
    other.close()
    assert set(seen) == {None}


def test_it_is_none_for_another_thread_while_the_loop_waits(loop, current):
    seen = []
    me = threading.get_native_id()

    async def program():
        await give_way()
        thread = threading.Thread(target=ask)
        thread.start()
        threads.append(thread)
        await done

    def ask():
        wait_until_asleep(me)
        seen.append(current())
        loop.call_soon_threadsafe(done.set_result, None)

    threads, done = [], loop.create_future()
    loop.run_until_complete(asyncio.wait([loop.create_task(program()), loop.create_task(give_way(20))]))
    threads[0].join()
    assert seen == [None]


def test_it_is_none_for_signal_handlers_of_the_loop(loop, current):
    seen = []

    async def program():
        loop.add_signal_handler(signal.SIGUSR1, lambda: seen.append(current()))
        signal.raise_signal(signal.SIGUSR1)
        await give_way(300)
        loop.remove_signal_handler(signal.SIGUSR1)

    loop.run_until_complete(asyncio.wait([loop.create_task(program()), loop.create_task(give_way(300))]))
    assert seen == [None]


def test_it_is_none_when_debug_mode_reports_a_slow_step(loop, current, caplog):
    seen = []

    async def program(times):
        for _ in range(times):
            await asyncio.sleep(0)
            if asyncio.current_task().get_name() == "slow":
                loop.set_debug(True)

    loop.slow_callback_duration = -1
    tasks = [loop.create_task(program(4), name=name) for name in ("one", "slow", "three")]

    def look(record):
        seen.append(current())
        return True

    logging.getLogger("asyncio").addFilter(look)
    try:
        loop.run_until_complete(asyncio.wait(tasks))
    finally:
        logging.getLogger("asyncio").removeFilter(look)
        loop.set_debug(False)
    assert seen
    assert set(seen) == {None}


def test_a_step_is_refused_while_another_task_is_current(loop, errors):
    other = asyncio.Future(loop=loop)
    loop.call_soon(asyncio.tasks._enter_task, loop, other)
    task = loop.create_task(give_way(1))
    loop.call_soon(asyncio.tasks._leave_task, loop, other)
    turn(loop)
    assert "Cannot enter into task" in str(errors.take()[0]["exception"])
    assert not task.done()
    task._log_destroy_pending = False
    task.get_coro().close()


def test_a_step_that_leaves_itself_is_told_so(loop, errors):
    async def program():
        asyncio.tasks._leave_task(loop, asyncio.current_task())
        await asyncio.sleep(0)

    task = loop.create_task(program())
    turn(loop)
    turn(loop)
    text = str(errors.take()[0]["exception"])
    assert re.search("(Leaving|leave) task .* task None", text)
    task._log_destroy_pending = False


def test_cancelled_and_finished_tasks_do_not_stay(loop, current):
    seen = []

    async def program():
        try:
            await give_way(10)
        finally:
            seen.append(current() is asyncio.current_task())

    tasks = [loop.create_task(program()) for _ in range(3)]
    turn(loop)
    for task in tasks:
        task.add_done_callback(lambda _: seen.append(current()))
        task.cancel()
    turn(loop)
    assert current() is None
    turn(loop)
    assert seen == [True] * 3 + [None] * 3


def test_it_is_none_after_an_iteration_that_somebody_else_has_run(loop, current):
    seen = []

    def nested():
        loop._run_once()
        seen.append(current())

    task = loop.create_task(give_way(5))
    loop.call_soon(nested)
    turn(loop)
    asyncio._set_running_loop(loop)
    try:
        while not task.done():
            loop.call_soon(lambda: None)  # asyncio's would wait for the selector
            loop._run_once()
            seen.append(current())
    finally:
        asyncio._set_running_loop(None)
    assert set(seen) == {None}


async def test_there_is_none_while_no_loop_runs(loop):
    asyncio._set_running_loop(None)
    try:
        for current_task in (asyncio.current_task, ferrio.current_task):
            with pytest.raises(RuntimeError, match="no running event loop"):
                current_task()
    finally:
        asyncio._set_running_loop(loop)
    assert ferrio.current_task() is asyncio.current_task() is not None
