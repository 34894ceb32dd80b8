"""Random programs of tasks, futures and combinators: every event happens in the order in which asyncio has it."""

import asyncio
import contextlib
import random
import sys

import ferrio
import pytest

SEEDS = range(150)
MAX_TASKS = 14


class Program:
    """A program that a seed determines, but for the order in which its tasks run; that order is its log."""

    def __init__(self, aio, loop, seed):
        self.aio = aio
        self.loop = loop
        self.seed = seed
        self.log = []
        self.tasks = []
        self.futures = [loop.create_future() for _ in range(4)]
        for number, future in enumerate(self.futures):
            future.add_done_callback(lambda _, number=number: self.note("future", number))

    def note(self, *event):
        self.log.append(event)

    def spawn(self, depth):
        number = len(self.tasks)
        task = self.loop.create_task(self.body(number, depth), name=f"task {number}")
        task.add_done_callback(lambda task: self.note("done", number, outcome(task)))
        self.tasks.append(task)
        return task

    async def body(self, number, depth):
        choice = random.Random(f"{self.seed} {number}")
        self.note("start", number)
        for step in range(choice.randrange(1, 5)):
            try:
                result = await self.step(choice, depth)
                self.note("step", number, step, describe(result))
            except asyncio.CancelledError as error:
                self.note("cancelled", number, step, error.args)
                if choice.random() < 0.6:
                    raise
                asyncio.current_task().uncancel()
            except (ValueError, TimeoutError, RuntimeError, ExceptionGroup) as error:
                self.note("error", number, step, describe(error))
        if choice.random() < 0.2:
            raise ValueError(number)
        return number

    def others(self, choice):
        """Some tasks, not those that would wait for themselves."""
        mine = asyncio.current_task()
        later = self.tasks[self.tasks.index(mine) + 1 :]
        return choice.sample(later, min(len(later), 2))

    async def step(self, choice, depth):
        if depth < 3 and len(self.tasks) < MAX_TASKS and choice.random() < 0.5:
            self.spawn(depth + 1)
        others = self.others(choice)
        future = choice.choice(self.futures)
        match choice.randrange(13):
            case 0:
                return await self.aio.sleep(0, "slept")
            case 1 if others:
                return await others[0]
            case 2 if others:
                return others[0].cancel(choice.choice([None, "message"]))
            case 3 if others:
                return await self.aio.gather(*others, return_exceptions=choice.random() < 0.5)
            case 4 if others:
                return await self.aio.shield(others[0])
            case 5 if others:
                done, pending = await self.aio.wait(others, return_when=asyncio.FIRST_COMPLETED)
                return sorted(map(self.tasks.index, done)), sorted(map(self.tasks.index, pending))
            case 6:
                if not future.done():
                    future.set_result("result")
                return None
            case 7:
                async with self.aio.timeout(choice.choice([None, 0])):
                    return await self.aio.sleep(0)
            case 8:
                return await self.aio.wait_for(self.aio.sleep(0, "in time"), None)
            case 9:
                self.loop.call_soon(self.note, "called")
                return await future if future.done() else None
            case 10 if depth < 3 and len(self.tasks) < MAX_TASKS:
                async with self.aio.TaskGroup() as group:
                    group.create_task(self.child(choice.random() < 0.5))
                    group.create_task(self.child(False))
                return "group"
            case 11:
                asyncio.current_task().cancel("myself")
                return await self.aio.sleep(0)
            case _:
                for _ in range(choice.randrange(4)):
                    await self.aio.sleep(0)
                return None

    async def child(self, fails):
        await self.aio.sleep(0)
        self.note("child")
        if fails:
            raise ValueError("child")

    async def main(self):
        first = [self.spawn(0) for _ in range(3)]
        for _ in range(60):
            await self.aio.sleep(0)
        for future in self.futures:
            if not future.done():
                future.set_result("late")
        for task in first + self.tasks:
            task.cancel()
            with contextlib.suppress(BaseException):
                await task
        for task in self.tasks:
            assert task.done()


def outcome(task):
    if task.cancelled():
        return "cancelled"
    return describe(task.exception() or task.result())


def describe(result):
    if isinstance(result, BaseExceptionGroup):
        return type(result).__name__, [describe(error) for error in result.exceptions]
    if isinstance(result, BaseException):
        return type(result).__name__, str(result)
    if isinstance(result, list):
        return [describe(item) for item in result]
    return result


def events(aio, new_event_loop, seed):
    loop = new_event_loop()
    try:
        program = Program(aio, loop, seed)
        loop.run_until_complete(program.main())
        return program.log
    finally:
        loop.close()


@pytest.mark.parametrize("aio", [asyncio, ferrio], ids=["asyncio's names", "ferrio's names"])
@pytest.mark.parametrize("seed", SEEDS)
def test_events_in_asyncio_s_order(aio, seed):
    if aio is ferrio and sys.version_info < (3, 13):
        pytest.skip("ferrio's TaskGroup and timeout are those of newer versions")
    expected = events(asyncio, asyncio.SelectorEventLoop, seed)
    assert events(aio, ferrio.new_event_loop, seed) == expected
    assert len(expected) > 5
