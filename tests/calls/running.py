"""Runs a program on one side, and says what came of each call, in a form that is the same for both."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import inspect
import operator
import pickle
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import ferrio

from tests.attributes.walking import KINDS, Side, shape
from tests.calls import values
from tests.calls.programs import Call, Constant, Program
from tests.calls.values import HostileObject, Maker

Outcome = tuple[Any, ...]

# What the system or the clock gives: only the type is compared.
GIVEN = {"fileno", "get_extra_info", "get_pid", "getsockname", "pid", "sockets", "time", "when"}


class Panic(Exception):
    """Something came out that no program may ever see."""


class Pause:
    """One iteration of the loop, without a function of asyncio's or ferrio's."""

    def __await__(self) -> Iterator[None]:
        yield


class AsyncWith:
    def __init__(self, target: Any) -> None:
        self.target = target

    def __await__(self) -> Any:
        return self.enter().__await__()

    async def enter(self) -> object:
        async with self.target as it:
            return it


def use(target: Any) -> object:
    with target as it:
        return it


def loaded(target: Any) -> object:
    return type(pickle.loads(pickle.dumps(target))).__name__


OPERATIONS: dict[str, Callable[..., Any]] = {
    "hash": lambda it: type(hash(it)),
    "repr": lambda it: type(repr(it)),
    "bool": bool,
    "len": len,
    "iter": lambda it: iter(it) and None,
    "next": next,
    "aiter": lambda it: aiter(it) and None,
    "anext": anext,
    "await": lambda it: it,
    "async with": AsyncWith,
    "with": use,
    "==": lambda it, other: it == other,
    "!=": lambda it, other: it != other,
    "<": lambda it, other: it < other,
    "in": lambda it, other: other in it,
    "copy": lambda it: type(copy.copy(it)).__name__,
    "deepcopy": lambda it: type(copy.deepcopy(it)).__name__,
    "pickle": loaded,
    "weakref": lambda it: weakref.ref(it)() is it,
    "isinstance": lambda it, other: isinstance(it, type(other)),
    "format": lambda it: type(format(it)),
    "index": operator.index,
    "float": float,
    "call": lambda it, other: it(other),
    "subscript": lambda it, other: it[other],
    "class subscript": lambda it, other: type(it)[other] and None,
    "init": lambda it, other: it.__init__(other),
    "dir": lambda it: type(dir(it)),
}


def normal(it: object, depth: int = 0) -> object:
    """The form in which a value is compared."""
    cls = type(it)
    if issubclass(cls, HostileObject):
        return cls.__name__
    if depth > 3:
        return "deep"
    if asyncio.isfuture(it):
        return ("task" if hasattr(it, "get_coro") else "future", state_of(it))
    if isinstance(it, BaseException):
        return ("exception", name_of(it))
    if isinstance(it, float):
        return "nan" if it != it else it
    if isinstance(it, memoryview) and not it.readonly:
        return "a writable view"
    if isinstance(it, asyncio.Handle):
        return ("handle", it.cancelled())
    if isinstance(it, list | tuple | set | frozenset) and not hasattr(it, "_fields"):
        parts = [normal(part, depth + 1) for part in it]
        return (cls.__name__, sorted(parts, key=repr) if isinstance(it, set | frozenset) else parts)
    if isinstance(it, asyncio.Future):
        return "future"
    return shape(it)


def state_of(future: Any) -> object:
    if not future.done():
        return "pending"
    if future.cancelled():
        return "cancelled"
    if error := future.exception():
        return ("raises", name_of(error))
    return ("gives", normal(future.result(), 1))


def name_of(error: BaseException) -> str:
    if type(error).__name__ == "PanicException" or isinstance(error, SystemError):
        raise Panic(f"{type(error).__name__}: {error}")
    return type(error).__name__


class Run:
    """One run of a program on a side."""

    def __init__(self, program: Program, side: Side, patience: float) -> None:
        self.program = program
        self.side = side
        self.patience = patience
        self.outcomes: list[Outcome] = []
        self.stack = ExitStack()
        self.maker = Maker(side, self.stack)
        self.kept: list[object] = []
        self.is_given_up = False

    async def main(self) -> None:
        _states, specimen = KINDS[self.program.kind]
        generator = specimen(self.side)
        try:
            for _ in range(self.program.state + 1):
                target = await anext(generator)
            for call in self.program.calls:
                self.outcomes.append(await self.outcome(target, call))
            del target
        finally:
            self.kept.clear()
            with contextlib.suppress(BaseException):
                self.side.loop.call_later(0.5, self.give_up)
                await generator.aclose()  # type: ignore[attr-defined]

    def give_up(self) -> None:
        """Ends a specimen that waits for what the calls have made impossible."""
        self.is_given_up = True
        self.side.loop.stop()

    async def outcome(self, target: Any, call: Call) -> Outcome:
        """Makes a call, and waits for what it returns."""
        try:
            arguments = [self.make(it) for it in call.arguments]
            options = {name: self.make(it) for name, it in call.options}
        except Exception as error:
            return ("the arguments raise", type(error).__name__)
        self.kept.append(arguments)
        self.kept.append(options)
        try:
            if call.outside:
                asyncio._set_running_loop(None)
            try:
                result = self.perform(target, call, arguments, options)
            finally:
                if call.outside:
                    asyncio._set_running_loop(self.side.loop)
        except asyncio.CancelledError:
            return ("raises", "CancelledError")
        except BaseException as error:
            return ("raises", name_of(error))
        self.kept.append(result)
        try:
            if call.name in GIVEN:
                return ("returns", "a", type(result).__name__)
            if not inspect.isawaitable(result):
                return ("returns", normal(result))
            if not call.awaits and call.name != "await":
                if inspect.iscoroutine(result):
                    result.close()
                    return ("returns", "coroutine")
                return ("returns", normal(result))
            return await self.awaited(result)
        except Panic:
            raise
        except Exception as error:
            return ("cannot be looked at", name_of(error))

    def make(self, it: Any) -> Any:
        return it.value if isinstance(it, Constant) else values.VALUES[it](self.maker)

    def perform(self, target: Any, call: Call, arguments: list[Any], options: dict[str, Any]) -> Any:
        match call.verb:
            case "call":
                return getattr(target, call.name)(*arguments, **options)
            case "get":
                return getattr(target, call.name)
            case "set":
                return setattr(target, call.name, *arguments)
            case "delete":
                return delattr(target, call.name)
            case _:
                return OPERATIONS[call.name](target, *arguments)

    async def awaited(self, it: Any) -> Outcome:
        """What an awaitable gives, unless it waits for something that does not come."""

        async def wait() -> object:
            return await it

        # The same task on both sides: it is not what is tested.
        task = asyncio.Task(wait(), loop=self.side.loop)
        await self.pass_time(task)
        if task.done():
            return ("awaited", state_of(task))
        task.cancel()
        await self.pass_time(task)
        return ("waits", "and when cancelled", state_of(task))

    async def pass_time(self, task: Any) -> None:
        for _ in range(12):
            if task.done():
                return
            await Pause()
        wait = self.side.loop.create_future()
        timer = self.side.loop.call_later(self.patience, wait.cancel)
        task.add_done_callback(lambda _: wait.cancel())
        with contextlib.suppress(asyncio.CancelledError):
            await wait
        timer.cancel()


def run(program: Program, name: str, patience: float) -> list[Outcome]:
    """Runs a program on the side of that name."""
    loop = asyncio.SelectorEventLoop() if name == "asyncio" else ferrio.new_event_loop()
    side = Side(name, loop, asyncio if name == "asyncio" else ferrio)
    this = Run(program, side, patience)
    reports: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reports.append(context))
    try:
        try:
            run_to_the_end(loop, this)
        except Panic:
            raise
        except BaseException as error:
            this.outcomes.append(("the loop raises", name_of(error)))
        for context in reports:
            # A program may call the handler with anything.
            error = context.get("exception") if isinstance(context, dict) else None
            if isinstance(error, BaseException):
                name_of(error)
    finally:
        clean_up(loop)
        with contextlib.suppress(Exception):
            this.stack.close()
    return this.outcomes


def run_to_the_end(loop: asyncio.AbstractEventLoop, this: Run) -> None:
    """Runs a program on a loop that may be stopped meanwhile."""
    task = asyncio.Task(this.main(), loop=loop)
    for _ in range(20):
        try:
            loop.run_until_complete(task)
            return
        except RuntimeError as error:
            if "Event loop is" not in str(error) and "stopped" not in str(error):
                raise
            if this.is_given_up:
                return
    raise AssertionError("the loop does not go on")


def clean_up(loop: asyncio.AbstractEventLoop) -> None:
    """Ends what is left, and closes the loop."""
    with contextlib.suppress(BaseException):
        for task in asyncio.all_tasks(loop):
            task.cancel()
    for _ in range(5):
        with contextlib.suppress(BaseException):
            loop.call_soon(loop.stop)
            loop.run_forever()
    with contextlib.suppress(BaseException):
        loop.run_until_complete(loop.shutdown_default_executor())
    with contextlib.suppress(BaseException):
        loop.close()
