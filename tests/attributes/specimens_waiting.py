"""Specimens: handles, futures, tasks, and what tasks wait for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from tests.attributes.walking import Side, kind


def nothing(*_: object) -> None:
    pass


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait for their ends."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


@kind("Handle", "scheduled", "run", "cancelled")
async def handle(side: Side) -> AsyncIterator[object]:
    handle = side.loop.call_soon(nothing, 1)
    yield handle
    await asyncio.sleep(0)
    yield handle
    handle = side.loop.call_soon(nothing)
    handle.cancel()
    yield handle


@kind("TimerHandle", "scheduled", "run", "cancelled")
async def timer(side: Side) -> AsyncIterator[object]:
    timer = side.loop.call_later(0, nothing, 1)
    yield timer
    await asyncio.sleep(0.01)
    yield timer
    timer = side.loop.call_later(100, nothing)
    timer.cancel()
    yield timer


@kind("Future", "pending", "waited for", "result", "exception", "looked at", "cancelled")
async def future(side: Side) -> AsyncIterator[object]:
    future = side.aio.Future(loop=side.loop)
    yield future
    future.add_done_callback(nothing)
    future.add_done_callback(nothing)
    yield future
    future.set_result(5)
    yield future
    future = side.aio.Future(loop=side.loop)
    future.set_exception(KeyError("x"))
    yield future
    future.exception()
    yield future
    future = side.aio.Future(loop=side.loop)
    future.cancel("message")
    yield future


@kind("Task", "made", "waits", "is cancelled", "cancelled", "result", "exception")
async def task(side: Side) -> AsyncIterator[object]:
    task = side.aio.Task(forever(), loop=side.loop, name="task")
    yield task
    await asyncio.sleep(0)
    yield task
    task.cancel("message")
    yield task
    await end(task)
    yield task

    async def give() -> int:
        return 5

    task = side.aio.Task(give(), loop=side.loop, name="task")
    await task
    yield task

    async def fail() -> None:
        raise KeyError("x")

    task = side.aio.Task(fail(), loop=side.loop, name="task")
    await end(task)
    yield task


@kind("_GatheringFuture", "pending", "is cancelled", "cancelled", "result")
async def gathering(side: Side) -> AsyncIterator[object]:
    gathering = side.aio.gather(forever(), forever())
    yield gathering
    await asyncio.sleep(0)
    gathering.cancel()
    yield gathering
    with contextlib.suppress(asyncio.CancelledError):
        await gathering
    yield gathering
    gathering = side.aio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2))
    await gathering
    yield gathering


@kind("_AsCompletedIterator", "begun", "over")
async def as_completed(side: Side) -> AsyncIterator[object]:
    iterator = side.aio.as_completed([asyncio.sleep(0, 1)])
    yield iterator
    for it in iterator:
        await it
    yield iterator


@kind("Timeout", "made", "entered", "left", "without a limit", "expiring", "expired")
async def timeout(side: Side) -> AsyncIterator[object]:
    timeout = side.aio.Timeout(1e9)
    yield timeout
    async with timeout:
        yield timeout
    yield timeout
    timeout = side.aio.Timeout(None)
    async with timeout:
        yield timeout
    timeout = side.aio.Timeout(0)
    with contextlib.suppress(TimeoutError):
        async with timeout:
            with contextlib.suppress(asyncio.CancelledError):
                await forever()
            yield timeout
    yield timeout


@kind("TaskGroup", "made", "entered", "has tasks", "is aborted", "left")
async def task_group(side: Side) -> AsyncIterator[object]:
    group = side.aio.TaskGroup()
    yield group
    with contextlib.suppress(BaseExceptionGroup):
        async with group:
            yield group
            group.create_task(forever())
            yield group

            async def fail() -> None:
                raise KeyError("x")

            group.create_task(fail())
            with contextlib.suppress(asyncio.CancelledError):
                await forever()
            yield group
    yield group


@kind("Lock", "fresh", "held", "waited for", "released")
async def lock(side: Side) -> AsyncIterator[object]:
    lock = side.aio.Lock()
    yield lock
    await lock.acquire()
    yield lock
    waiting = side.loop.create_task(lock.acquire())
    await asyncio.sleep(0)
    yield lock
    await end(waiting)
    lock.release()
    yield lock


@kind("Event", "fresh", "waited for", "set")
async def event(side: Side) -> AsyncIterator[object]:
    event = side.aio.Event()
    yield event
    waiting = side.loop.create_task(event.wait())
    await asyncio.sleep(0)
    yield event
    event.set()
    await waiting
    yield event


@kind("Condition", "fresh", "held", "waited for")
async def condition(side: Side) -> AsyncIterator[object]:
    condition = side.aio.Condition()
    yield condition
    async with condition:
        yield condition
    waiting = side.loop.create_task(wait_in(condition))
    await asyncio.sleep(0)
    yield condition
    await end(waiting)


async def wait_in(condition: asyncio.Condition) -> None:
    async with condition:
        await condition.wait()


async def semaphore_states(side: Side, semaphore: asyncio.Semaphore) -> AsyncIterator[object]:
    yield semaphore
    await semaphore.acquire()
    yield semaphore
    waiting = side.loop.create_task(semaphore.acquire())
    await asyncio.sleep(0)
    yield semaphore
    await end(waiting)
    semaphore.release()
    yield semaphore


SEMAPHORE = ("fresh", "taken", "waited for", "released")


@kind("Semaphore", *SEMAPHORE)
async def semaphore(side: Side) -> AsyncIterator[object]:
    async for it in semaphore_states(side, side.aio.Semaphore(1)):
        yield it


@kind("BoundedSemaphore", *SEMAPHORE)
async def bounded_semaphore(side: Side) -> AsyncIterator[object]:
    async for it in semaphore_states(side, side.aio.BoundedSemaphore(1)):
        yield it


@kind("Barrier", "fresh", "waited for", "passed", "broken")
async def barrier(side: Side) -> AsyncIterator[object]:
    barrier = side.aio.Barrier(2)
    yield barrier
    waiting = side.loop.create_task(barrier.wait())
    await asyncio.sleep(0)
    yield barrier
    await barrier.wait()
    await waiting
    yield barrier
    await barrier.abort()
    yield barrier


async def queue_states(side: Side, queue: asyncio.Queue[int]) -> AsyncIterator[object]:
    yield queue
    getting = side.loop.create_task(queue.get())
    await asyncio.sleep(0)
    yield queue
    await end(getting)
    queue.put_nowait(1)
    yield queue
    putting = side.loop.create_task(queue.put(2))
    await asyncio.sleep(0)
    yield queue
    await end(putting)
    queue.get_nowait()
    queue.task_done()
    yield queue


QUEUE = ("fresh", "waited for", "full", "waited for room", "empty again")


@kind("Queue", *QUEUE)
async def queue(side: Side) -> AsyncIterator[object]:
    async for it in queue_states(side, side.aio.Queue(1)):
        yield it


@kind("LifoQueue", *QUEUE)
async def lifo_queue(side: Side) -> AsyncIterator[object]:
    async for it in queue_states(side, side.aio.LifoQueue(1)):
        yield it


@kind("PriorityQueue", *QUEUE)
async def priority_queue(side: Side) -> AsyncIterator[object]:
    async for it in queue_states(side, side.aio.PriorityQueue(1)):
        yield it
