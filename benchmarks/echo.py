"""Echo servers: 1 KiB there and back over 20 connections, CPU time of the server for each request."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import cast

from benchmarks import tools
from benchmarks.benchmark import Group, Measure, Setting, per_operation
from benchmarks.load import SIZE, baseline_server, client
from benchmarks.peers import BASELINE

ECHO = Group("Echo of 1 KiB, 20 connections, CPU of the server per request")

HOST = "127.0.0.1"

Serve = Callable[[Setting], contextlib.AbstractAsyncContextManager[int]]


class Echo(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are no instances

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class EchoDatagrams(asyncio.DatagramProtocol):
    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.transport.sendto(data, address)


def echo(name: str, kind: str) -> Callable[[Serve], Serve]:
    """Add the server, which is a context with a port, to the benchmarks."""

    def add(serve: Serve) -> Serve:
        ECHO.measurement(name, has_baseline=kind != "tls")(measured(serve, kind))
        return serve

    return add


def measured(serve: Serve, kind: str) -> Measure:
    async def measure(setting: Setting) -> float:
        if setting.peer.name == BASELINE:
            with baseline_server(setting, kind) as server:
                async with client(setting, kind, server.port) as load:
                    return await per_operation(load.make, seconds=setting.seconds, clock=server.cpu_time)
        async with serve(setting) as port, client(setting, kind, port) as load:
            return await per_operation(load.make, seconds=setting.seconds)

    return measure


@contextlib.asynccontextmanager
async def serve_protocol(setting: Setting, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    loop = setting.peer.aio.get_running_loop()
    server = await loop.create_server(Echo, HOST, 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


@echo("TCP, protocol", "tcp")
def protocol(setting: Setting) -> contextlib.AbstractAsyncContextManager[int]:
    return serve_protocol(setting)


@echo("TCP, streams: `readexactly` and `drain`", "tcp")
@contextlib.asynccontextmanager
async def streams(setting: Setting) -> AsyncIterator[int]:
    aio = setting.peer.aio

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(await reader.readexactly(SIZE))
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    server = await aio.start_server(serve, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@echo("TCP, `sock_recv` and `sock_sendall`", "tcp")
@contextlib.asynccontextmanager
async def sockets(setting: Setting) -> AsyncIterator[int]:
    aio = setting.peer.aio
    loop = aio.get_running_loop()

    async def serve(connection: socket.socket) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := await loop.sock_recv(connection, SIZE * 4):
                await loop.sock_sendall(connection, data)

    async def accept(listener: socket.socket) -> None:
        async with aio.TaskGroup() as group:
            while True:
                connection, _address = await loop.sock_accept(listener)
                group.create_task(serve(connection))

    with socket.create_server((HOST, 0)) as listener:
        listener.setblocking(False)
        accepting = aio.create_task(accept(listener))
        yield listener.getsockname()[1]
        accepting.cancel()
        await aio.wait([accepting])


@echo("TLS, protocol", "tls")
@contextlib.asynccontextmanager
async def tls(setting: Setting) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(setting.tool(tools.CERTIFICATE), setting.tool(tools.KEY))
    async with serve_protocol(setting, context) as port:
        yield port


@echo("UDP, protocol", "udp")
@contextlib.asynccontextmanager
async def datagrams(setting: Setting) -> AsyncIterator[int]:
    loop = setting.peer.aio.get_running_loop()
    transport, _protocol = await loop.create_datagram_endpoint(EchoDatagrams, local_addr=(HOST, 0))
    yield transport.get_extra_info("socket").getsockname()[1]
    transport.close()
