"""Debug mode: slow callbacks, wrong threads, wrong callbacks, and where things were made."""

import asyncio
import functools
import logging
import re
import sys
import time

import pytest

from tests.harness import turn

WRONG_THREAD = r"^Non-thread-safe operation invoked on an event loop other than the current one$"


@pytest.fixture
def debug(loop):
    loop.set_debug(True)
    return loop


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="asyncio")
    return caplog


async def coroutine_function():
    pass


class AsyncCallable:
    async def __call__(self):
        pass


def test_debug_mode_is_set_and_told(loop):
    assert loop.set_debug(True) is None
    assert loop.get_debug() is True
    assert "debug=True" in repr(loop)
    loop.set_debug(False)
    assert loop.get_debug() is False


def test_the_environment_switches_debug_mode_on(script):
    code = "loop = new_loop(); print(loop.get_debug()); loop.close()"
    assert script(code) == "False"
    assert script(code, PYTHONASYNCIODEBUG="1") == "True"
    assert script(code, "-X", "dev") == "True"
    assert script(code, "-E", "-c", "", PYTHONASYNCIODEBUG="1") == ""


def test_a_callback_is_slow_from_a_tenth_of_a_second_by_default(loop):
    assert loop.slow_callback_duration == 0.1


def test_a_slow_callback_is_logged(debug, log):
    debug.slow_callback_duration = 0.01

    def slow():
        time.sleep(0.011)

    debug.call_soon(slow)
    debug.call_soon(int)
    turn(debug)
    (record,) = log.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("Executing <Handle ")
    assert "slow() " in record.getMessage()
    assert record.getMessage().endswith(" seconds")


def test_a_slow_task_step_is_logged_as_the_task(debug, log):
    debug.slow_callback_duration = 0.01

    async def slow():
        time.sleep(0.011)

    debug.run_until_complete(asyncio.wait_for(debug.create_task(slow(), name="sluggish"), None))
    (record,) = log.records
    assert record.getMessage().startswith("Executing <Task ")
    assert "name='sluggish'" in record.getMessage()


def test_everything_is_slow_that_takes_no_less_than_nothing(debug, log):
    debug.slow_callback_duration = 0.0

    async def main():
        pass

    debug.run_until_complete(debug.create_task(main(), name="quick"))
    messages = [record.getMessage() for record in log.records]
    assert len(messages) == 2
    assert messages[0].startswith("Executing <Task finished name='quick' coro=<")
    assert messages[1].startswith("Executing <Handle ")
    assert all(re.search(r" took \d+\.\d{3} seconds$", message) for message in messages)


def test_nothing_is_called_slow_outside_debug_mode(loop, log):
    loop.slow_callback_duration = 0
    loop.call_soon(int)
    turn(loop)
    assert log.records == []


def test_a_slow_callback_that_cancels_its_handle_is_logged_with_its_name(debug, log):
    debug.slow_callback_duration = 0.01

    def slow():
        handle.cancel()
        time.sleep(0.011)

    handle = debug.call_soon(slow)
    turn(debug)
    assert "slow() " in log.records[0].getMessage()


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda loop: loop.call_soon(int), id="call_soon"),
        pytest.param(lambda loop: loop.call_later(0, int), id="call_later"),
        pytest.param(lambda loop: loop.call_at(0, int), id="call_at"),
    ],
)
def test_calls_from_the_wrong_thread_are_refused_while_the_loop_runs(debug, call):
    async def main():
        with pytest.raises(RuntimeError, match=WRONG_THREAD):
            await asyncio.to_thread(call, debug)

    debug.run_until_complete(main())


def test_call_soon_threadsafe_is_allowed_from_any_thread(debug):
    ran = []

    async def main():
        await asyncio.to_thread(debug.call_soon_threadsafe, ran.append, 1)

    debug.run_until_complete(main())
    assert ran == [1]


def test_the_wrong_thread_is_not_noticed_outside_debug_mode_or_when_the_loop_does_not_run(loop):
    async def main():
        await asyncio.to_thread(loop.call_later, 0, int)

    loop.run_until_complete(main())
    loop.set_debug(True)
    loop.call_soon(int)
    turn(loop)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("call_soon", "call_soon"),
        ("call_soon_threadsafe", "call_soon_threadsafe"),
        ("call_later", "call_at"),
        ("call_at", "call_at"),
        ("run_in_executor", "run_in_executor"),
    ],
)
def test_coroutine_functions_and_things_not_callable_are_refused(debug, method, name):
    def call(callback):
        before = {"call_later": (0,), "call_at": (0,), "run_in_executor": (None,)}.get(method, ())
        return getattr(debug, method)(*before, callback)

    with pytest.raises(TypeError, match=rf"^coroutines cannot be used with {name}\(\)$"):
        call(coroutine_function)
    coroutine = coroutine_function()
    with pytest.raises(TypeError, match=rf"^coroutines cannot be used with {name}\(\)$"):
        call(coroutine)
    coroutine.close()
    with pytest.raises(
        TypeError, match=rf"^a callable object was expected by {name}\(\), got 'not callable'$"
    ):
        call("not callable")


def test_a_partial_of_a_coroutine_function_is_refused_and_an_object_is_not_looked_into(debug):
    with pytest.raises(TypeError, match=r"^coroutines cannot be used with call_soon\(\)$"):
        debug.call_soon(functools.partial(coroutine_function))
    debug.call_soon(AsyncCallable()).cancel()


def this_line():
    return sys._getframe(1).f_lineno


@pytest.mark.parametrize("method", ["call_soon", "call_soon_threadsafe", "call_later", "call_at"])
def test_a_handle_knows_the_line_that_made_it(debug, method):
    args = (1e9,) if method in ("call_later", "call_at") else ()
    handle, line = getattr(debug, method)(*args, int), this_line()
    assert handle._source_traceback[-1].lineno == line
    assert handle._source_traceback[-1].filename == __file__
    assert repr(handle).endswith(f" created at {__file__}:{line}>")
    handle.cancel()


def test_a_handle_keeps_its_repr_when_it_is_cancelled(debug):
    handle, line = debug.call_soon(turn, 1, 2), this_line()
    handle.cancel()
    assert repr(handle).startswith("<Handle cancelled turn(1, 2) at ")
    assert repr(handle).endswith(f" created at {__file__}:{line}>")


def test_handles_do_not_know_where_they_were_made_outside_debug_mode(loop):
    handle = loop.call_soon(int)
    assert not handle._source_traceback
    assert "created at" not in repr(handle)
    handle.cancel()


def test_the_exception_handler_is_told_where_the_callback_was_made(debug, errors):
    debug.call_soon(lambda: 1 / 0)
    line = this_line() - 1
    turn(debug)
    context = errors.take_one()
    assert context["source_traceback"][-1].lineno == line
    assert "created at" not in context["message"]


def test_futures_and_tasks_know_where_they_were_made(debug):
    future, line = debug.create_future(), this_line()
    assert line in [frame.lineno for frame in future._source_traceback[-2:] if frame.filename == __file__]
    task, line = debug.create_task(coroutine_function()), this_line()
    assert task._source_traceback[-1].lineno == line
    debug.run_until_complete(task)


def test_coroutines_know_where_they_were_made_only_while_the_loop_runs(debug):
    depths = []
    before = sys.get_coroutine_origin_tracking_depth()
    debug.call_soon(lambda: depths.append(sys.get_coroutine_origin_tracking_depth()))
    turn(debug)
    assert depths[0] > before
    assert sys.get_coroutine_origin_tracking_depth() == before


def test_switching_debug_mode_inside_the_loop_takes_effect_in_the_next_iteration(loop):
    async def main():
        depths = []
        for enabled in (True, False):
            loop.set_debug(enabled)
            await asyncio.sleep(0)
            depths.append(sys.get_coroutine_origin_tracking_depth())
        return depths

    on, off = loop.run_until_complete(main())
    assert on > 0
    assert off == 0


def test_the_loop_runs_everything_in_debug_mode_as_it_does_otherwise(debug):
    ran = []

    async def main():
        debug.call_soon(ran.append, "soon")
        debug.call_later(0, ran.append, "timer")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.to_thread(ran.append, "thread")
        return "result"

    assert debug.run_until_complete(main()) == "result"
    assert ran == ["soon", "timer", "thread"]
