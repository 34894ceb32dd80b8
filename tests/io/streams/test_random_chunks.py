"""Random programs of feeds and reads: a native reader does what asyncio's does, step by step."""

import asyncio
import random

import ferrio
import pytest

from tests.harness import PY

PROGRAMS = 400
ALPHABET = b"ab\r\n"


class Transport:
    """Writes down when a reader has it pause and go on."""

    def __init__(self, can_pause):
        self.can_pause = can_pause
        self.calls = []

    def pause_reading(self):
        self.calls.append("pause")
        if not self.can_pause:
            raise NotImplementedError

    def resume_reading(self):
        self.calls.append("resume")

    def __repr__(self):
        return "<Transport>"


def some_bytes(rng, most):
    return bytes(rng.choices(ALPHABET, k=rng.randrange(most + 1)))


def some_separator(rng):
    """One separator, or several on those Pythons whose asyncio knows that."""
    if PY >= (3, 13) and rng.random() < 0.5:
        return tuple(some_bytes(rng, 3) or b"\n" for _ in range(rng.randrange(4)))
    return some_bytes(rng, 3)


def some_read(rng):
    """The name of a method that reads, and its arguments."""
    match rng.randrange(6):
        case 0:
            return "read", (rng.choice([0, 1, 2, 5, 100]),)
        case 1:
            return "read", ()
        case 2:
            return "readexactly", (rng.choice([-1, 0, 1, 3, 8, 40]),)
        case 3:
            return "readline", ()
        case 4:
            return "__anext__", ()
        case _:
            return "readuntil", (some_separator(rng),)


def some_step(rng, peeks):
    kinds = {
        "feed": 10,
        "read": 8,
        "turn": 8,
        "eof": 0.4,
        "exception": 0.3,
        "cancel": 0.7,
        "limit": 0.3,
        "no transport": 0.1,
    }
    if peeks:
        kinds |= {"peek": 2, "put": 0.5, "replace": 0.3}
    kind = rng.choices(list(kinds), list(kinds.values()))[0]
    match kind:
        case "feed":
            return kind, rng.choice([bytes, bytes, bytearray, memoryview])(
                some_bytes(rng, rng.choice([3, 30]))
            )
        case "read":
            return kind, some_read(rng)
        case "put" | "replace":
            return kind, some_bytes(rng, 5)
        case "limit":
            return kind, rng.choice([1, 3, 10, 1000])
        case _:
            return kind, None


def some_program(seed):
    rng = random.Random(seed)
    # Whoever looks at the buffer makes a native reader keep it as a Python object: half of the programs do.
    peeks = rng.random() < 0.5
    return {
        "limit": rng.choice([1, 2, 4, 10, 50, 1 << 16]),
        "transport": rng.choice([None, True, True, False]),
        "steps": [some_step(rng, peeks) for _ in range(rng.randrange(5, 60))],
    }


def describe(error):
    """All that a program can see of an exception."""
    details = {
        name: getattr(error, name) for name in ("partial", "expected", "consumed") if hasattr(error, name)
    }
    context = error.__context__ and describe(error.__context__)
    return type(error), str(error), details, error.__cause__, error.__suppress_context__, context


def outcome(task):
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    return describe(error) if error else (type(task.result()), task.result())


def do(reader, kind, argument, tasks, loop):
    """Do one step other than "turn", and return its visible result."""
    match kind:
        case "feed":
            return reader.feed_data(argument)
        case "read":
            name, arguments = argument
            if reader._waiter is not None:
                return at_once(getattr(reader, name)(*arguments))
            # A read() that is overtaken after it was woken: a difference by intention.
            if not tasks or "read" not in {name, *[task.get_name() for task in tasks]}:
                tasks.append(loop.create_task(call(getattr(reader, name), arguments), name=name))
        case "eof":
            return reader.feed_eof()
        case "exception":
            return reader.set_exception(LookupError("set"))
        case "cancel":
            return [task.cancel() for task in tasks]
        case "limit" if not tasks:
            reader._limit = argument
        case "no transport":
            reader._transport, reader._paused = None, False
        case "peek":
            return bytes(reader._buffer)
        case "put":
            reader._buffer.extend(argument)
        case "replace":
            reader._buffer = bytearray(argument)
    return None


def at_once(coroutine):
    """The result of a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("two are waiting")


async def call(method, arguments):
    return await method(*arguments)


async def trace(loop, kind, program):
    """Run a program with one class of readers, and return all that could be seen, in order."""
    reader = kind(limit=program["limit"], loop=loop)
    transport = Transport(program["transport"])
    if program["transport"] is not None:
        reader.set_transport(transport)
    seen, tasks = [], []
    for step, argument in [*program["steps"], *[("turn", None)] * 3, ("cancel", None), ("turn", None)]:
        if step == "turn":
            await asyncio.sleep(0)
            seen.append([outcome(task) for task in tasks if task.done()])
            tasks = [task for task in tasks if not task.done()]
        else:
            try:
                seen.append(do(reader, step, argument, tasks, loop))
            except Exception as error:
                seen.append(describe(error))
        waiting = reader._waiter is not None
        state = reader.at_eof(), reader._eof, reader._paused, reader._limit, reader._transport is None
        seen.append((step, argument, waiting, state, tuple(transport.calls), repr(reader.exception())))
        if not waiting:  # otherwise the waiter's address is in there
            seen.append(repr(reader))
    assert not tasks
    seen.append(bytes(reader._buffer))
    return seen


@pytest.mark.parametrize("part", range(5))
async def test_a_native_reader_does_what_asyncio_s_does(loop, part):
    for seed in range(part * PROGRAMS, (part + 1) * PROGRAMS):
        program = some_program(seed)
        expected = await trace(loop, asyncio.StreamReader, program)
        assert await trace(loop, ferrio.StreamReader, program) == expected, (seed, program)
