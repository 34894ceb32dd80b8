"""Random programs of callbacks, timers, readers, futures and tasks go the same way on both loops."""

import asyncio
import contextlib
import random

import pytest

from tests.harness import socket_pair, turn

ITERATIONS = 12


class Program:
    """A program that a seed determines, run one iteration at a time, writing down what it does."""

    def __init__(self, loop, seed, pairs):
        self.loop = loop
        self.random = random.Random(seed)
        self.pairs = pairs
        self.trace = []
        self.labels = 0
        self.handles, self.futures, self.tasks = [], [], []
        self.actions = [name for name in dir(self) if name.startswith("do_")]
        loop.set_exception_handler(lambda loop, context: self.note("error", str(context.get("exception"))))

    def note(self, *entry):
        self.trace.append(entry)

    def label(self):
        self.labels += 1
        return self.labels

    def act(self, times):
        for _ in range(times):
            name = self.random.choice(self.actions)
            self.note(name, getattr(self, name)())

    def callback(self, label):
        self.note("callback", label)
        if self.labels < 300:
            self.act(self.random.choice((0, 1, 1, 2, 3)))

    def do_call_soon(self):
        self.handles.append(self.loop.call_soon(self.callback, self.label()))

    def do_call_soon_threadsafe(self):
        self.handles.append(self.loop.call_soon_threadsafe(self.callback, self.label()))

    def do_timer(self):
        label = self.label()  # in the past, and no two at the same time: due at once, in a known order
        self.handles.append(
            self.loop.call_at(1 + label / 1000 * self.random.choice((-1, 1)), self.callback, label)
        )

    def do_far_timer(self):
        self.handles.append(self.loop.call_later(1000, self.callback, self.label()))

    def do_cancel(self):
        if self.handles:
            handle = self.random.choice(self.handles)
            handle.cancel()
            return handle.cancelled()

    def do_reader(self):
        self.loop.add_reader(self.random.choice(self.pairs)[0], self.note, "io", "read", self.label())

    def do_writer(self):
        self.loop.add_writer(self.random.choice(self.pairs)[0], self.note, "io", "write", self.label())

    def do_remove_reader(self):
        return self.loop.remove_reader(self.random.choice(self.pairs)[0])

    def do_remove_writer(self):
        return self.loop.remove_writer(self.random.choice(self.pairs)[0])

    def do_send(self):
        self.random.choice(self.pairs)[1].send(b"x")

    def do_receive(self):
        with contextlib.suppress(BlockingIOError):
            return self.random.choice(self.pairs)[0].recv(100)

    def do_raise(self):
        label = self.label()
        self.loop.call_soon(self.fail, label)

    def fail(self, label):
        raise LookupError(label)

    def do_stop(self):
        self.loop.stop()

    def do_future(self):
        future = self.loop.create_future()
        label = self.label()
        future.add_done_callback(lambda future: self.note("done", label, future.cancelled()))
        self.futures.append(future)

    def do_resolve(self):
        if self.futures:
            future = self.random.choice(self.futures)
            if not future.done():
                self.random.choice((lambda: future.set_result(self.label()), future.cancel))()

    def do_task(self):
        self.tasks.append(self.loop.create_task(self.coroutine(self.label(), self.random.randrange(4))))

    def do_cancel_task(self):
        if self.tasks:
            return self.random.choice(self.tasks).cancel()

    async def coroutine(self, label, kind):
        self.note("task starts", label)
        try:
            if kind and self.futures:
                self.note("task got", label, await self.random.choice(self.futures))
            for step in range(kind):
                await asyncio.sleep(0)
                self.note("task goes on", label, step)
                self.act(1)
        except asyncio.CancelledError:
            self.note("task cancelled", label)
            if kind == 1:
                raise
            await asyncio.sleep(0)
        self.note("task ends", label)

    def run(self):
        self.act(10)
        for iteration in range(ITERATIONS):
            self.note("iteration", iteration)
            turn(self.loop)
        for pair in self.pairs:
            self.loop.remove_reader(pair[0])
            self.loop.remove_writer(pair[0])
        for thing in (*self.handles, *self.tasks):
            thing.cancel()
        self.labels = 1000
        self.actions = ["do_receive"]
        for _ in range(10):
            turn(self.loop)
        return self.normalised()

    def normalised(self):
        """The trace with what the kernel reports in no particular order, neighbouring I/O, sorted."""
        result, io = [], []
        for entry in self.trace:
            if entry[0] == "io":
                io.append(entry)
            else:
                result += [*sorted(io), entry]
                io = []
        return result + sorted(io)


def run(loop, seed):
    with contextlib.ExitStack() as stack:
        return Program(loop, seed, [stack.enter_context(socket_pair()) for _ in range(3)]).run()


@pytest.mark.parametrize("hundred", range(4))
def test_it_does_what_the_standard_librarys_loop_does(loop_factory, process_state, hundred):
    for seed in range(100 * hundred, 100 * hundred + 100):
        with contextlib.closing(asyncio.SelectorEventLoop()) as model:
            expected = run(model, seed)
        with contextlib.closing(loop_factory()) as loop:
            assert run(loop, seed) == expected, f"seed {seed}"
