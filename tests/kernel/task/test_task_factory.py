"""create_task(), create_future() and task factories, with the signatures of each Python version."""

import asyncio
import contextvars
import inspect

import pytest

from tests.harness import PY, turn

# Until 3.13 the factory is called with the coroutine, and with `context` only when there is one; the loop
# sets the name. Since then it gets every keyword argument that create_task() was given. Which of the two
# this Python has is written in the signature of its own create_task().
PASSES_EVERYTHING = any(
    parameter.kind is inspect.Parameter.VAR_KEYWORD
    for parameter in inspect.signature(asyncio.BaseEventLoop.create_task).parameters.values()
)

variable = contextvars.ContextVar("variable", default="unset")


async def result(value=42):
    return value


async def test_create_task_makes_a_task_of_the_loop(loop):
    task = loop.create_task(result())
    assert isinstance(task, asyncio.Task)
    assert task.get_loop() is loop
    assert not task.done()
    assert await task == 42


async def test_a_task_has_a_name_of_its_own_or_the_one_given(loop):
    one, two = loop.create_task(result()), loop.create_task(result())
    named, numbered = loop.create_task(result(), name="name"), loop.create_task(result(), name=7)
    assert one.get_name() != two.get_name()
    assert one.get_name().startswith("Task-")
    assert named.get_name() == "name"
    assert numbered.get_name() == "7"
    await asyncio.gather(one, two, named, numbered)


async def test_a_task_runs_in_a_copy_of_the_context_or_in_the_one_given(loop):
    async def read_and_write(value):
        before = variable.get()
        variable.set(value)
        return before

    variable.set("outside")
    assert await loop.create_task(read_and_write("inside")) == "outside"
    assert variable.get() == "outside"

    context = contextvars.Context()
    task = loop.create_task(read_and_write("inside"), context=context)
    assert await task == "unset"
    assert context[variable] == "inside"
    assert variable.get() == "outside"


@pytest.mark.skipif(PY < (3, 12), reason="get_context() is new in 3.12")
async def test_a_task_tells_its_context(loop):
    context = contextvars.Context()
    task = loop.create_task(result(), context=context)
    assert task.get_context() is context
    await task


@pytest.mark.parametrize("thing", [None, 42, result, "text"])
def test_only_a_coroutine_becomes_a_task(loop, thing):
    with pytest.raises(TypeError, match="a coroutine was expected, got"):
        loop.create_task(thing)


async def test_name_and_context_must_be_given_by_keyword(loop):
    coroutine = result()
    with pytest.raises(TypeError):
        loop.create_task(coroutine, "name")
    coroutine.close()


@pytest.mark.skipif(not PASSES_EVERYTHING, reason="eager_start reaches create_task() later")
async def test_an_eager_task_starts_at_once(loop):
    ran = []

    async def work():
        ran.append(asyncio.current_task())
        return 42

    task = loop.create_task(work(), eager_start=True)
    assert ran == [task]
    assert task.done()
    assert await task == 42
    lazy = loop.create_task(work(), eager_start=False)
    assert not lazy.done()
    await lazy


@pytest.mark.skipif(PY < (3, 12), reason="new in 3.12")
async def test_the_eager_task_factory_starts_tasks_at_once(loop):
    loop.set_task_factory(asyncio.eager_task_factory)
    task = loop.create_task(result(7), name="name")
    assert task.done()
    assert task.get_name() == "name"
    assert await task == 7

    async def waits():
        await asyncio.sleep(0)
        return 8

    task = loop.create_task(waits())
    assert not task.done()
    assert await task == 8


async def test_there_is_no_factory_at_first_and_it_can_be_set_and_unset(loop):
    def factory(loop, coro):
        raise NotImplementedError

    assert loop.get_task_factory() is None
    assert loop.set_task_factory(factory) is None
    assert loop.get_task_factory() is factory
    loop.set_task_factory(None)
    assert loop.get_task_factory() is None
    assert await loop.create_task(result()) == 42


@pytest.mark.parametrize("factory", [42, "text", ()])
def test_a_factory_must_be_callable(loop, factory):
    with pytest.raises(TypeError, match=r"^task factory must be a callable or None$"):
        loop.set_task_factory(factory)


@pytest.fixture
def calls(loop):
    """Sets a factory that writes down its arguments."""
    calls = []

    def factory(*args, **options):
        calls.append((args, dict(options)))
        return asyncio.Task(args[1], loop=args[0], **options)

    loop.set_task_factory(factory)
    yield calls
    loop.set_task_factory(None)


def test_a_factory_is_called_with_the_loop_and_the_coroutine(loop, calls):
    coroutine = result()
    task = loop.create_task(coroutine)
    assert calls == [((loop, coroutine), {})]
    assert loop.run_until_complete(task) == 42


def test_a_factory_is_given_the_context_if_there_is_one(loop, calls):
    context = contextvars.Context()
    task = loop.create_task(result(), context=context)
    assert calls[0][1]["context"] is context
    loop.run_until_complete(task)


def test_the_name_reaches_a_task_of_a_factory(loop, calls):
    task = loop.create_task(result(), name="name")
    assert calls[0][1] == ({"name": "name"} if PASSES_EVERYTHING else {})
    assert task.get_name() == "name"
    loop.run_until_complete(task)


def plain(loop, coro):
    return asyncio.Task(coro, loop=loop)


def with_context(loop, coro, context=None):
    return asyncio.Task(coro, loop=loop, context=context)


def with_keyword_context(loop, coro, *, context=None):
    return asyncio.Task(coro, loop=loop, context=context)


def with_name_and_context(loop, coro, *, name=None, context=None):
    return asyncio.Task(coro, loop=loop, name=name, context=context)


def with_everything(loop, coro, **options):
    return asyncio.Task(coro, loop=loop, **options)


def with_positional_rest(*args, **options):
    loop, coro = args
    return asyncio.Task(coro, loop=loop, **options)


SIGNATURES = {
    plain: {"name": False, "context": False},
    with_context: {"name": False, "context": True},
    with_keyword_context: {"name": False, "context": True},
    with_name_and_context: {"name": True, "context": True},
    with_everything: {"name": True, "context": True},
    with_positional_rest: {"name": True, "context": True},
}


@pytest.mark.parametrize("given", [(), ("name",), ("context",), ("name", "context")])
@pytest.mark.parametrize("factory", SIGNATURES)
def test_a_factory_may_have_any_signature_that_takes_what_it_is_given(loop, factory, given):
    context = contextvars.copy_context()
    context.run(variable.set, "given")
    options = {name: {"name": "name", "context": context}[name] for name in given}

    async def look():
        return asyncio.current_task().get_name(), variable.get()

    loop.set_task_factory(factory)
    # Before 3.13.3 the loop itself names the task.
    passed = [name for name in given if PASSES_EVERYTHING or name != "name"]
    coroutine = look()
    if all(SIGNATURES[factory][name] for name in passed):
        name, value = loop.run_until_complete(loop.create_task(coroutine, **options))
        assert name == "name" or "name" not in given
        assert value == ("given" if "context" in given else "unset")
    else:
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            loop.create_task(coroutine, **options)
        coroutine.close()


@pytest.mark.skipif(PY < (3, 12), reason="new in 3.12")
@pytest.mark.parametrize("given", [{}, {"name": "name"}, {"context": contextvars.copy_context()}])
async def test_an_eager_factory_of_ones_own_class_takes_what_create_task_takes(loop, given):
    class Own(asyncio.Task):
        pass

    loop.set_task_factory(asyncio.create_eager_task_factory(Own))
    task = loop.create_task(result(), **given)
    assert type(task) is Own
    assert task.done()
    assert task.result() == 42


@pytest.mark.skipif(not PASSES_EVERYTHING, reason="eager_start reaches create_task() later")
def test_eager_start_reaches_the_factory(loop):
    async def main():
        got = []

        def factory(loop, coro, **options):
            got.append(options)
            return asyncio.Task(coro, loop=loop, **options)

        loop.set_task_factory(factory)
        eager, lazy = (
            loop.create_task(result(), eager_start=True),
            loop.create_task(result(), eager_start=False),
        )
        assert (eager.done(), lazy.done()) == (True, False)
        await lazy
        return got

    assert loop.run_until_complete(main()) == [{"eager_start": True}, {"eager_start": False}]


def test_what_the_factory_returns_is_returned(loop):
    future = loop.create_future()

    class Odd:
        def set_name(self, name):
            pass

    for thing in (future, Odd()) if PASSES_EVERYTHING else (Odd(),):
        loop.set_task_factory(lambda loop, coro, thing=thing, **options: (coro.close(), thing)[1])
        assert loop.create_task(result()) is thing
    loop.set_task_factory(None)


def test_the_exception_of_a_factory_comes_out_of_create_task(loop):
    def factory(loop, coro, **options):
        coro.close()
        raise LookupError("argument")

    loop.set_task_factory(factory)
    with pytest.raises(LookupError, match="argument"):
        loop.create_task(result())
    loop.set_task_factory(None)


def test_the_factory_makes_the_tasks_of_gather_and_of_task_groups(loop, calls):
    async def main():
        async with asyncio.TaskGroup() as group:
            group.create_task(result())
        await asyncio.gather(result(), result())

    loop.run_until_complete(main())
    assert len(calls) == 4


def test_the_standard_librarys_tasks_run_on_the_loop(loop):
    async def main():
        before = asyncio.current_task()
        value = await asyncio.Task(result(), loop=loop)
        assert asyncio.current_task() is before
        return value

    assert loop.run_until_complete(asyncio.Task(main(), loop=loop)) == 42


def test_create_future_makes_a_future_of_the_loop(loop):
    future = loop.create_future()
    assert isinstance(future, asyncio.Future)
    assert asyncio.isfuture(future)
    assert future.get_loop() is loop
    assert not future.done()
    assert loop.create_future() is not future
    with pytest.raises(asyncio.InvalidStateError):
        future.result()


def test_the_standard_librarys_futures_work_on_the_loop(loop):
    future = asyncio.Future(loop=loop)
    ran = []
    future.add_done_callback(ran.append)
    loop.call_soon(future.set_result, 42)
    assert loop.run_until_complete(future) == 42
    turn(loop)
    assert ran == [future]
