"""The values that calls are made with: each has a name, and is made anew for each side of each run."""

from __future__ import annotations

import array
import asyncio
import decimal
import fractions
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

from tests.attributes.walking import Side


class Hostile(Exception):
    """Raised by the methods of hostile objects, and by callables that fail."""


class Maker(NamedTuple):
    """Where values are made: a side, and what has to be closed after the run."""

    side: Side
    stack: ExitStack


Factory = Callable[[Maker], Any]
VALUES: dict[str, Factory] = {}
# Which values are likely to be accepted for which kind of parameter.
POOLS: dict[str, list[str]] = {}


def value(*pools: str) -> Callable[[Factory], Factory]:
    """Enters a factory as a value under its own name, and into the pools."""

    def enter(factory: Factory) -> Factory:
        add(factory.__name__, factory, *pools)
        return factory

    return enter


def add(name: str, factory: Factory, *pools: str) -> None:
    """Enters a value and the pools that it belongs to."""
    VALUES[name] = factory
    for pool in pools:
        POOLS.setdefault(pool, []).append(name)


def constant(name: str, it: Any, *pools: str) -> None:
    """Enters a value that nobody can change."""
    add(name, lambda _: it, *pools)


# Numbers, and what looks like them.
constant("None", None, "optional", "loop", "timeout", "callback", "limit", "protocol", "context")
constant("True", True, "flag", "number")
constant("False", False, "flag", "number")
for number in (0, 1, 2, -1, -(10**30), 2**31, 2**63 - 1, 2**63, 10**30):
    constant(str(number), number, "number", "integer")
constant("100", 100, "number", "integer", "limit")
constant("signal", signal.SIGUSR1, "signal")
for real in (0.0, -0.0, 0.001, -1.5, 0.5, 1e308, 1e-320, float("nan"), float("inf"), float("-inf")):
    constant(f"{real!r}", real, "number", "timeout")
constant("complex", 1j)
constant("decimal", decimal.Decimal("0.001"), "timeout")
constant("decimal nan", decimal.Decimal("nan"), "timeout")
constant("fraction", fractions.Fraction(1, 1000), "timeout")

# Text and bytes.
for text in ("", "x", "127.0.0.1", "::1", "localhost", "x\0y", "\ud800", "é" * 40, "%s {} %"):
    constant(f"text {text!r}", text, "text", "host")
for text in ("FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"):
    constant(text, text, "return_when")
for data in (b"", b"x", b"\n", b"\0" * 70000):
    constant(f"bytes of {len(data)} {data[:1]!r}", data, "data")
add("bytearray", lambda _: bytearray(b"array\n"), "data", "buffer")
add("big bytearray", lambda _: bytearray(100_000), "data", "buffer")
add("memoryview", lambda _: memoryview(b"view"), "data")
add("writable memoryview", lambda _: memoryview(bytearray(b"view")), "data", "buffer")
add("memoryview with steps", lambda _: memoryview(bytearray(b"a1b2c3"))[::2], "data", "buffer")
add("memoryview backwards", lambda _: memoryview(b"abc")[::-1], "data")
add("memoryview of two dimensions", lambda _: memoryview(b"abcdef").cast("B", (2, 3)), "wide data")
add("array of integers", lambda _: array.array("I", [1, 2]), "wide data")


@value("data", "buffer")
def released_memoryview(_: Maker) -> memoryview:
    view = memoryview(bytearray(b"released"))
    view.release()
    return view


# Containers.
add("[]", lambda _: [], "iterable", "lines")
add("[1, None]", lambda _: [1, None], "iterable", "lines")
add("list of bytes", lambda _: [b"a", bytearray(b"b"), b""], "iterable", "lines")
constant("()", (), "iterable", "address")
constant("(1,)", (1,), "iterable")
constant("bytes in a tuple", (b"\n", b"xy"), "iterable", "separator")
add("{}", lambda _: {}, "mapping")
add("dictionary", lambda _: {"message": "text", "other": 1}, "mapping")
add("set", lambda _: {1, 2}, "iterable")
constant("range", range(3), "iterable")
constant("Ellipsis", ...)
constant("NotImplemented", NotImplemented)
add("object", lambda _: object())
constant("address", ("127.0.0.1", 9), "address")
constant("address v6", ("::1", 9, 0, 0), "address")
constant("address with a name", ("x", 9), "address")
constant("address with a huge port", ("127.0.0.1", 10**10), "address")
constant("address with text as port", ("127.0.0.1", "9"), "address")
constant("address of three", ("127.0.0.1", 9, 9), "address")
constant("path", "x/y/z", "address", "path")
constant("path of bytes", b"\0abstract", "address", "path")


@value("path")
def path_of_a_socket(maker: Maker) -> str:
    return f"{maker.stack.enter_context(tempfile.TemporaryDirectory())}/socket"


# Callables and classes.
@value("callback", "factory")
def takes_anything(_: Maker) -> Any:
    return lambda *_arguments, **_options: None


@value("callback", "factory")
def takes_nothing(_: Maker) -> Any:
    return lambda: 5


@value("callback", "factory")
def raises(_: Maker) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise Hostile

    return fail


@value("callback")
def bound_method(_: Maker) -> Any:
    return [].append


async def give(it: object) -> object:
    return it


async def fail() -> None:
    raise Hostile


async def wait_once() -> int:
    class Pause:
        def __await__(self) -> Iterator[None]:
            yield

    await Pause()
    return 7


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


constant("coroutine function", wait_once, "callback", "factory")
for cls in (int, type, object, bytes, asyncio.Protocol, asyncio.BufferedProtocol, asyncio.SubprocessProtocol):
    constant(f"class {cls.__name__}", cls, "factory", "callback")
constant("class DatagramProtocol", asyncio.DatagramProtocol, "factory")
add("protocol", lambda _: asyncio.Protocol(), "protocol")
add("buffered protocol", lambda _: asyncio.BufferedProtocol(), "protocol")
add("datagram protocol", lambda _: asyncio.DatagramProtocol(), "protocol")

# Exceptions.
for exception in (
    ValueError("text"),
    Hostile(),
    StopIteration(1),
    StopAsyncIteration(),
    asyncio.CancelledError("text"),
    TimeoutError(),
    GeneratorExit(),
    BaseExceptionGroup("text", [KeyError("x")]),
    asyncio.IncompleteReadError(b"x", 2),
):
    add(
        f"{type(exception).__name__}()",
        lambda _, it=exception: type(it)(*it.args),  # type: ignore[misc]
        "exception",
    )
for exception_class in (Exception, Hostile, StopIteration, asyncio.CancelledError, BaseException):
    constant(exception_class.__name__, exception_class, "exception")
VALUES["IncompleteReadError()"] = lambda _: asyncio.IncompleteReadError(b"x", 2)


# Objects whose special methods raise, or lie.
HOSTILE = (
    "__bool__",
    "__len__",
    "__index__",
    "__int__",
    "__float__",
    "__eq__",
    "__hash__",
    "__lt__",
    "__iter__",
    "__call__",
    "__await__",
    "__str__",
    "__repr__",
    "__fspath__",
    "__getattr__",
    "__getattribute__",
    "__del__",
    "__set_name__",
    "__reduce_ex__",
    "__buffer__",
    "fileno",
    "get_loop",
    "cancel",
    "done",
    "_asyncio_future_blocking",
)


class HostileObject:
    """The base of all objects whose methods raise."""


def hostile(name: str) -> type:
    def fail(*_: object) -> None:
        raise Hostile

    namespace = {name: property(fail) if name.startswith("_asyncio") else fail}
    if name == "__eq__":
        namespace["__hash__"] = object.__hash__  # type: ignore[assignment]
    return type(f"Hostile {name}", (HostileObject,), namespace)


for method in HOSTILE:
    cls = hostile(method)
    add(f"hostile {method}", lambda _, cls=cls: cls(), "hostile")  # type: ignore[misc]


class Liar(HostileObject):
    """Answers with values of the wrong kind, or with impossible ones."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> int:
        raise IndexError(index)

    def __index__(self) -> int:
        return 2**70

    def __float__(self) -> float:
        return float("nan")

    def fileno(self) -> int:
        return -1

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_: self


class Equal(HostileObject):
    """Equals whatever it is compared with."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


class IntegerOfItsOwn(int):
    pass


class TextOfItsOwn(str):
    pass


class BytesOfTheirOwn(bytes):
    pass


add("liar", lambda _: Liar(), "hostile")
add("equal to all", lambda _: Equal(), "hostile")
add("integer of a subclass", lambda _: IntegerOfItsOwn(3), "number", "integer")
add("text of a subclass", lambda _: TextOfItsOwn("sub"), "text")
add("bytes of a subclass", lambda _: BytesOfTheirOwn(b"sub"), "data")

# By the name of a parameter: which pool is likely to be accepted.
PARAMETERS = {
    "loop": "loop",
    "timeout": "timeout",
    "delay": "timeout",
    "when": "timeout",
    "callback": "callback",
    "func": "callback",
    "fn": "callback",
    "handler": "callback",
    "predicate": "callback",
    "factory": "factory",
    "protocol_factory": "factory",
    "client_connected_cb": "factory",
    "fut": "awaitable",
    "coro": "awaitable",
    "coro_or_future": "awaitable",
    "arg": "awaitable",
    "aw": "awaitable",
    "future": "awaitable",
    "fs": "awaitables",
    "coros_or_futures": "awaitable",
    "return_when": "return_when",
    "exception": "exception",
    "exc": "exception",
    "context": "context",
    "data": "data",
    "buf": "buffer",
    "list_of_data": "lines",
    "separator": "separator",
    "n": "integer",
    "nbytes": "integer",
    "limit": "limit",
    "maxsize": "integer",
    "value": "integer",
    "parties": "integer",
    "high": "limit",
    "low": "limit",
    "sock": "sock",
    "fd": "sock",
    "pipe": "pipe",
    "file": "file",
    "host": "host",
    "port": "integer",
    "path": "path",
    "ssl": "ssl",
    "sslcontext": "ssl",
    "addr": "address",
    "address": "address",
    "local_addr": "address",
    "remote_addr": "address",
    "sockaddr": "address",
    "sig": "signal",
    "signal": "signal",
    "protocol": "protocol",
    "enabled": "flag",
    "stdin": "standard stream",
    "stdout": "standard stream",
    "stderr": "standard stream",
    "name": "text",
    "msg": "text",
    "reader": "reader",
    "lock": "lock",
    "handle": "handle",
}
