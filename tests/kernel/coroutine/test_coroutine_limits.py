"""What native coroutines refuse, and what they survive: wrong awaitables, depth, the end of the program."""

import asyncio
import inspect
import re
import warnings

import ferrio
import pytest

from tests.harness import PY


def raise_stop(*_args):
    raise StopIteration("a value")


class Stopping:
    """An awaitable whose iterator cannot be made."""

    __await__ = raise_stop


async def wait_for_awaitable(aio):
    return await aio.wait_for(Stopping(), None)


async def get_from_queue(aio):
    class Queue(aio.Queue):
        _get = raise_stop

    queue = Queue()
    await queue.put(1)
    return await queue.get()


async def wait_on_condition(aio):
    condition = aio.Condition()
    async with condition:
        return await condition.wait_for(raise_stop)


@pytest.mark.parametrize("program", [wait_for_awaitable, wait_on_condition, get_from_queue])
async def test_a_stop_iteration_does_not_leave_a_coroutine(loop, aio, program):
    for coroutine in program(aio), aio.create_task(program(aio)):
        with pytest.raises(RuntimeError, match="coroutine raised StopIteration") as caught:
            await coroutine
        assert isinstance(caught.value.__cause__, StopIteration)
        assert caught.value.__context__ is caught.value.__cause__


async def test_only_one_can_await_it(loop, aio):
    coroutine = aio.sleep(0)

    async def program():
        await coroutine

    first, second = loop.create_task(program()), loop.create_task(program())
    await asyncio.wait([first, second])
    assert first.result() is None
    with pytest.raises(RuntimeError, match="coroutine is being awaited already"):
        second.result()


NO_ITERATORS = [
    (lambda: 5, "int", "non-iterator of type 'int'"),
    (asyncio.Event().wait, "coroutine", "a coroutine"),
]


@pytest.mark.parametrize(("made", "kind", "text"), NO_ITERATORS)
async def test_what_await_gets_has_to_be_an_iterator(loop, aio, made, kind, text):
    class Wrong:
        def __await__(self):
            self.made = made()
            return self.made

    wrong = Wrong()
    message = f"__await__() returned {text}"
    if PY >= (3, 15):
        message = f"{Wrong.__module__}.{Wrong.__qualname__}.__await__() must return an iterator, not {kind}"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        await aio.wait_for(wrong, None)
    if inspect.iscoroutine(wrong.made):
        wrong.made.close()


def test_a_future_is_asked_to_wait_once_whoever_asks(loop):
    future = loop.create_future()
    first, second = iter(future), iter(future)
    assert next(first) is future
    with pytest.raises(RuntimeError, match="await wasn't used with future"):
        next(second)
    future._asyncio_future_blocking = False
    assert next(first) is future
    future.set_result("result")
    for iterator in first, second:
        with pytest.raises(StopIteration) as caught:
            next(iterator)
        assert caught.value.value == "result"


def test_what_a_program_does_to_an_exception_is_not_seen_in_the_next(loop, aio):
    for value in 7, 8:
        iterator = aio.sleep(0, value).__await__()
        next(iterator)
        with pytest.raises(StopIteration) as caught:
            next(iterator)
        stop = caught.value
        assert (stop.value, stop.__suppress_context__) == (value, False)
        assert "changed" not in stop.args
        stop.args, stop.__suppress_context__ = ("changed",), True
        del stop, caught


def test_one_that_waits_at_the_end_of_the_program_is_closed(script):
    code = """
        names = asyncio if new_loop is asyncio.SelectorEventLoop else ferrio

        async def program():
            await names.sleep(1000)

        async def start():
            task = loop.create_task(program())
            await asyncio.sleep(0)
            return task

        loop = new_loop()
        task = loop.run_until_complete(start())
        loop.set_exception_handler(lambda *_: print("reported", flush=True))
    """
    with script.start(code, "-W", "ignore") as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out.strip(), err) == (0, "reported", "")


@pytest.mark.ferrio_only
def test_awaits_that_are_too_deep_for_the_stack_are_refused(script):
    code = """
        import sys
        import threading

        async def deeper():
            await ferrio.wait_for(deeper(), None)

        def program():
            try:
                ferrio.run(deeper())
            except RecursionError:
                print("refused", flush=True)

        program()
        if sys.version_info >= (3, 12):  # which counts what is on the C stack apart
            sys.setrecursionlimit(20_000)
        threading.Thread(target=program).start()
    """
    with script.start(code, "-W", "ignore") as process:
        out, _ = process.communicate(timeout=20)
    assert (process.returncode, out.split()) == (0, ["refused", "refused"])


@pytest.mark.many_objects
@pytest.mark.ferrio_only
def test_long_chains_go_away_without_recursion(loop):
    chain = handle = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for _ in range(100_000):
            chain = ferrio.wait_for(chain, None)
            handle = loop.call_later(1000, print, handle)
        del chain
    handle.cancel()
    loop.close()
    del handle
