"""Random programs of queues: every event happens in the order in which asyncio has it.

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
ERRORS = ValueError, TypeError, TimeoutError, asyncio.QueueEmpty, asyncio.QueueFull, ferrio.QueueShutDown


def subclass(queue_class):
    """A queue of a program's own: only what asyncio documents to be overridden."""

    class Every(queue_class):
        def _init(self, maxsize):
            super()._init(maxsize)
            self.taken = 0

        def _put(self, item):
            super()._put(item)

        def _get(self):
            self.taken += 1
            return super()._get()

    return Every


class Program:
    """A program that a seed determines, but for the order in which its tasks run; that order is its log."""

    def __init__(self, aio, loop, seed, kind):
        self.loop = loop
        self.seed = seed
        self.log = []
        self.tasks = []
        choice = random.Random(seed)
        queue_class = getattr(aio, kind.removeprefix("subclass of "))
        if kind.startswith("subclass"):
            queue_class = subclass(queue_class)
        self.queue = queue_class(choice.choice([0, 1, 1, 2, 3]))

    def note(self, *event):
        self.log.append(event)

    async def body(self, number):
        choice = random.Random(f"{self.seed} {number}")
        for step in range(choice.randrange(3, 8)):
            self.note("begin", number, step, str(self.queue))
            try:
                result = await self.act(choice, number * 100 + step)
                self.note("step", number, step, result)
            except asyncio.CancelledError as error:
                self.note("cancelled", number, step, error.args)
                if choice.random() < 0.4:
                    raise
                asyncio.current_task().uncancel()
            except ERRORS as error:
                self.note("error", number, step, repr(error))
            if choice.random() < 0.35:
                task = choice.choice(self.tasks)
                if task is not asyncio.current_task():
                    self.note("cancel", self.tasks.index(task), task.cancel(choice.choice([None, "message"])))
            if choice.random() < 0.15:
                self.loop.call_soon(choice.choice(self.tasks).cancel)
        return number

    async def act(self, choice, item):
        queue = self.queue
        match choice.randrange(14):
            case 0 | 1 | 2:
                return await queue.put(item)
            case 3 | 4 | 5:
                return await queue.get()
            case 6:
                return queue.put_nowait(item)
            case 7:
                return queue.get_nowait()
            case 8:
                return await asyncio.wait_for(queue.get(), choice.choice([None, 0]))
            case 9:
                return queue.task_done()
            case 10:
                return await queue.join()
            case 11 if PY >= (3, 13) and choice.random() < 0.2:
                return queue.shutdown(choice.random() < 0.5)
            case 12 if choice.random() < 0.2:
                # What nobody can compare with a number.
                return await queue.put("text")
            case _:
                await asyncio.sleep(0)
                return queue.qsize(), queue.empty(), queue.full(), queue.maxsize

    async def main(self):
        for number in range(TASKS):
            task = self.loop.create_task(self.body(number), name=f"task {number}")
            task.add_done_callback(lambda task, number=number: self.note("done", number, task.cancelled()))
            self.tasks.append(task)
        for _ in range(40):
            await asyncio.sleep(0)
        self.note("state", str(self.queue), len(self.queue._getters), len(self.queue._putters))
        for task in self.tasks:
            while not task.done():
                task.cancel("end")
                await asyncio.sleep(0)
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.note("state", str(self.queue), list(self.queue._queue), getattr(self.queue, "taken", None))


def events(aio, new_event_loop, seed, kind):
    loop = new_event_loop()
    try:
        program = Program(aio, loop, seed, kind)
        loop.run_until_complete(program.main())
        return program.log
    finally:
        loop.close()


KINDS = ["Queue", "PriorityQueue", "LifoQueue", "subclass of Queue", "subclass of PriorityQueue"]
LOOPS = {"on asyncio's loop": asyncio.SelectorEventLoop, "on ferrio's loop": ferrio.new_event_loop}


@pytest.mark.parametrize("new_event_loop", LOOPS.values(), ids=LOOPS.keys())
@pytest.mark.parametrize("kind", KINDS)
def test_events_in_asyncio_s_order(kind, new_event_loop):
    for seed in SEEDS:
        expected = events(asyncio, asyncio.SelectorEventLoop, seed, kind)
        assert events(ferrio, new_event_loop, seed, kind) == expected, f"seed {seed}"
        assert len(expected) > 10
