"""Python 3.14's call graph of tasks and futures of either kind."""

import asyncio
import sys

import ferrio
import pytest

pytestmark = pytest.mark.skipif(sys.version_info < (3, 14), reason="the call graph is new in 3.14")

both = pytest.mark.parametrize("others", [asyncio, ferrio], ids=["asyncio's", "ferrio's"])


async def relay(awaitable):
    return await awaitable


def waiters(future):
    return {graph.future for graph in asyncio.capture_call_graph(future).awaited_by}


@both
async def test_a_task_that_awaits_is_seen(loop, aio, others):
    future = aio.Future(loop=loop)
    tasks = {others.Task(relay(future), loop=loop) for _ in range(2)}
    await asyncio.sleep(0)
    assert waiters(future) == tasks
    future.set_result(None)
    await asyncio.gather(*tasks)
    assert waiters(future) == set()


@both
async def test_a_chain_is_seen_from_its_end(loop, aio, others):
    future = aio.Future(loop=loop)
    inner = others.Task(relay(future), loop=loop)
    outer = aio.Task(relay(inner), loop=loop)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    (graph,) = asyncio.capture_call_graph(future).awaited_by
    assert graph.future is inner
    assert [entry.frame.f_code.co_name for entry in graph.call_stack] == ["relay"]
    (graph,) = graph.awaited_by
    assert graph.future is outer
    future.set_result(None)
    await outer


@both
@pytest.mark.parametrize("combinator", ["gather", "wait", "shield", "as_completed", "TaskGroup"])
async def test_a_task_that_waits_through_a_combinator_is_seen(loop, aio, others, combinator):
    future = others.Future(loop=loop)
    child = others.Task(relay(future), loop=loop)

    async def body():
        match combinator:
            case "gather":
                await aio.gather(child)
            case "wait":
                await aio.wait([child])
            case "shield":
                await aio.shield(child)
            case "as_completed":
                async for _ in aio.as_completed([child]):
                    pass
            case "TaskGroup":
                async with aio.TaskGroup() as group:
                    children.append(group.create_task(relay(future)))

    children = [child]
    task = aio.Task(body(), loop=loop)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert waiters(children[-1]) == {task}
    future.set_result(None)
    await task
    assert waiters(children[-1]) == set()
    await child


async def test_waiters_can_be_told(loop, aio):
    future, task = aio.Future(loop=loop), asyncio.current_task()
    asyncio.future_add_to_awaited_by(future, task)
    assert waiters(future) == {task}
    asyncio.future_discard_from_awaited_by(future, task)
    assert waiters(future) == set()


async def test_the_graph_can_be_printed(loop, aio):
    future = aio.Future(loop=loop)
    task = aio.Task(relay(future), loop=loop, name="waiting")
    await asyncio.sleep(0)
    text = asyncio.format_call_graph(future)
    assert "* Future(id=" in text
    assert "name='waiting'" in text
    assert "relay" in text
    future.set_result(None)
    await task
