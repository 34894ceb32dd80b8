"""Random programs of tasks, futures and combinators: every event happens in the order in which asyncio has it."""

import asyncio
import contextlib
import random

import ferrio
import pytest

from tests.harness import PY

SEEDS = range(300)
MAX_TASKS = 16

# ferrio's are the newest asyncio's on every Python: where the running Python's own differ, programs do without.
SAME_TASK_GROUP = PY >= (3, 13)
SAME_TIMEOUT = PY >= (3, 13)


class Awaitable:
    """Something to await that is neither a coroutine nor a future."""

    def __init__(self, awaitable):
        self.awaitable = awaitable

    def __await__(self):
        return self.awaitable.__await__()


class Program:
    """A program that a seed determines, but for the order in which its tasks run; that order is its log."""

    def __init__(self, aio, loop, seed):
        self.aio = aio
        self.loop = loop
        self.seed = seed
        self.callbacks = random.Random(f"{seed} callbacks")
        self.log = []
        self.tasks = []
        self.futures = [loop.create_future() for _ in range(4)]
        for number, future in enumerate(self.futures):
            future.add_done_callback(lambda _, number=number: self.note("future", number))

    def note(self, *event):
        self.log.append(event)

    def spawn(self, depth, kind=0):
        number = len(self.tasks)
        name, body = f"task {number}", self.body(number, depth)
        # Its place, because an eager task begins before it is known.
        self.tasks.append(None)
        match kind:
            case 1:
                task = asyncio.Task(body, loop=self.loop, name=name)
            case 2 if PY >= (3, 12):
                task = self.aio.Task(body, loop=self.loop, name=name, eager_start=True)
            case _:
                task = self.loop.create_task(body, name=name)
        self.tasks[number] = task
        task.add_done_callback(lambda task: self.on_done(number, task))
        return task

    def on_done(self, number, task):
        """What a task's end leads to: sometimes the end or the beginning of another."""
        self.note("done", number, outcome(task))
        known = [task for task in self.tasks if task is not None]
        match self.callbacks.randrange(8):
            case 0:
                self.note("cancels", self.callbacks.choice(known).cancel("by a callback"))
            case 1 if len(self.tasks) < MAX_TASKS:
                self.spawn(3, self.callbacks.randrange(2))

    async def body(self, number, depth):
        choice = random.Random(f"{self.seed} {number}")
        self.note("start", number)
        for step in range(choice.randrange(1, 5)):
            try:
                result = await self.step(number, choice, depth)
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

    def others(self, number, choice):
        """Some tasks, not those that would wait for themselves."""
        later = [task for task in self.tasks[number + 1 :] if task is not None]
        return choice.sample(later, min(len(later), 2))

    async def step(self, number, choice, depth):
        if depth < 3 and len(self.tasks) < MAX_TASKS and choice.random() < 0.5:
            self.spawn(depth + 1, choice.randrange(4))
        others = self.others(number, choice)
        future = choice.choice(self.futures)
        match choice.randrange(20):
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
            case 7 if SAME_TIMEOUT:
                async with self.aio.timeout(choice.choice([None, 0])):
                    return await self.aio.sleep(0)
            case 8:
                return await self.aio.wait_for(self.aio.sleep(0, "in time"), None)
            case 9:
                self.loop.call_soon(self.note, "called")
                return await future if future.done() else None
            case 10 if SAME_TASK_GROUP and depth < 3 and len(self.tasks) < MAX_TASKS:
                async with self.aio.TaskGroup() as group:
                    group.create_task(self.child(choice.random() < 0.5))
                    group.create_task(self.child(False))
                return "group"
            case 11:
                asyncio.current_task().cancel("myself")
                return await self.aio.sleep(0)
            case 12 if others:
                # One task at a time: those that are done already come in no particular order.
                return [await each for each in self.aio.as_completed(others[:1])]
            case 13 if others and PY >= (3, 13):
                async for task in self.aio.as_completed(others[:1]):
                    return self.tasks.index(task)
            case 14 if SAME_TIMEOUT:
                async with self.aio.timeout(choice.choice([None, 0])) as outer:
                    async with self.aio.timeout(choice.choice([None, 0])) as inner:
                        if choice.random() < 0.3:
                            inner.reschedule(choice.choice([None, self.loop.time()]))
                        await self.aio.sleep(0)
                        await self.aio.sleep(0)
                return outer.expired(), inner.expired()
            case 15:
                ensured = self.aio.ensure_future(Awaitable(future) if future.done() else self.child(False))
                return await ensured
            case 16 if others:
                done, pending = await self.aio.wait(others, timeout=0)
                return sorted(map(self.tasks.index, done)), sorted(map(self.tasks.index, pending))
            case 17 if others:
                return await self.aio.wait_for(others[0], choice.choice([None, 0]))
            case 18 if others:
                shield = self.aio.shield(others[0])
                self.loop.call_soon(shield.cancel)
                return await shield
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
        for kind in range(3):
            self.spawn(0, kind)
        for _ in range(60):
            await self.aio.sleep(0)
        for future in self.futures:
            if not future.done():
                future.set_result("late")
        self.callbacks = random.Random(0)
        for task in self.tasks:  # which callbacks may make longer
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
    expected = events(asyncio, asyncio.SelectorEventLoop, seed)
    assert events(aio, ferrio.new_event_loop, seed) == expected
    assert len(expected) > 5
