"""`TaskGroup`: tasks that end together, and the group of their exceptions."""

import asyncio
import contextlib
import sys

import ferrio
import pytest

from tests.harness import PY


async def fail(aio, exception, turns=0):
    for _ in range(turns):
        await aio.sleep(0)
    raise exception


async def forever(loop, log, name):
    try:
        await loop.create_future()
    except asyncio.CancelledError:
        log.append(name)
        raise


def flat(group):
    """The exceptions of a group, groups in groups as lists."""
    return [
        flat(error) if isinstance(error, BaseExceptionGroup) else repr(error) for error in group.exceptions
    ]


async def test_the_block_ends_when_the_last_task_has_ended(loop, aio):
    log = []

    async def child(turns):
        for _ in range(turns):
            await aio.sleep(0)
        log.append(turns)

    async with aio.TaskGroup() as group:
        for turns in (3, 1, 2):
            group.create_task(child(turns))
        log.append("body")
    assert log == ["body", 1, 2, 3]


async def test_a_child_can_add_children_while_the_block_ends(loop, aio):
    log = []

    async def child(depth):
        await aio.sleep(0)
        log.append(depth)
        if depth:
            group.create_task(child(depth - 1))

    async with aio.TaskGroup() as group:
        group.create_task(child(3))
    assert log == [3, 2, 1, 0]


async def test_an_exception_of_a_child_cancels_the_others_and_the_body(loop, aio):
    log = []
    with pytest.raises(ExceptionGroup) as caught:
        async with aio.TaskGroup() as group:
            group.create_task(forever(loop, log, "sibling"))
            group.create_task(fail(aio, ValueError("child"), 1))
            await forever(loop, log, "body")
    assert flat(caught.value) == ["ValueError('child')"]
    assert sorted(log) == ["body", "sibling"]
    assert asyncio.current_task().cancelling() == 0


async def test_an_exception_of_the_body_cancels_the_children(loop, aio):
    log = []
    with pytest.raises(ExceptionGroup) as caught:
        async with aio.TaskGroup() as group:
            group.create_task(forever(loop, log, "child"))
            await aio.sleep(0)
            raise ValueError("body")
    assert flat(caught.value) == ["ValueError('body')"]
    assert log == ["child"]


async def test_exceptions_of_the_body_and_of_children_come_in_one_group(loop, aio):
    async def child():
        try:
            await loop.create_future()
        finally:
            raise TypeError("child")

    with pytest.raises(ExceptionGroup) as caught:
        async with aio.TaskGroup() as group:
            group.create_task(child())
            await aio.sleep(0)
            raise ValueError("body")
    assert flat(caught.value) == ["TypeError('child')", "ValueError('body')"]
    assert caught.value.message == "unhandled errors in a TaskGroup"


async def test_nested_groups_nest_their_exceptions(loop, aio):
    log = []
    with pytest.raises(ExceptionGroup) as caught:
        async with aio.TaskGroup() as outer:
            outer.create_task(forever(loop, log, "outer child"))
            async with aio.TaskGroup() as inner:
                inner.create_task(forever(loop, log, "inner child"))
                inner.create_task(fail(aio, ValueError("inner"), 1))
    assert flat(caught.value) == [["ValueError('inner')"]]
    assert sorted(log) == ["inner child", "outer child"]
    if aio is ferrio or PY >= (3, 13):  # asyncio's older groups leave the request behind
        assert asyncio.current_task().cancelling() == 0


async def test_an_exception_outside_ends_the_group_inside(loop, aio):
    log = []
    with pytest.raises(ExceptionGroup) as caught:
        async with aio.TaskGroup() as outer:
            outer.create_task(fail(aio, ValueError("outer"), 1))
            async with aio.TaskGroup() as inner:
                inner.create_task(forever(loop, log, "inner child"))
                await forever(loop, log, "inner body")
    assert flat(caught.value) == ["ValueError('outer')"]
    assert sorted(log) == ["inner body", "inner child"]


async def test_a_cancellation_from_outside_is_raised_when_the_children_have_ended(loop, aio):
    log = []

    async def body():
        async with aio.TaskGroup() as group:
            group.create_task(forever(loop, log, "child"))
            await loop.create_future()

    task = aio.create_task(body())
    await aio.sleep(0)
    await aio.sleep(0)
    task.cancel("outside")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["child"]
    assert task.cancelled()
    assert task.cancelling() == 1


async def test_a_child_that_is_cancelled_alone_changes_nothing(loop, aio):
    async with aio.TaskGroup() as group:
        child = group.create_task(aio.sleep(10))
        other = group.create_task(aio.sleep(0, "other"))
        await aio.sleep(0)
        child.cancel()
    assert child.cancelled()
    assert other.result() == "other"


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit])
def test_base_exceptions_of_children_are_raised_alone(loop, aio, exception):
    log = []

    async def body():
        with pytest.raises(exception):
            async with aio.TaskGroup() as group:
                group.create_task(forever(loop, log, "sibling"))
                group.create_task(fail(aio, exception("child"), 1))
                await loop.create_future()
        log.append("body")

    task = loop.create_task(body())
    with pytest.raises(exception):
        loop.run_until_complete(task)  # it leaves the loop, too; which goes on afterwards
    loop.run_until_complete(task)
    assert log == ["sibling", "body"]


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit])
async def test_base_exceptions_of_the_body_are_raised_alone(loop, aio, exception):
    log = []
    with pytest.raises(exception, match="body"):
        async with aio.TaskGroup() as group:
            group.create_task(forever(loop, log, "child"))
            await aio.sleep(0)
            raise exception("body")
    assert log == ["child"]


async def test_other_base_exceptions_come_in_a_base_group(loop, aio):
    class Unusual(BaseException):
        pass

    with pytest.raises(BaseExceptionGroup) as caught:
        async with aio.TaskGroup() as group:
            group.create_task(fail(aio, Unusual()))
    assert not isinstance(caught.value, ExceptionGroup)


async def refused(group, coroutine, message):
    with contextlib.closing(coroutine), pytest.raises(RuntimeError, match=message):
        group.create_task(coroutine)


async def test_no_task_is_made_before_the_block_or_after_it_or_while_it_is_cancelled(loop, aio):
    group = aio.TaskGroup()
    await refused(group, aio.sleep(0), "has not been entered")
    with pytest.raises(ExceptionGroup):
        async with group:
            group.create_task(fail(aio, ValueError()))
            try:
                await loop.create_future()
            except asyncio.CancelledError:
                await refused(group, aio.sleep(0), "is shutting down")
                raise
    await refused(group, aio.sleep(0), "is finished")


async def test_a_group_is_entered_once_and_in_a_task(loop, aio):
    async with aio.TaskGroup() as group:
        pass
    with pytest.raises(RuntimeError, match="has already been entered"):
        await group.__aenter__()


async def test_tasks_have_the_name_and_context_that_are_given(loop, aio):
    async with aio.TaskGroup() as group:
        task = group.create_task(aio.sleep(0), name="name")
        assert task.get_name() == "name"
        assert repr(group) == "<TaskGroup tasks=1 entered>"


# What follows is the newest asyncio's, which ferrio has on every Python.

newest = pytest.mark.ferrio_only


@newest
async def test_a_failing_group_in_a_cancelled_task_leaves_the_cancellation(loop, aio):
    """Python 3.13: the count of requests is kept, and the request made again."""

    async def body():
        try:
            async with aio.TaskGroup() as group:
                group.create_task(fail_when_cancelled())
                await loop.create_future()
        except ExceptionGroup:
            counts.append(asyncio.current_task().cancelling())
            await aio.sleep(0)  # raises CancelledError
        counts.append("not cancelled")

    async def fail_when_cancelled():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            raise ValueError("child") from None

    counts = []
    task = aio.create_task(body())
    await aio.sleep(0)
    await aio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert counts == [1]


@newest
async def test_a_group_inside_does_not_take_the_cancellation_of_the_group_outside(loop, aio):
    """Since Python 3.13, if both groups fail in the same iteration, each raises its own exceptions."""
    with pytest.raises(ExceptionGroup) as caught:
        async with aio.TaskGroup() as outer:
            outer.create_task(fail(aio, ValueError("outer")))
            with pytest.raises(ExceptionGroup) as inside:
                async with aio.TaskGroup() as inner:
                    inner.create_task(fail(aio, ValueError("inner")))
                    await loop.create_future()
            await loop.create_future()
    assert flat(inside.value) == ["ValueError('inner')"]
    assert flat(caught.value) == ["ValueError('outer')"]
    assert asyncio.current_task().cancelling() == 0


@newest
async def test_cancel_ends_the_block_without_an_exception(loop, aio):
    """Python 3.15."""
    log = []
    async with aio.TaskGroup() as group:
        group.create_task(forever(loop, log, "child"))
        await aio.sleep(0)
        group.cancel()
        await forever(loop, log, "body")
    assert sorted(log) == ["body", "child"]
    assert asyncio.current_task().cancelling() == 0
    cancelled = aio.TaskGroup()
    cancelled.cancel()
    async with cancelled:
        await forever(loop, log, "cancelled before")
    assert log[-1] == "cancelled before"


@newest
@pytest.mark.parametrize("by_keyword", [False, True] if PY >= (3, 14) else [False])
async def test_an_eager_child_that_fails_at_once_cancels_the_block(loop, aio, by_keyword):
    """Python 3.14: not before the group can know the task."""
    if not by_keyword:
        loop.set_task_factory(aio.eager_task_factory)
    kwargs = {"eager_start": True} if by_keyword else {}
    with pytest.raises(ExceptionGroup) as caught:
        async with aio.TaskGroup() as group:
            group.create_task(fail(aio, ValueError("at once")), **kwargs)
            await loop.create_future()
    assert flat(caught.value) == ["ValueError('at once')"]


@newest
async def test_a_refused_coroutine_is_closed_since_3_13(loop, aio):
    coroutine = aio.sleep(0)
    with pytest.raises(RuntimeError):
        aio.TaskGroup().create_task(coroutine)
    if PY < (3, 13):
        coroutine.close()
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await coroutine


@newest
async def test_exceptions_are_freed_when_the_block_is_over(loop, aio):
    class Heavy(Exception):
        pass

    async def block():
        async with group:
            raise Heavy

    group = aio.TaskGroup()
    try:
        await block()
    except ExceptionGroup as error:
        heavy = error.exceptions[0]
    assert group._errors is None
    assert sys.getrefcount(heavy) <= 3
    assert type(group) is ferrio.TaskGroup


async def test_a_subclass_may_have_arguments_and_attributes_of_its_own(loop, aio):
    class Limited(aio.TaskGroup):
        def __init__(self, limit, *, name):
            super().__init__()
            self.limit, self.name = limit, name

    async with Limited(3, name="limited") as group:
        assert (group.limit, group.name) == (3, "limited")
        task = group.create_task(aio.sleep(0, "result"))
    assert task.result() == "result"
    with pytest.raises(TypeError):
        aio.TaskGroup(3)


async def test_attributes_of_one_s_own(loop, aio):
    group, timeout = aio.TaskGroup(), aio.timeout(None)
    group.mine = timeout.mine = group
    assert group.mine is timeout.mine
    async with group, timeout:
        pass
