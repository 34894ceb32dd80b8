"""Random programs of locks, events, conditions, semaphores and barriers: every event happens in asyncio's order.

Tasks are cancelled wherever they wait, also after they have been woken. The programs run with ferrio's names on
ferrio's loop and on asyncio's, and are compared with asyncio's own names on asyncio's loop.
"""

import asyncio
import contextlib
import random

import ferrio
import pytest

from tests.harness import PY

SEEDS = range(300)
TASKS = 8


class Program:
    """A program that a seed determines, but for the order in which its tasks run; that order is its log."""

    def __init__(self, aio, loop, seed, kind):
        self.loop = loop
        self.seed = seed
        self.log = []
        self.tasks = []
        choice = random.Random(seed)
        self.act = getattr(self, kind)
        self.lock = aio.Lock()
        self.event = aio.Event()
        self.condition = aio.Condition(choice.choice([None, self.lock]))
        self.semaphore = aio.Semaphore(choice.randrange(3))
        self.bounded = aio.BoundedSemaphore(2)
        self.barrier = aio.Barrier(choice.randrange(1, 4))

    def note(self, *event):
        self.log.append(event)

    async def body(self, number):
        choice = random.Random(f"{self.seed} {number}")
        for step in range(choice.randrange(2, 6)):
            self.note("begin", number, step, self.state())
            try:
                result = await self.act(choice, number)
                self.note("step", number, step, result)
            except asyncio.CancelledError as error:
                self.note("cancelled", number, step, error.args)
                if choice.random() < 0.4:
                    raise
                asyncio.current_task().uncancel()
            except (RuntimeError, ValueError, TimeoutError, asyncio.BrokenBarrierError) as error:
                self.note("error", number, step, repr(error))
            self.disturb(choice)
        return number

    def disturb(self, choice):
        """Sometimes cancel a task, at once or in the next iteration, twice or with a message."""
        if choice.random() < 0.35:
            task = choice.choice(self.tasks)
            if task is not asyncio.current_task():
                self.note("cancel", self.tasks.index(task), task.cancel(choice.choice([None, "message"])))
        if choice.random() < 0.15:
            self.loop.call_soon(choice.choice(self.tasks).cancel)

    async def pause(self, choice):
        for _ in range(choice.randrange(3)):
            await asyncio.sleep(0)

    def state(self):
        things = self.lock, self.event, self.condition, self.semaphore, self.bounded, self.barrier
        return [repr(thing).partition(" [")[2] for thing in things]

    async def locks(self, choice, number):
        match choice.randrange(4):
            case 0:
                async with self.lock:
                    self.note("locked", number)
                    await self.pause(choice)
            case 1:
                await self.lock.acquire()
                self.note("locked", number)
                try:
                    await self.pause(choice)
                finally:
                    self.lock.release()
            case 2:
                return await asyncio.wait_for(self.entered(self.lock, choice), choice.choice([None, 0]))
            case 3:
                return self.lock.locked()

    async def entered(self, manager, choice):
        async with manager as value:
            await self.pause(choice)
            return value

    async def events(self, choice, number):
        match choice.randrange(4):
            case 0:
                return await self.event.wait()
            case 1:
                self.event.set()
            case 2:
                self.event.set()
                self.event.clear()
            case 3:
                self.event.clear()
        await self.pause(choice)

    async def semaphores(self, choice, number):
        match choice.randrange(5):
            case 0:
                return await self.entered(self.semaphore, choice)
            case 1:
                return await self.semaphore.acquire()
            case 2:
                self.semaphore.release()
            case 3:
                return await self.entered(self.bounded, choice)
            case 4:
                self.bounded.release()

    async def conditions(self, choice, number):
        match choice.randrange(6):
            case 0 | 1:
                async with self.condition:
                    return await self.condition.wait()
            case 2:
                async with self.condition:
                    await self.pause(choice)
                    self.condition.notify(choice.randrange(3))
                    await self.pause(choice)
            case 3:
                async with self.condition:
                    self.condition.notify_all()
            case 4:
                turns = iter([False, False, "result"])
                async with self.condition:
                    return await self.condition.wait_for(lambda: next(turns, True))
            case 5:
                return await choice.choice([self.condition.wait, self.lock.acquire])()

    async def barriers(self, choice, number):
        match choice.randrange(6):
            case 0 | 1:
                return await self.barrier.wait()
            case 2:
                async with self.barrier as place:
                    await self.pause(choice)
                    return place
            case 3:
                await self.pause(choice)
            case 4:
                await self.barrier.reset()
            case 5 if choice.random() < 0.3:
                await self.barrier.abort()

    async def everything(self, choice, number):
        acts = self.locks, self.events, self.semaphores, self.conditions, self.barriers
        return await choice.choice(acts)(choice, number)

    async def main(self):
        for number in range(TASKS):
            task = self.loop.create_task(self.body(number), name=f"task {number}")
            task.add_done_callback(lambda task, number=number: self.note("done", number, task.cancelled()))
            self.tasks.append(task)
        for _ in range(40):
            await asyncio.sleep(0)
        self.note("state", self.state())
        for task in self.tasks:
            while not task.done():
                task.cancel("end")
                # Who takes a lock again after a cancellation must be left alone for as long as that takes.
                for _ in range(2 * TASKS):
                    await asyncio.sleep(0)
                    for lock in self.lock, self.condition:
                        if lock.locked():
                            lock.release()
            with contextlib.suppress(asyncio.CancelledError, RuntimeError):
                await task
        self.note("state", self.state())


def events(aio, new_event_loop, seed, kind):
    loop = new_event_loop()
    try:
        program = Program(aio, loop, seed, kind)
        loop.run_until_complete(program.main())
        return program.log
    finally:
        loop.close()


KINDS = ["locks", "events"]
if PY >= (3, 13):
    # Before, asyncio's own lost wake-ups; ferrio's are the newest on all versions.
    KINDS += ["semaphores", "conditions", "barriers", "everything"]
LOOPS = {"on asyncio's loop": asyncio.SelectorEventLoop, "on ferrio's loop": ferrio.new_event_loop}


@pytest.mark.parametrize("new_event_loop", LOOPS.values(), ids=LOOPS.keys())
@pytest.mark.parametrize("kind", KINDS)
def test_events_in_asyncio_s_order(kind, new_event_loop):
    for seed in SEEDS:
        expected = events(asyncio, asyncio.SelectorEventLoop, seed, kind)
        assert events(ferrio, new_event_loop, seed, kind) == expected, f"seed {seed}"
        assert len(expected) > 10
