"""Native functions that return coroutines are coroutine functions: frameworks decide by that how to call a callback."""

import asyncio
import copy
import functools
import gc
import inspect
import pickle
import re
import types
import warnings
import weakref
from unittest import mock

import ferrio
import pytest

SPECIAL = {"__aenter__", "__aexit__", "__aiter__", "__anext__"}
SHARED = list(dict.fromkeys(name for name in ferrio.__all__ if callable(getattr(asyncio, name, None))))
CLASSES = [name for name in SHARED if isinstance(getattr(ferrio, name), type)]
FUNCTIONS = [name for name in SHARED if name not in CLASSES]


def methods(theirs, ours):
    """The methods of asyncio's class or object that programs use, if ferrio's has them, too: both of each."""
    names = [name for name in dir(theirs) if (name[0] != "_" or name in SPECIAL) and hasattr(ours, name)]
    return {name: (getattr(theirs, name), getattr(ours, name)) for name in names}


def native():
    """The native coroutine functions that programs use, by their qualified names."""
    found = [getattr(ferrio, name) for name in FUNCTIONS]
    for name in CLASSES:
        found += [ours for _, ours in methods(getattr(asyncio, name), getattr(ferrio, name)).values()]
    functions = [function for function in found if type(function).__module__ == "ferrio"]
    return {function.__qualname__: function for function in functions}


NATIVE = native()


def agree(pairs):
    def asked(side):
        return {name: inspect.iscoroutinefunction(pair[side]) for name, pair in pairs.items()}

    assert asked(1) == asked(0)


@pytest.mark.parametrize("name", CLASSES)
def test_the_same_methods_are_coroutine_functions(name):
    agree(methods(getattr(asyncio, name), getattr(ferrio, name)))


@pytest.mark.parametrize("name", ["Barrier", "Condition", "Event", "Lock", "Queue", "Semaphore", "TaskGroup"])
def test_the_same_bound_methods_are_coroutine_functions(name):
    args = (2,) if name == "Barrier" else ()
    agree(methods(getattr(asyncio, name)(*args), getattr(ferrio, name)(*args)))


def test_the_same_functions_are_coroutine_functions():
    agree({name: (getattr(asyncio, name), getattr(ferrio, name)) for name in FUNCTIONS})


def test_the_functions_and_methods_are_native():
    assert {"sleep", "wait", "wait_for", "Queue.put", "Lock.__aenter__", "StreamReader.__anext__"} < set(
        NATIVE
    )


@pytest.mark.parametrize("name", NATIVE)
def test_native_ones_look_like_functions(name):
    function = NATIVE[name]
    assert isinstance(function, types.FunctionType)
    assert inspect.isfunction(function)
    assert inspect.isroutine(function)
    assert inspect.iscoroutinefunction(function)
    assert inspect.iscoroutinefunction(functools.partial(function, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # It is on its way out.
        assert asyncio.iscoroutinefunction(function)
    assert function.__code__.co_flags & inspect.CO_COROUTINE
    assert (function.__name__, function.__module__) == (name.rpartition(".")[2], "ferrio")
    assert re.fullmatch(rf"<function {re.escape(name)} at 0x[0-9a-f]+>", repr(function))
    assert function.__doc__ or name.rpartition(".")[2] in SPECIAL
    assert ("self" in inspect.signature(function).parameters) == ("." in name)
    assert weakref.ref(function)() is function


@pytest.mark.parametrize("name", NATIVE)
def test_native_ones_are_pickled_and_copied_by_name(name):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(NATIVE[name], protocol)) is NATIVE[name]
    assert copy.copy(NATIVE[name]) is copy.deepcopy(NATIVE[name]) is NATIVE[name]


def test_signatures_say_what_can_be_given(aio):
    signature = inspect.signature
    assert str(signature(aio.sleep)) == "(delay, result=None)"
    assert str(signature(aio.wait)) == "(fs, *, timeout=None, return_when='ALL_COMPLETED')"
    assert str(signature(aio.Queue().put)) == "(item)"
    assert list(signature(aio.Queue.put).parameters) == ["self", "item"]
    assert str(signature(aio.StreamReader.readuntil)).endswith("separator=b'\\n')")


async def test_calls_take_what_the_signature_says(loop, aio):
    queue = aio.Queue()
    put = aio.Queue.put
    await put(queue, 1)
    await put(queue, item=2)
    await queue.put(item=3)
    await put.__get__(queue)(4)
    await put.__call__(queue, 5)
    await functools.partial(put, queue)(6)
    await put(*[queue], item=7)
    assert [await queue.get() for _ in range(7)] == [1, 2, 3, 4, 5, 6, 7]
    assert await aio.sleep(delay=0, result="result") == "result"
    wrong = [
        put,
        lambda: put(queue),
        lambda: put(queue, 1, 2),
        lambda: put(queue, thing=1),
        lambda: queue.put(),
    ]
    wrong += [lambda: queue.get(1), lambda: queue.get(item=1), aio.sleep, lambda: aio.sleep(1, 2, 3)]
    for call in wrong:
        with pytest.raises(TypeError):
            call()


async def test_a_method_of_another_class_is_refused_when_it_is_awaited(loop, aio):
    for coroutine in (aio.Queue.get(aio.Lock()), aio.Queue.put(1, 2), aio.Lock.acquire("lock")):
        with pytest.raises((TypeError, AttributeError)):
            await coroutine


def test_functions_become_methods_of_the_classes_that_they_are_in(aio):
    class Program:
        nap = aio.sleep
        rest = staticmethod(aio.sleep)

    program = Program()
    assert type(program.nap) is types.MethodType
    assert program.nap.__self__ is program
    assert program.nap.__func__ is Program.nap is program.rest is aio.sleep
    assert repr(program.nap).startswith("<bound method sleep of ")
    assert repr(aio.Lock().acquire).startswith("<bound method Lock.acquire of ")


def test_functions_have_attributes(aio):
    aio.sleep.mark = 1
    assert aio.sleep.__dict__ == {"mark": 1}
    del aio.sleep.mark
    with pytest.raises(AttributeError, match="mark"):
        _ = aio.sleep.mark

    @functools.wraps(aio.Queue.put)
    def wrapper():
        pass

    assert (wrapper.__name__, wrapper.__qualname__) == ("put", "Queue.put")
    assert wrapper.__wrapped__ is aio.Queue.put


async def test_mocks_are_asynchronous_where_the_original_is(loop, aio):
    queue = mock.AsyncMock(spec=aio.Queue)
    assert isinstance(queue.put, mock.AsyncMock)
    assert not isinstance(queue.put_nowait, mock.AsyncMock)
    await queue.put(1)
    queue.put.assert_awaited_once_with(1)
    lock = mock.MagicMock(aio.Lock())
    assert isinstance(lock.acquire, mock.AsyncMock)
    specified = mock.create_autospec(aio.Queue, instance=True)
    await specified.put(2)
    with pytest.raises(TypeError):
        specified.put(2, 3)
    sleep = mock.create_autospec(aio.sleep, return_value="slept")
    assert await sleep(1) == "slept"


async def test_what_a_subclass_overrides_is_called(loop, aio):
    class Counting(aio.Lock):
        count = 0

        async def acquire(self):
            self.count += 1
            return await super().acquire()

    class Lines(aio.StreamReader):
        async def readline(self):
            return (await super().readline()).upper()

    lock = Counting()
    async with lock:
        assert lock.locked()
    assert lock.count == 1
    for reader, lines in [(aio.StreamReader(), [b"a\n", b"b"]), (Lines(), [b"A\n", b"B"])]:
        reader.feed_data(b"a\nb")
        reader.feed_eof()
        assert [line async for line in reader] == lines


def test_they_are_seen_by_the_garbage_collector():
    function = ferrio.Queue.put
    assert gc.is_tracked(function)
    function.mark = mark = object()
    try:
        assert mark in gc.get_referents(function.__dict__)
        assert any(inspect.isfunction(referent) for referent in gc.get_referents(function))
    finally:
        del function.mark
