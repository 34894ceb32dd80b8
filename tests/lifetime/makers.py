"""One of each class that has a native counterpart, in the state in which its end is of interest."""

import asyncio
import inspect
import os
import socket
import ssl
import sys


class Protocol(asyncio.Protocol):
    """A protocol that keeps no reference to its transport."""


class DatagramProtocol(asyncio.DatagramProtocol):
    pass


class SubprocessProtocol(asyncio.SubprocessProtocol):
    pass


class Maker:
    """Makes objects of one loop.

    Attributes:
        aio: the namespace with the classes, `asyncio` or `ferrio`.
        loop: the loop.
        folder: where `trustme`'s files are.
        kept: what must not go away with the object that is made.
        derive: what is done to a class whose constructor programs call; by default nothing.
    """

    def __init__(self, aio, loop, folder, derive=lambda kind: kind):
        self.aio, self.loop, self.folder, self.derive = aio, loop, folder, derive
        self.kept = []

    def new(self, name, *args, **options):
        return self.derive(getattr(self.aio, name))(*args, **options)

    def pause(self, transport):
        """Has the loop forget a transport, which it would keep alive as long as anything can arrive."""
        transport.pause_reading()
        self.loop._remove_reader(transport.get_extra_info("socket").fileno())

    def sockets(self, kind=socket.SOCK_STREAM):
        ours, theirs = socket.socketpair(type=kind)
        self.kept.append(theirs)
        return ours

    def release(self):
        """Close what was kept."""
        for thing in self.kept:
            thing.close()
        self.kept.clear()

    async def socket_transport(self):
        transport, _ = await self.loop.connect_accepted_socket(Protocol, self.sockets())
        self.pause(transport)
        return transport

    async def socket_transport_that_reads(self):
        transport, _ = await self.loop.connect_accepted_socket(Protocol, self.sockets())
        return transport

    async def socket_transport_that_writes(self):
        transport = await self.socket_transport()
        transport.write(b"x" * 3_000_000)
        return transport

    async def closed_socket_transport(self):
        transport = await self.socket_transport()
        transport.close()
        for _ in range(3):
            await asyncio.sleep(0)
        return transport

    async def closing_socket_transport(self):
        transport = await self.socket_transport()
        transport.close()
        return transport

    async def transport_of_a_server(self):
        accepted = self.loop.create_future()
        server = await self.loop.create_unix_server(lambda: Accepted(accepted), sock=self.listener())
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(server.sockets[0].getsockname())
            transport = await accepted
            self.pause(transport)
        server.close()
        return transport

    def listener(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"\0ferrio-{os.getpid()}-{id(listener)}")
        return listener

    async def datagram_transport(self):
        sock = self.sockets(socket.SOCK_DGRAM)
        sock.setblocking(False)
        transport, _ = await self.loop.create_datagram_endpoint(DatagramProtocol, sock=sock)
        self.loop._remove_reader(sock.fileno())
        return transport

    async def read_pipe_transport(self):
        reading, writing = os.pipe()
        self.kept.append(os.fdopen(writing, "wb", buffering=0))
        transport, _ = await self.loop.connect_read_pipe(Protocol, os.fdopen(reading, "rb", buffering=0))
        transport.pause_reading()
        self.loop._remove_reader(reading)
        return transport

    async def write_pipe_transport(self):
        reading, writing = os.pipe()
        self.kept.append(os.fdopen(reading, "rb", buffering=0))
        transport, _ = await self.loop.connect_write_pipe(Protocol, os.fdopen(writing, "wb", buffering=0))
        self.loop._remove_reader(writing)
        return transport

    async def subprocess_transport(self):
        transport, _ = await self.loop.subprocess_exec(
            SubprocessProtocol,
            sys.executable,
            "-Sc",
            "import sys; sys.stdin.read()",
            stderr=None,
            stdout=None,
        )
        return transport

    async def tls_transport(self):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(os.path.join(self.folder, "chain.pem"))
        client = ssl.create_default_context(cafile=os.path.join(self.folder, "ca.pem"))
        ours, theirs = socket.socketpair()
        (transport, _), (other, _) = await asyncio.gather(
            self.loop.create_connection(Protocol, sock=ours, ssl=client, server_hostname="localhost"),
            self.loop.connect_accepted_socket(Protocol, theirs, ssl=server),
        )
        self.kept.append(Abort(other))
        self.pause(transport)
        return transport

    async def streams(self):
        reader, writer = await self.aio.open_connection(sock=self.sockets())
        self.pause(writer.transport)
        return reader, writer

    async def stream_writer(self):
        _, writer = await self.streams()
        return writer

    async def stream_writer_of_a_program(self):
        reader = self.new("StreamReader", loop=self.loop)
        transport, protocol = await self.loop.create_connection(
            lambda: self.new("StreamReaderProtocol", reader, loop=self.loop), sock=self.sockets()
        )
        self.pause(transport)
        return self.new("StreamWriter", transport, protocol, reader, self.loop)

    async def stream_reader(self):
        reader, _ = await self.streams()
        return reader

    async def stream_protocol_with_exception(self):
        reader = self.new("StreamReader", loop=self.loop)
        protocol = self.new("StreamReaderProtocol", reader, loop=self.loop)
        protocol.connection_lost(LookupError("lost"))
        return protocol

    async def server(self):
        return await self.loop.create_unix_server(Protocol, sock=self.listener(), start_serving=False)

    async def other_loop(self):
        return self.derive(type(self.loop))()

    async def pending_future(self):
        return self.new("Future", loop=self.loop)

    async def failed_future(self):
        future = self.new("Future", loop=self.loop)
        future.set_exception(LookupError("nobody looks"))
        return future

    async def finished_future(self):
        future = self.new("Future", loop=self.loop)
        future.set_result(self)
        return future

    async def gathering_future(self):
        gathered = self.aio.gather(await self.failed_future())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return gathered

    async def pending_task(self):
        task = self.new("Task", wait_for_nothing(), loop=self.loop)
        await asyncio.sleep(0)
        return task

    async def failed_task(self):
        task = self.new("Task", fail(), loop=self.loop)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return task

    async def new_coroutine(self):
        return self.aio.sleep(1)

    async def new_coroutine_of_a_coroutine(self):
        coroutine = self.aio.wait_for(self.aio.sleep(1), 1)
        for _ in range(2):
            self.aio.sleep(1).close()  # Of ferrio's, the collector has not been shown the latest.
        return coroutine

    async def suspended_coroutine(self):
        coroutine = self.new("Event").wait()
        coroutine.send(None)
        return coroutine

    async def coroutine_that_will_not_end(self):
        coroutine = self.aio.wait_for(Stubborn(), None)
        coroutine.send(None)
        return coroutine

    async def finished_coroutine(self):
        coroutine = self.aio.sleep(0)
        coroutine.close()
        return coroutine

    async def handle(self):
        return self.loop.call_soon(nothing, self.kept)

    async def timer_handle(self):
        return self.loop.call_later(1000, nothing, self.kept)

    async def lock(self):
        lock = self.new("Lock")
        await lock.acquire()
        return lock

    async def event(self):
        return self.new("Event")

    async def condition(self):
        return self.new("Condition")

    async def semaphore(self):
        return self.new("Semaphore")

    async def barrier(self):
        return self.new("Barrier", 2)

    async def queue(self):
        queue = self.new("Queue")
        queue.put_nowait(await self.failed_future())
        return queue

    async def timeout(self):
        return self.aio.timeout(1)

    async def task_group(self):
        return self.new("TaskGroup")

    async def as_completed(self):
        return self.aio.as_completed([await self.failed_future()])


class Accepted(asyncio.Protocol):
    """Gives its transport away."""

    def __init__(self, accepted):
        self.accepted = accepted

    def connection_made(self, transport):
        self.accepted.set_result(transport)
        del self.accepted


class Abort:
    """A transport that is closed as a socket is: at once."""

    def __init__(self, transport):
        self.transport = transport

    def close(self):
        if not self.transport._loop or not self.transport._loop.is_closed():
            self.transport.abort()


class Stubborn:
    """An awaitable that ignores GeneratorExit once."""

    def __await__(self):
        try:
            yield
        except GeneratorExit:
            yield


def nothing(*args):
    pass


async def wait_for_nothing():
    await asyncio.get_running_loop().create_future()


async def fail():
    raise LookupError("nobody looks")


NAMES = [
    name for name, value in vars(Maker).items() if inspect.iscoroutinefunction(value) and name != "streams"
]
