"""What tasks and futures say of themselves, and how they go away."""

import asyncio
import copy
import gc
import io
import pickle
import re
import types
import weakref

import pytest

from tests.harness import PY, turn


def shape(text):
    """A representation without the name of a class, addresses and line numbers."""
    return re.sub(r" at 0x[0-9a-f]+|:\d+(?=[>\s\]])", "", text)


async def test_futures_show_their_state(loop, aio):
    def callback(future):
        pass

    pending = aio.Future(loop=loop)
    assert repr(pending) == "<Future pending>"
    pending.add_done_callback(callback)
    assert re.fullmatch(r"<Future pending cb=\[test_futures_show.*callback\(\) at .*:\d+\]>", repr(pending))
    for _ in range(3):
        pending.add_done_callback(callback)
    assert "<2 more>" in repr(pending)
    pending.cancel()
    assert repr(pending) == "<Future cancelled>"
    finished = aio.Future(loop=loop)
    finished.set_result([1])
    assert repr(finished) == "<Future finished result=[1]>"
    failed = aio.Future(loop=loop)
    failed.set_exception(ValueError("why"))
    assert repr(failed) == "<Future finished exception=ValueError('why')>"
    assert failed.exception() is not None


async def test_tasks_show_their_state(loop, aio):
    async def body():
        await future
        return 1

    future = aio.Future(loop=loop)
    task = aio.Task(body(), loop=loop, name="mine")
    assert re.fullmatch(r"<Task pending name='mine' coro=<.*body\(\) running at .*:\d+>>", repr(task))
    await aio.sleep(0)
    assert re.fullmatch(
        r"<Task pending name='mine' coro=<.*body\(\) running at .*:\d+> wait_for=<Future pending cb=\[.*\]>>",
        repr(task),
    )
    task.cancel()
    assert repr(task).startswith("<Task cancelling name='mine'") or future.cancelled()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert re.fullmatch(r"<Task cancelled name='mine' coro=<.*body\(\) done, defined at .*:\d+>>", repr(task))
    done = aio.Task(aio.sleep(0, "result"), loop=loop)
    await done
    assert "finished" in repr(done)
    assert "result='result'" in repr(done)


async def test_subclasses_show_their_own_name(loop, aio):
    class MyFuture(aio.Future):
        pass

    class MyTask(aio.Task):
        pass

    assert repr(MyFuture(loop=loop)) == "<MyFuture pending>"
    task = MyTask(aio.sleep(0), loop=loop)
    assert repr(task).startswith("<MyTask pending")
    await task


async def test_get_stack_shows_where_a_task_waits(loop, aio):
    async def inner():
        await future

    async def outer():
        await inner()

    future = aio.Future(loop=loop)
    task = aio.Task(outer(), loop=loop)
    await aio.sleep(0)
    (frame,) = task.get_stack()
    assert frame.f_code is outer.__code__
    assert task.get_stack(limit=0) == []
    future.set_result(None)
    await task
    assert task.get_stack() == []


async def test_get_stack_of_a_failed_task_is_its_traceback(loop, aio):
    def fail():
        raise ValueError("here")

    async def body():
        fail()

    task = aio.Task(body(), loop=loop)
    with pytest.raises(ValueError, match="here"):
        await task
    names = [frame.f_code.co_name for frame in task.get_stack()]
    assert names[:2] == ["body", "fail"] or names[-2:] == ["body", "fail"]
    assert len(task.get_stack(limit=1)) == 1


async def test_print_stack_says_where_a_task_waits(loop, aio):
    async def body():
        await future

    future = aio.Future(loop=loop)
    task = aio.Task(body(), loop=loop)
    await aio.sleep(0)
    out = io.StringIO()
    task.print_stack(file=out)
    assert out.getvalue().startswith("Stack for <Task pending")
    assert "await future" in out.getvalue()
    future.set_result(None)
    await task
    out = io.StringIO()
    task.print_stack(file=out)
    assert out.getvalue().startswith("No stack for <Task finished")


async def test_classes_can_be_subscribed(loop, aio):
    for cls in (aio.Future, aio.Task):
        alias = cls[int]
        assert isinstance(alias, types.GenericAlias)
        assert alias.__origin__ is cls
        assert alias.__args__ == (int,)


async def test_pickling_and_copying_are_refused(loop, aio):
    for thing in (aio.Future(loop=loop), asyncio.current_task()):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match=r"cannot pickle '.*(Future|Task)' object"):
                pickle.dumps(thing, protocol)
        with pytest.raises(TypeError):
            copy.copy(thing)


async def test_weak_references_end_with_their_objects(loop, aio):
    async def refer():
        things = aio.Future(loop=loop), aio.Task(aio.sleep(0), loop=loop)
        await things[1]
        return [weakref.ref(thing, lambda _: ended.append(True)) for thing in things]

    ended = []
    references = await refer()
    await aio.sleep(0)  # what woke this task up refers to what it waited for
    gc.collect()
    assert [reference() for reference in references] == [None, None]
    assert ended == [True, True]


async def test_cycles_are_collected(loop, aio):
    class Marker:
        pass

    def cycles():
        future = aio.Future(loop=loop)
        future.add_done_callback(lambda _, future=future: None)
        through_result = aio.Future(loop=loop)
        through_result.set_result(through_result)
        through_attribute = aio.Future(loop=loop)
        through_attribute.me = through_attribute
        inner = aio.Future(loop=loop)
        inner.outer = aio.shield(inner)
        child = aio.Future(loop=loop)
        child.parent = aio.gather(child)
        for owner in (future, through_result, through_attribute, inner, child):
            owner.marker = Marker()
            markers.append(weakref.ref(owner.marker))

    markers = []
    cycles()
    gc.collect()
    assert [marker() for marker in markers] == [None] * 5


async def test_a_task_that_waits_for_a_future_that_only_it_knows_is_collected(loop, aio, errors):
    async def body():
        await aio.Future(loop=loop)

    task = aio.Task(body(), loop=loop)
    await aio.sleep(0)
    reference = weakref.ref(task)
    del task
    gc.collect()
    context = errors.take_one()
    assert context["message"] == "Task was destroyed but it is pending!"
    context.clear()  # which has the task
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("kind", ["Future", "Task", "subclass of Future", "subclass of Task"])
async def test_an_exception_that_nobody_looks_at_is_reported_when_it_goes_away(loop, aio, errors, kind):
    class MyFuture(aio.Future):
        pass

    class MyTask(aio.Task):
        pass

    async def body():
        raise ValueError("unseen")

    if kind.endswith("Task"):
        future = (MyTask if "sub" in kind else aio.Task)(body(), loop=loop)
        await aio.sleep(0)
        await aio.sleep(0)
    else:
        future = (MyFuture if "sub" in kind else aio.Future)(loop=loop)
        future.set_exception(ValueError("unseen"))
    name = type(future).__name__
    del future
    gc.collect()
    context = errors.take_one()
    assert context["message"] == f"{name} exception was never retrieved"
    assert str(context["exception"]) == "unseen"


@pytest.mark.parametrize("look", ["exception", "result", "await", "log_traceback", "cancel"])
async def test_an_exception_that_somebody_looks_at_is_not_reported(loop, aio, errors, look):
    future = aio.Future(loop=loop)
    future.set_exception(ValueError("seen"))
    if look == "exception":
        future.exception()
    elif look == "log_traceback":
        future._log_traceback = False
    elif look == "cancel":
        future.cancel()
    else:
        with pytest.raises(ValueError, match="seen"):
            await future if look == "await" else future.result()
    del future
    gc.collect()
    assert errors.take() == []


@pytest.mark.parametrize("subclassed", [False, True], ids=["itself", "subclass"])
def test_a_pending_task_that_goes_away_with_a_closed_loop_is_reported(loop, aio, errors, subclassed):
    class MyTask(aio.Task):
        pass

    async def body():
        await loop.create_future()

    task = (MyTask if subclassed else aio.Task)(body(), loop=loop, name="left")
    turn(loop)
    loop.close()
    del task
    gc.collect()
    context = errors.take_one()
    assert context["message"] == "Task was destroyed but it is pending!"
    assert context["task"].get_name() == "left"
    context.clear()


def test_a_task_that_never_began_in_a_closed_loop_is_reported_with_its_coroutine(loop, aio, errors):
    async def body():
        pass

    task = aio.Task(body(), loop=loop)
    loop.close()
    del task
    gc.collect()
    context = errors.take_one()
    assert context["message"] == "Task was destroyed but it is pending!"
    with pytest.warns(RuntimeWarning, match="was never awaited"):
        context.clear()


def test_a_finalizer_of_a_subclass_can_call_asyncio_s(loop, aio, errors):
    class MyFuture(aio.Future):
        def __del__(self):
            ended.append(True)
            super().__del__()

    ended = []
    future = MyFuture(loop=loop)
    future.set_exception(ValueError("unseen"))
    del future
    gc.collect()
    assert ended == [True]
    assert errors.take_one()["message"] == "MyFuture exception was never retrieved"


async def test_a_future_keeps_the_rules_of_set_exception(loop, aio):
    future = aio.Future(loop=loop)
    with pytest.raises(TypeError):
        future.set_exception(42)
    with pytest.raises(TypeError):
        future.set_exception(int)
    with pytest.raises((TypeError, RuntimeError)) if PY < (3, 13) else pytest.raises(RuntimeError):
        future.set_exception(StopIteration)
        raise future.exception()
    classy = aio.Future(loop=loop)
    classy.set_exception(ValueError)
    assert type(classy.exception()) is ValueError
    with pytest.raises(asyncio.InvalidStateError):
        classy.set_result(1)
    with pytest.raises(asyncio.InvalidStateError):
        classy.set_exception(ValueError)
    pending = aio.Future(loop=loop)
    for ask in (pending.result, pending.exception):
        with pytest.raises(asyncio.InvalidStateError):
            ask()
    pending.cancel("why")
    for ask in (pending.result, pending.exception):
        with pytest.raises(asyncio.CancelledError) as caught:
            ask()
        assert caught.value.args == ("why",)


async def test_tasks_refuse_results(loop, aio):
    task = aio.Task(aio.sleep(0), loop=loop)
    with pytest.raises(RuntimeError, match="does not support set_result"):
        task.set_result(1)
    with pytest.raises(RuntimeError, match="does not support set_exception"):
        task.set_exception(ValueError())
    await task
    assert task.get_coro() is not None


async def test_comparing_callbacks_may_change_them(loop, aio):
    class Comparing:
        def __init__(self, action):
            self.action = action

        def __call__(self, _):
            pass

        def __eq__(self, other):
            action, self.action = self.action, lambda: None
            action()
            return False

        __hash__ = None

    def removed(_):
        pass

    log = []
    future = aio.Future(loop=loop)
    future.add_done_callback(Comparing(lambda: future.add_done_callback(log.append)))
    future.add_done_callback(removed)
    future.add_done_callback(print)
    assert future.remove_done_callback(removed) == 1
    assert [callback for callback, _ in future._callbacks][1:] == [print, log.append]
    assert future.remove_done_callback(print) == 1
    future.cancel()
    await aio.sleep(0)
    assert log == [future]

    future = aio.Future(loop=loop)
    future.add_done_callback(log.append)
    future.add_done_callback(Comparing(future.cancel))
    future.add_done_callback(removed)
    future.remove_done_callback(removed)  # What asyncio returns then is wrong.
    assert not future._callbacks
    await aio.sleep(0)


async def test_what_is_no_exception_class_is_not_called(loop, aio):
    future = aio.Future(loop=loop)
    for wrong in (type, int, 5, None):
        with pytest.raises(TypeError, match="invalid exception object"):
            future.set_exception(wrong)
    future.set_exception(LookupError)
    with pytest.raises(LookupError):
        await future


async def test_wrong_keywords_of_create_task(loop, aio):
    for create in (aio.create_task, loop.create_task):
        coroutine = aio.sleep(0)
        with pytest.raises(TypeError, match="got an unexpected keyword argument 'wrong'"):
            create(coroutine, wrong=1)
        if PY < (3, 13):
            with pytest.raises(TypeError, match="got an unexpected keyword argument 'eager_start'"):
                create(coroutine, eager_start=True)
        coroutine.close()


async def test_done_callbacks_are_called_soon_in_order_and_in_their_context(loop, aio):
    future = aio.Future(loop=loop)
    log = []
    callbacks = [lambda _, number=number: log.append(number) for number in range(3)]
    for callback in (*callbacks, callbacks[1]):
        future.add_done_callback(callback)
    assert future.remove_done_callback(callbacks[1]) == 2
    assert future.remove_done_callback(callbacks[1]) == 0
    future.set_result(None)
    assert log == []
    future.add_done_callback(callbacks[1])
    await aio.sleep(0)
    assert log == [0, 2, 1]
