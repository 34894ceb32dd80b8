"""The values that calls are made with: each has a name, and is made anew for each side of each run."""

from __future__ import annotations

import array
import asyncio
import concurrent.futures
import contextvars
import decimal
import fractions
import os
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
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


# Whatever can be awaited.
@value("awaitable")
def coroutine(_: Maker) -> Any:
    return give(5)


@value("awaitable")
def coroutine_that_waits_once(_: Maker) -> Any:
    return wait_once()


@value("awaitable")
def coroutine_that_fails(_: Maker) -> Any:
    return fail()


@value("awaitable")
def coroutine_that_waits_forever(_: Maker) -> Any:
    return forever()


@value("awaitable")
def closed_coroutine(_: Maker) -> Any:
    it = give(5)
    it.close()
    return it


@value()
def generator(_: Maker) -> Any:
    return (it for it in range(3))


@value()
def asynchronous_generator(_: Maker) -> Any:
    async def numbers() -> AsyncIterator[int]:
        yield 1

    return numbers()


class Awaitable:
    def __await__(self) -> Iterator[None]:
        yield
        return 9


class BadAwaitable:
    def __await__(self) -> Any:
        return 9


class Yielding:
    """Yields what no loop knows."""

    def __await__(self) -> Iterator[int]:
        yield 5


add("awaitable", lambda _: Awaitable(), "awaitable")
add("awaitable without an iterator", lambda _: BadAwaitable(), "awaitable")
add("awaitable that yields a number", lambda _: Yielding(), "awaitable")


def new_loop(side: Side) -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop() if side.name == "asyncio" else side.aio.new_event_loop()


@value("loop")
def running_loop(maker: Maker) -> Any:
    return maker.side.loop


@value("loop")
def other_loop(maker: Maker) -> Any:
    loop = new_loop(maker.side)
    maker.stack.callback(loop.close)
    return loop


@value("loop")
def closed_loop(maker: Maker) -> Any:
    loop = new_loop(maker.side)
    loop.close()
    return loop


@value("awaitable", "future")
def pending_future(maker: Maker) -> Any:
    return maker.side.aio.Future(loop=maker.side.loop)


@value("awaitable", "future")
def future_with_a_result(maker: Maker) -> Any:
    future = pending_future(maker)
    future.set_result(3)
    return future


@value("awaitable", "future")
def failed_future(maker: Maker) -> Any:
    future = pending_future(maker)
    future.set_exception(Hostile())
    return future


@value("awaitable", "future")
def cancelled_future(maker: Maker) -> Any:
    future = pending_future(maker)
    future.cancel()
    return future


@value("awaitable", "future")
def future_of_another_loop(maker: Maker) -> Any:
    return maker.side.aio.Future(loop=other_loop(maker))


@value("awaitable", "future")
def future_of_a_closed_loop(maker: Maker) -> Any:
    return maker.side.aio.Future(loop=closed_loop(maker))


@value("awaitable", "future")
def asyncio_s_future(maker: Maker) -> Any:
    return asyncio.Future(loop=maker.side.loop)


@value("awaitable", "future")
def future_in_python(maker: Maker) -> Any:
    return asyncio.futures._PyFuture(loop=maker.side.loop)  # type: ignore[attr-defined]


@value("awaitable", "future")
def task(maker: Maker) -> Any:
    return maker.side.aio.Task(wait_once(), loop=maker.side.loop, name="task")


@value()
def concurrent_future(_: Maker) -> Any:
    return concurrent.futures.Future()  # type: ignore[var-annotated]


@value("iterable", "awaitables")
def coroutines(_: Maker) -> Any:
    return [give(1), wait_once(), fail()]


@value("iterable", "awaitables")
def futures(maker: Maker) -> Any:
    return [future_with_a_result(maker), task(maker), failed_future(maker)]


@value("iterable", "awaitables")
def futures_of_two_loops(maker: Maker) -> Any:
    return [pending_future(maker), future_of_another_loop(maker)]


@value("iterable", "awaitables")
def one_future_twice(maker: Maker) -> Any:
    return [future_with_a_result(maker)] * 2


# What belongs to a loop.
add("context", lambda _: contextvars.copy_context(), "context")
for class_name in ("Lock", "Event", "Queue", "PriorityQueue", "Semaphore", "TaskGroup"):
    add(class_name, lambda maker, it=class_name: getattr(maker.side.aio, it)(), "lock")  # type: ignore[misc]
add("StreamReader", lambda maker: maker.side.aio.StreamReader(loop=maker.side.loop), "reader")
add("handle", lambda maker: maker.side.loop.call_soon(len, ()), "handle")
add("timer", lambda maker: maker.side.loop.call_later(1000, len, ()), "handle")


# Sockets and files.
@value("sock")
def plain_socket(maker: Maker) -> Any:
    sock, peer = (maker.stack.enter_context(it) for it in socket.socketpair())
    sock.setblocking(False)
    peer.send(b"hello\n")
    return sock


@value("sock")
def blocking_socket(maker: Maker) -> Any:
    sock, _ = (maker.stack.enter_context(it) for it in socket.socketpair())
    return sock


@value("sock")
def listening_socket(maker: Maker) -> Any:
    sock = maker.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    sock.setblocking(False)
    return sock


@value("sock")
def datagram_socket(maker: Maker) -> Any:
    sock = maker.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock


@value("sock")
def fresh_socket(maker: Maker) -> Any:
    sock = maker.stack.enter_context(socket.socket())
    sock.setblocking(False)
    return sock


@value("sock")
def closed_socket(_: Maker) -> Any:
    sock = socket.socket()
    sock.close()
    return sock


@value("pipe")
def reading_end(maker: Maker) -> Any:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)  # Some calls iterate over it.
    maker.stack.callback(os.close, writing)
    return maker.stack.enter_context(os.fdopen(reading, "rb", 0))


@value("pipe")
def writing_end(maker: Maker) -> Any:
    reading, writing = os.pipe()
    maker.stack.callback(os.close, reading)
    return maker.stack.enter_context(os.fdopen(writing, "wb", 0))


@value("pipe", "file")
def file(maker: Maker) -> Any:
    it = os.fdopen(os.memfd_create("file"), "w+b")
    maker.stack.enter_context(it)
    it.write(b"content")
    it.seek(0)
    return it


constant("PIPE", subprocess.PIPE, "standard stream")
constant("DEVNULL", subprocess.DEVNULL, "standard stream")
constant("server's SSL context", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), "ssl")
constant("client's SSL context", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "ssl")

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
