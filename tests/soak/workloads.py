"""What a soak does again and again: each workload is a coroutine that leaves nothing behind, and returns a count."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import random
import socket
import ssl
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

import ferrio
import trustme

Workload = Callable[[], Awaitable[int]]
WORKLOADS: dict[str, Workload] = {}
PAYLOAD = bytes(range(256)) * 400


def workload(function: Workload) -> Workload:
    WORKLOADS[function.__name__.replace("_", " ")] = function
    return function


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends all back; one client in eight is cut off."""
    if random.randrange(8) == 0:
        await reader.read(100)
        writer.transport.abort()
        return
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()


async def talk(connect: Callable[[], Awaitable[Any]]) -> int:
    """Sends a payload, and reads what comes back; returns how many bytes came."""
    received = 0
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
        reader, writer = await connect()
        try:
            writer.write(PAYLOAD)
            await writer.drain()
            received += len(await reader.readexactly(len(PAYLOAD)))
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()
    return received


async def serve_and_talk(server: asyncio.Server, connect: Callable[[], Awaitable[Any]], clients: int) -> int:
    async with server:
        return sum(await ferrio.gather(*(talk(connect) for _ in range(clients))))


@workload
async def tcp_bytes() -> int:
    server = await ferrio.start_server(echo, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    return await serve_and_talk(server, lambda: ferrio.open_connection(*address), 8)


@functools.cache
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    return server, client


@workload
async def tls_bytes() -> int:
    server_context, client_context = contexts()
    server = await ferrio.start_server(echo, "127.0.0.1", 0, ssl=server_context)
    address = server.sockets[0].getsockname()
    options = {"ssl": client_context, "server_hostname": "localhost"}
    return await serve_and_talk(server, lambda: ferrio.open_connection(*address, **options), 4)


@workload
async def unix_bytes() -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/socket"
        server = await ferrio.start_unix_server(echo, path)
        return await serve_and_talk(server, lambda: ferrio.open_unix_connection(path), 8)


class Collects(asyncio.DatagramProtocol):
    """Counts datagrams, and answers those that are questions."""

    def __init__(self) -> None:
        self.count = 0
        self.transport: Any = None
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.count += 1
        if data[:1] == b"?":
            self.transport.sendto(b"!" + data, address)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(None)


@workload
async def datagrams() -> int:
    loop = asyncio.get_running_loop()
    server, here = await loop.create_datagram_endpoint(Collects, local_addr=("127.0.0.1", 0))
    address = server.get_extra_info("sockname")
    client, there = await loop.create_datagram_endpoint(Collects, remote_addr=address)
    for size in range(50):
        client.sendto(b"?" * (1 + size * 20))
        await asyncio.sleep(0)
    for _ in range(100):
        if there.count >= 50:
            break
        await asyncio.sleep(0.001)
    client.close()
    server.close()
    await ferrio.gather(here.lost, there.lost)
    return there.count


@workload
async def pipe_bytes() -> int:
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()
    reader = ferrio.StreamReader()
    source, _ = await loop.connect_read_pipe(
        lambda: ferrio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", 0)
    )
    target, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(writing, "wb", 0))
    target.write(PAYLOAD)
    target.close()
    count = len(await reader.read())
    source.close()
    await asyncio.sleep(0)
    return count


@workload
async def processes() -> int:
    pipe = asyncio.subprocess.PIPE
    talking = await ferrio.create_subprocess_exec("cat", stdin=pipe, stdout=pipe)
    killed = await ferrio.create_subprocess_exec("sleep", "1000", stdout=pipe)
    out, _ = await talking.communicate(PAYLOAD)
    assert out == PAYLOAD
    killed.kill()
    await killed.communicate()
    return 2


@workload
async def timers() -> int:
    loop = asyncio.get_running_loop()
    fired: list[int] = []
    handles = [loop.call_later(random.random() / 100, fired.append, number) for number in range(500)]
    for handle in handles[::2]:
        handle.cancel()
    await ferrio.sleep(0.02)
    return len(fired)


async def endless() -> None:
    await asyncio.get_running_loop().create_future()


@workload
async def cancellations() -> int:
    count = 0
    tasks = [ferrio.create_task(endless()) for _ in range(50)]
    await ferrio.sleep(0)
    for task in tasks:
        task.cancel()
    count += len(await ferrio.gather(*tasks, return_exceptions=True))
    for _ in range(20):
        with contextlib.suppress(TimeoutError):
            await ferrio.wait_for(endless(), 0.001)
        with contextlib.suppress(TimeoutError):
            async with ferrio.timeout(0.001):
                await ferrio.shield(ferrio.sleep(0.002))
        with contextlib.suppress(BaseExceptionGroup):
            async with ferrio.TaskGroup() as group:
                group.create_task(endless())
                group.create_task(fail())
        count += 3
    return count


async def fail() -> None:
    raise KeyError("x")


@workload
async def executor_calls() -> int:
    loop = asyncio.get_running_loop()
    numbers = await ferrio.gather(*(loop.run_in_executor(None, pow, 3, number) for number in range(20)))
    assert numbers == [3**number for number in range(20)]
    return len(numbers)


@workload
async def queue_items() -> int:
    queue: Any = ferrio.Queue(3)
    lock, seen = ferrio.Lock(), []

    async def take() -> None:
        while True:
            item = await queue.get()
            async with lock:
                seen.append(item)
            queue.task_done()

    takers = [ferrio.create_task(take()) for _ in range(3)]
    for number in range(300):
        await queue.put(number)
    await queue.join()
    for taker in takers:
        taker.cancel()
    await ferrio.gather(*takers, return_exceptions=True)
    return len(seen)


@workload
async def socket_methods() -> int:
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        sending = ferrio.create_task(loop.sock_sendall(ours, PAYLOAD))
        received = 0
        while received < len(PAYLOAD):
            received += len(await loop.sock_recv(theirs, 65536))
        await sending
        waiting = ferrio.create_task(loop.sock_recv(theirs, 1))
        await ferrio.sleep(0)
        waiting.cancel()
        await ferrio.wait([waiting])
    return received


def make_loops(count: int) -> None:
    """Makes loops and closes them: most of them after they have run, some with something left to do."""
    for number in range(count):
        loop = ferrio.new_event_loop()
        if number % 4:
            loop.run_until_complete(asyncio.sleep(0))
        if number % 8 == 1:
            loop.call_later(1000, print)
            loop.call_soon_threadsafe(print)
        loop.close()


@workload
async def loops() -> int:
    await asyncio.to_thread(make_loops, 50)
    return 50
