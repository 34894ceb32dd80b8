"""Specimens: loops, servers, transports, protocols and streams."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from typing import Any

import trustme

from tests.attributes.walking import Side, kind
from tests.harness import Recorder, small_buffers, tcp_pair, until_closed

READ_UNTIL_THE_END = "import sys; sys.stdin.read()"


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until something holds."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came")


def new_loop(side: Side) -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop() if side.name == "asyncio" else side.aio.new_event_loop()


@kind("SelectorEventLoop", "running", "fresh", "closed")
async def loop(side: Side) -> AsyncIterator[object]:
    yield side.loop
    other = new_loop(side)
    yield other
    other.close()
    yield other


@kind("Runner", "made", "entered", "closed")
async def runner(side: Side) -> AsyncIterator[object]:
    runner = side.aio.Runner(loop_factory=lambda: new_loop(side))
    yield runner
    runner.get_loop()
    yield runner
    # It cannot be closed inside a running loop.
    await asyncio.to_thread(runner.close)
    yield runner


@kind("Server", "made", "serving", "serving forever", "has a connection", "closing", "closed")
async def server(side: Side) -> AsyncIterator[object]:
    made: list[Recorder] = []

    def factory() -> Recorder:
        made.append(Recorder())
        return made[-1]

    server = await side.loop.create_server(factory, "127.0.0.1", 0, start_serving=False)
    address = server.sockets[0].getsockname()
    yield server
    await server.start_serving()
    yield server
    forever = side.loop.create_task(server.serve_forever())
    await asyncio.sleep(0)
    yield server
    with socket.create_connection(address):
        await until(lambda: made and made[0].transport)
        yield server
        server.close()
        closed = side.loop.create_task(server.wait_closed())
        await asyncio.sleep(0)
        yield server
    await until(lambda: made[0].calls[-1] == "connection_lost")
    with contextlib.suppress(asyncio.CancelledError):
        await forever
    await closed
    await asyncio.sleep(0)
    yield server


@contextlib.asynccontextmanager
async def connection(side: Side, protocol: asyncio.BaseProtocol) -> AsyncIterator[Any]:
    """A transport over TCP with small buffers, and the plain socket at the other end."""
    ours, peer = tcp_pair()
    small_buffers(ours)
    small_buffers(peer)
    peer.setblocking(False)
    with peer:
        transport, _ = await side.loop.create_connection(lambda: protocol, sock=ours)
        try:
            yield transport, peer
        finally:
            transport.abort()
            await until_closed(side.loop, ours)


@kind(
    "_SelectorSocketTransport",
    "connection made",
    "open",
    "reading paused",
    "writing paused",
    "end written",
    "closing",
    "closed",
)
async def socket_transport(side: Side) -> AsyncIterator[object]:
    protocol = Recorder(keep_open=True)
    async with connection(side, protocol) as (transport, _):
        yield transport
        await asyncio.sleep(0.01)
        yield transport
        transport.pause_reading()
        yield transport
        transport.resume_reading()
        transport.write(b"x" * 2_000_000)
        await asyncio.sleep(0.01)
        yield transport
        transport.write_eof()
        yield transport
        transport.close()
        yield transport
        transport.abort()
        await protocol.lost()
        await asyncio.sleep(0.01)
        yield transport


@kind("_SelectorDatagramTransport", "open", "connected", "closed")
async def datagram_transport(side: Side) -> AsyncIterator[object]:
    transport, _ = await side.loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    address = transport.get_extra_info("sockname")
    await asyncio.sleep(0)
    yield transport
    connected, _ = await side.loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=address)
    await asyncio.sleep(0)
    yield connected
    connected.close()
    transport.close()
    await asyncio.sleep(0.01)
    yield connected


@kind("_UnixReadPipeTransport", "open", "paused", "closed")
async def read_pipe(side: Side) -> AsyncIterator[object]:
    reading, writing = os.pipe()
    protocol = Recorder()
    with open(writing, "wb"):
        transport, _ = await side.loop.connect_read_pipe(lambda: protocol, os.fdopen(reading, "rb"))
        await asyncio.sleep(0.01)
        yield transport
        transport.pause_reading()
        yield transport
        transport.close()
        await protocol.lost()
        await asyncio.sleep(0.01)
        yield transport


@kind("_UnixWritePipeTransport", "open", "writing paused", "closing", "closed")
async def write_pipe(side: Side) -> AsyncIterator[object]:
    reading, writing = os.pipe()
    protocol = Recorder()
    with open(reading, "rb"):
        transport, _ = await side.loop.connect_write_pipe(lambda: protocol, os.fdopen(writing, "wb"))
        await asyncio.sleep(0.01)
        yield transport
        transport.write(b"x" * 1_000_000)
        await asyncio.sleep(0.01)
        yield transport
        transport.close()
        yield transport
        transport.abort()
        await protocol.lost()
        await asyncio.sleep(0.01)
        yield transport


@contextlib.asynccontextmanager
async def process(side: Side) -> AsyncIterator[Any]:
    """The protocol and transport of a process that waits for the end of its input."""
    pipe = subprocess.PIPE
    process = await side.aio.create_subprocess_exec(
        sys.executable, "-c", READ_UNTIL_THE_END, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        process._transport.close()
        await asyncio.sleep(0.01)


async def process_states(side: Side, part: Callable[[Any], object]) -> AsyncIterator[object]:
    async with process(side) as it:
        pipes = [it._transport.get_pipe_transport(fd) for fd in (0, 1, 2)]
        assert all(pipes)
        yield part(it)
        waiting = side.loop.create_task(it.wait())
        await asyncio.sleep(0)
        yield part(it)
        it.stdin.close()
        await waiting
        await asyncio.sleep(0.02)
        yield part(it)


PROCESS = ("runs", "waited for", "exited")


@kind("_UnixSubprocessTransport", *PROCESS)
async def subprocess_transport(side: Side) -> AsyncIterator[object]:
    transport = None

    def part(it: Any) -> object:
        nonlocal transport
        transport = transport or it._transport
        return transport

    async for it in process_states(side, part):
        yield it


@kind("Process", *PROCESS)
async def process_object(side: Side) -> AsyncIterator[object]:
    async for it in process_states(side, lambda it: it):
        yield it


@kind("SubprocessStreamProtocol", *PROCESS)
async def subprocess_protocol(side: Side) -> AsyncIterator[object]:
    async for it in process_states(side, lambda it: it._protocol):
        yield it


@kind("WriteSubprocessPipeProto", *PROCESS)
async def write_subprocess_pipe(side: Side) -> AsyncIterator[object]:
    kept: dict[str, object] = {}
    async for it in process_states(side, lambda it: kept.setdefault("pipe", it._transport._pipes[0])):
        yield it


@kind("ReadSubprocessPipeProto", *PROCESS)
async def read_subprocess_pipe(side: Side) -> AsyncIterator[object]:
    kept: dict[str, object] = {}
    async for it in process_states(side, lambda it: kept.setdefault("pipe", it._transport._pipes[1])):
        yield it


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's, who trusts it."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    return server, client


async def tls_states(side: Side, part: Callable[[Any], object]) -> AsyncIterator[object]:
    server_context, client_context = contexts()
    made: list[Recorder] = []

    def factory() -> Recorder:
        made.append(Recorder())
        return made[-1]

    server = await side.loop.create_server(factory, "127.0.0.1", 0, ssl=server_context)
    address = server.sockets[0].getsockname()
    protocol = Recorder()
    transport, _ = await side.loop.create_connection(
        lambda: protocol, *address, ssl=client_context, server_hostname="localhost"
    )
    it = part(transport)
    await until(lambda: made and made[0].transport)
    yield it
    transport.pause_reading()
    yield it
    transport.resume_reading()
    transport.close()
    yield it
    await protocol.lost()
    await until(lambda: made[0].calls[-1] == "connection_lost")
    await asyncio.sleep(0.01)
    yield it
    server.close()
    await server.wait_closed()


TLS = ("open", "reading paused", "closing", "closed")


@kind("_SSLProtocolTransport", *TLS)
async def tls_transport(side: Side) -> AsyncIterator[object]:
    async for it in tls_states(side, lambda transport: transport):
        yield it


@kind("SSLProtocol", *TLS)
async def tls_protocol(side: Side) -> AsyncIterator[object]:
    async for it in tls_states(side, lambda transport: transport._ssl_protocol):
        yield it


async def stream_states(side: Side, part: Callable[[Any, Any], object]) -> AsyncIterator[object]:
    ours, peer = tcp_pair()
    with peer:
        reader, writer = await side.aio.open_connection(sock=ours)
        it = part(reader, writer)
        yield it
        reading = side.loop.create_task(reader.readline())
        await asyncio.sleep(0)
        yield it
        peer.send(b"line\nmore")
        await reading
        yield it
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.01)
        yield it


STREAM = ("open", "waited for", "has data", "closed")


@kind("StreamReader", *STREAM)
async def reader(side: Side) -> AsyncIterator[object]:
    async for it in stream_states(side, lambda reader, _: reader):
        yield it


@kind("StreamWriter", *STREAM)
async def writer(side: Side) -> AsyncIterator[object]:
    async for it in stream_states(side, lambda _, writer: writer):
        yield it


@kind("StreamReaderProtocol", *STREAM)
async def stream_protocol(side: Side) -> AsyncIterator[object]:
    async for it in stream_states(side, lambda _, writer: writer._protocol):
        yield it


@kind("StreamReaderProtocol of a server", "made", "connected", "closed")
async def server_protocol(side: Side) -> AsyncIterator[object]:
    connected = side.loop.create_future()

    async def handle(reader: Any, writer: Any) -> None:
        connected.set_result(writer)
        await reader.read()
        writer.close()

    protocol = side.aio.StreamReaderProtocol(side.aio.StreamReader(loop=side.loop), handle, loop=side.loop)
    yield protocol
    async with connection(side, protocol) as (_, peer):
        writer = await connected
        yield protocol
        peer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.01)
        yield protocol


@kind("Server of a Unix socket", "serving", "closed")
async def unix_server(side: Side) -> AsyncIterator[object]:
    with tempfile.TemporaryDirectory() as folder:
        server = await side.loop.create_unix_server(Recorder, f"{folder}/socket")
        yield server
        server.close()
        await server.wait_closed()
        yield server
