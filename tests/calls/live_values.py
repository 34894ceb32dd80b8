"""More of the values that calls are made with: those that a loop runs, and sockets, pipes and files."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import os
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from typing import Any

from tests.attributes.walking import Side
from tests.calls.values import Hostile, Maker, add, constant, fail, forever, give, value, wait_once


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
