"""Native coroutines keep the protocol of an `async def`'s: send, throw, close, await, and leave nothing behind."""

import asyncio
import collections.abc
import gc
import inspect
import random
import sys
import types
import weakref

import ferrio
import pytest

from tests.harness import PY

VALUES = [
    None,
    5,
    (),
    (1, 2),
    [3],
    LookupError("a value"),
    StopIteration(5),
    StopAsyncIteration(),
    StopIteration,
    asyncio.CancelledError("a value"),
]


class Reader(ferrio.StreamReader):
    """A reader whose native coroutine `readline()` awaits whatever is wanted, and returns its result."""

    def __init__(self, loop, awaitable):
        super().__init__(loop=loop)
        self.awaitable = awaitable

    def readuntil(self, separator):
        return self.awaitable


async def in_python(awaitable):
    return await awaitable


@pytest.fixture(params=["async def", "native"])
def make(request, loop):
    """Makes a coroutine that awaits something and returns the result."""
    if request.param == "async def":
        return in_python
    return lambda awaitable: Reader(loop, awaitable).readline()


class Awaitable:
    """Yields some values, then returns or raises; records the values and exceptions that are sent and thrown in."""

    def __init__(self, *values, result=None, error=None):
        self.values, self.result, self.error = values, result, error
        self.got = []

    def __await__(self):
        for value in self.values:
            try:
                self.got.append((yield value))
            except BaseException as error:
                self.got.append(error)
                raise
        if self.error is not None:
            raise self.error
        return self.result


def finish(coroutine, value=None):
    """Send a value to a coroutine that returns then; its result."""
    with pytest.raises(StopIteration) as caught:
        coroutine.send(value)
    assert type(caught.value.args) is tuple
    return caught.value.value


def test_what_is_sent_and_yielded_goes_through(make):
    awaitable = Awaitable("first", None, "third", result="result")
    coroutine = make(awaitable)
    assert coroutine.send(None) == "first"
    assert coroutine.send(1) is None
    assert coroutine.send(2) == "third"
    assert finish(coroutine, 3) == "result"
    assert awaitable.got == [1, 2, 3]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_results_of_any_type_arrive(make, value):
    assert finish(make(Awaitable(result=value))) is value
    coroutine = make(Awaitable("yielded", result=value))
    coroutine.send(None)
    assert finish(coroutine) is value


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_results_of_any_type_arrive_by_await(loop, make, value):
    assert await make(Awaitable(result=value)) is value
    assert await make(Awaitable(None, result=value)) is value
    assert await in_python(make(make(Awaitable(None, result=value)))) is value
    assert await loop.create_task(make(Awaitable(None, result=value))) is value


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_results_of_any_type_arrive_by_iteration(make, value):
    iterator = make(Awaitable("yielded", result=value)).__await__()
    assert next(iterator) == "yielded"
    with pytest.raises(StopIteration) as caught:
        next(iterator)
    assert caught.value.value is value


def test_an_exception_arrives(make):
    error = LookupError("raised")
    for values in ((), (None,)):
        coroutine = make(Awaitable(*values, error=error))
        for _ in values:
            coroutine.send(None)
        with pytest.raises(LookupError) as caught:
            coroutine.send(None)
        assert caught.value is error


def test_a_value_cannot_be_sent_before_the_beginning(make):
    coroutine = make(Awaitable(result=3))
    with pytest.raises(TypeError, match="can't send non-None value to a just-started coroutine"):
        coroutine.send(1)
    assert finish(coroutine) == 3


def test_an_exception_can_be_thrown_in(make):
    awaitable, error = Awaitable("yielded"), LookupError("thrown")
    coroutine = make(awaitable)
    coroutine.send(None)
    with pytest.raises(LookupError) as caught:
        coroutine.throw(error)
    assert caught.value is error
    assert awaitable.got == [error]


def test_an_exception_that_is_dealt_with_ends_there(make):
    async def stubborn():
        try:
            await Awaitable("one")
        except LookupError:
            await Awaitable("two")
        return "result"

    coroutine = make(stubborn())
    assert coroutine.send(None) == "one"
    assert coroutine.throw(LookupError) == "two"
    assert finish(coroutine) == "result"


def test_an_exception_thrown_in_before_the_beginning_is_raised(make):
    awaitable = Awaitable("yielded")
    coroutine = make(awaitable)
    with pytest.raises(LookupError, match="thrown"):
        coroutine.throw(LookupError("thrown"))
    assert awaitable.got == []
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        coroutine.send(None)


def test_a_coroutine_can_be_closed_before_it_begins(make):
    coroutine = make(Awaitable("yielded"))
    assert coroutine.close() is None
    assert coroutine.close() is None
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        coroutine.send(None)


def test_closing_throws_generator_exit_into_what_is_awaited(make):
    awaitable = Awaitable("yielded")
    coroutine = make(awaitable)
    coroutine.send(None)
    assert coroutine.close() is None
    assert [type(error) for error in awaitable.got] == [GeneratorExit]
    coroutine.close()


def test_a_coroutine_that_ignores_being_closed_is_told_so(make):
    async def stubborn():
        try:
            await Awaitable("one")
        except GeneratorExit:
            await Awaitable("two")

    coroutine = make(stubborn())
    coroutine.send(None)
    with pytest.raises(RuntimeError, match="coroutine ignored GeneratorExit"):
        coroutine.close()
    with pytest.raises((StopIteration, RuntimeError)):
        coroutine.send(None)


def test_closing_raises_what_cleaning_up_raises(make):
    async def failing():
        try:
            await Awaitable("one")
        finally:
            raise LookupError("cleaning up")

    coroutine = make(failing())
    coroutine.send(None)
    with pytest.raises(LookupError, match="cleaning up"):
        coroutine.close()


def test_a_finished_coroutine_cannot_be_used_again(make):
    coroutine = make(Awaitable(result=1))
    finish(coroutine)
    for use in (
        lambda: coroutine.send(None),
        lambda: coroutine.throw(LookupError),
        lambda: in_python(coroutine).send(None),
    ):
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            use()
    coroutine.close()


def test_a_running_coroutine_cannot_be_resumed(make):
    class Meddling:
        def __await__(self):
            for use in (lambda: coroutine.send(None), lambda: coroutine.throw(LookupError), coroutine.close):
                with pytest.raises(ValueError, match="coroutine already executing"):
                    use()
            states.append((coroutine.cr_running, coroutine.cr_suspended))
            return "result"
            yield

    states = []
    coroutine = make(Meddling())
    assert finish(coroutine) == "result"
    assert states == [(True, False)]


def test_what_cannot_be_awaited_is_refused(make):
    with pytest.raises(TypeError, match="await"):
        make(5).send(None)


def test_states_can_be_told_apart(make):
    awaitable = Awaitable("yielded")
    coroutine = make(awaitable)
    assert (coroutine.cr_running, coroutine.cr_suspended, coroutine.cr_await) == (False, False, None)
    if PY >= (3, 15):  # before, it asks for a frame
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED
    coroutine.send(None)
    assert (coroutine.cr_running, coroutine.cr_suspended) == (False, True)
    assert inspect.isgenerator(coroutine.cr_await)
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_SUSPENDED
    finish(coroutine)
    assert (coroutine.cr_running, coroutine.cr_suspended, coroutine.cr_await) == (False, False, None)
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
    assert coroutine.cr_origin is None


def test_it_is_a_coroutine_to_everybody(make):
    coroutine = make(Awaitable())
    assert inspect.iscoroutine(coroutine)
    assert isinstance(coroutine, types.CoroutineType)
    assert coroutine.__class__ is types.CoroutineType
    assert asyncio.iscoroutine(coroutine)
    assert inspect.isawaitable(coroutine)
    assert isinstance(coroutine, collections.abc.Coroutine)
    assert isinstance(coroutine, collections.abc.Awaitable)
    assert coroutine.__name__ in {"readline", "in_python"}
    assert coroutine.__qualname__ in {"StreamReader.readline", "in_python"}
    assert repr(coroutine).startswith(f"<coroutine object {coroutine.__qualname__} at 0x")
    coroutine.close()


def test_one_that_was_never_awaited_is_reported(make):
    coroutines = [make(Awaitable())]
    name = coroutines[0].__qualname__
    with pytest.warns(RuntimeWarning, match=rf"^coroutine '{name}' was never awaited"):
        coroutines.clear()


def test_one_that_is_dropped_half_way_is_closed(make):
    awaitable = Awaitable("yielded")
    coroutine = make(awaitable)
    coroutine.send(None)
    del coroutine
    gc.collect()
    assert [type(error) for error in awaitable.got] == [GeneratorExit]


def test_weak_references_die_with_it_and_call_back(make):
    dead = []
    coroutine = make(Awaitable())
    reference = weakref.ref(coroutine, dead.append)
    assert reference() is coroutine
    coroutine.close()
    del coroutine
    assert reference() is None
    assert dead == [reference]
    # Its memory may be in use again: the reference must not know that object.
    other = make(Awaitable())
    assert reference() is None
    other.close()


def test_a_cycle_through_a_coroutine_is_collected(make):
    awaitable = Awaitable("yielded")
    coroutine = awaitable.itself = make(awaitable)
    reference = weakref.ref(awaitable)
    coroutine.send(None)
    del awaitable, coroutine
    gc.collect()
    gc.collect()  # the first one closes the coroutine, which the awaitable writes down
    assert reference() is None


def test_what_was_awaited_does_not_outlive_its_use(make):
    class Result:
        pass

    result = Result()
    awaitable = Awaitable("yielded", result=result)
    references = weakref.ref(awaitable), weakref.ref(result)
    coroutine = make(awaitable)
    coroutine.send(None)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    del awaitable, result
    gc.collect()
    assert [reference() for reference in references] == [None, None]


async def test_results_and_what_was_awaited_are_dead_right_after_an_await(loop, make):
    class Result:
        pass

    async def body():
        return Result()

    reference = weakref.ref(await make(body()))
    assert reference() is None
    task = loop.create_task(make(body()))
    reference = weakref.ref(await task)
    assert reference() is not None
    del task
    for _ in range(3):  # the loop's own last references
        await asyncio.sleep(0)
    gc.collect()
    assert reference() is None


def test_memory_that_is_used_again_never_mixes_two_coroutines_up(loop):
    """Thousands of coroutines, resumed, closed, thrown into and dropped in random order."""
    rng = random.Random(5)
    alive = {}
    for number in range(20_000):
        match rng.randrange(5) if alive else 0:
            case 0 | 1:
                values = [(number, place) for place in range(rng.randrange(4))]
                coroutine = Reader(loop, Awaitable(*values, result=("result", number))).readline()
                alive[number] = coroutine, iter([*values, ("result", number)]), weakref.ref(coroutine)
            case 2 | 3:
                each = rng.choice(list(alive))
                coroutine, expected, _ = alive[each]
                try:
                    got = coroutine.send(None)
                except StopIteration as stop:
                    got = stop.value
                    del alive[each]
                assert got == next(expected)
            case 4:
                each = rng.choice(list(alive))
                coroutine, _, reference = alive.pop(each)
                assert reference() is coroutine
                if rng.random() < 0.5:
                    coroutine.close()
                else:
                    with pytest.raises(LookupError):
                        coroutine.throw(LookupError(each))
                del coroutine
                assert reference() is None
    for coroutine, _, _ in alive.values():
        coroutine.close()


async def test_tasks_that_take_turns_each_get_their_own_results(loop):
    async def worker(number):
        rng = random.Random(number)
        for turn in range(50):
            values = [None] * rng.randrange(3)
            assert await Reader(loop, Awaitable(*values, result=(number, turn))).readline() == (number, turn)

    await asyncio.gather(*[worker(number) for number in range(100)])


async def test_a_hundred_thousand_awaits_leave_nothing_behind(loop):
    reader = ferrio.StreamReader(loop=loop)
    reader.feed_data(b"x\n" * 1000)
    event, lock, queue = ferrio.Event(), ferrio.Lock(), ferrio.Queue()
    event.set()
    marker = object()

    async def some(count):
        for _ in range(count):
            reader.feed_data(b"x\n")
            assert await reader.readline() == b"x\n"
            await event.wait()
            async with lock:
                await queue.put(marker)
            assert await queue.get() is marker
            await ferrio.sleep(0)

    await some(1000)
    gc.collect()
    objects, references = len(gc.get_objects()), sys.getrefcount(marker)
    counts = [sys.getrefcount(value) for value in (b"", (), StopIteration, ferrio.StreamReader)]
    blocks = sys.getallocatedblocks()
    await some(20_000)
    gc.collect()
    assert len(gc.get_objects()) - objects < 10
    assert sys.getrefcount(marker) == references
    after = [sys.getrefcount(value) for value in (b"", (), StopIteration, ferrio.StreamReader)]
    assert all(abs(now - before) < 50 for now, before in zip(after, counts, strict=True))
    assert sys.getallocatedblocks() - blocks < 200


@pytest.mark.parametrize("dropped_by", ["deallocation", "garbage collection"])
def test_what_a_finished_task_held_goes_with_it_at_once(loop, dropped_by):
    """Also if nothing of the loop runs any more that could catch up on it."""

    class Held:
        pass

    async def fail(held):
        raise LookupError

    held = Held()
    reference = weakref.ref(held)
    task = loop.create_task(fail(held))
    task.add_done_callback(lambda _: loop.stop())
    loop.run_forever()
    task.exception().with_traceback(None)
    if dropped_by == "garbage collection":
        task.itself = task
    del task, held
    if dropped_by == "garbage collection":
        gc.collect()
    assert reference() is None


@pytest.mark.parametrize("outcome", ["returned", "thrown", "closed", "dropped"])
def test_what_a_coroutine_held_goes_at_once(make, outcome):
    class Held:
        def __await__(self):
            yield

    held = Held()
    reference = weakref.ref(held)
    coroutine = make(held)
    coroutine.send(None)
    del held
    match outcome:
        case "returned":
            finish(coroutine)
        case "thrown":
            with pytest.raises(LookupError):
                coroutine.throw(LookupError)
        case "closed":
            coroutine.close()
    del coroutine
    assert reference() is None


def test_a_stop_iteration_that_is_thrown_in_leaves_it_only_before_it_begins(make):
    begun, fresh = make(Awaitable("yielded")), make(Awaitable())
    begun.send(None)
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        begun.throw(StopIteration())
    # CPython 3.14's own coroutines fail an assertion of a debug build here (gen_send_ex2 in genobject.c).
    if not hasattr(sys, "gettotalrefcount"):
        with pytest.raises(StopIteration if PY >= (3, 12) else RuntimeError):
            fresh.throw(StopIteration())
    fresh.close()
