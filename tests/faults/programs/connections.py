"""Connections of every kind and the three ways to use them, one direction at a time: so each event is determined."""

import asyncio
import contextlib
import os
import socket
import ssl

from tests.faults.scene import PATIENCE, describe, pattern

SIZE = 200_000
CHUNK = 20_000
WAYS = ("protocol", "buffered", "streams")
CARRIERS = ("tcp_client", "tcp_server", "unix_client", "unix_server", "tls_client", "tls_server", "pipe")


class Recorder(asyncio.Protocol):
    """Writes down what is called."""

    def __init__(self, scene):
        self.scene = scene
        self.transport = None
        self.made = scene.loop.create_future()
        self.lost = scene.loop.create_future()
        self.resumed = asyncio.Event()
        self.resumed.set()

    def connection_made(self, transport):
        self.transport = transport
        self.scene.note("loop", "connection_made")
        self.made.set_result(None)

    def data_received(self, data):
        self.scene.journal.data("loop", data)

    def eof_received(self):
        self.scene.note("loop", "eof_received")

    def connection_lost(self, exc):
        self.scene.note("loop", "connection_lost", describe(exc))
        self.lost.set_result(None)
        self.resumed.set()

    def pause_writing(self):
        self.resumed.clear()

    def resume_writing(self):
        self.resumed.set()

    async def receive(self):
        await self.lost

    async def send(self):
        for offset in range(0, SIZE, CHUNK):
            if self.transport.is_closing():
                break
            self.transport.write(pattern(offset, CHUNK))
            await asyncio.sleep(0)
            await self.resumed.wait()
        self.transport.close()
        await self.lost


class BufferedRecorder(Recorder, asyncio.BufferedProtocol):
    """The same with a buffer of its own."""

    def __init__(self, scene):
        super().__init__(scene)
        self.buffer = bytearray(3000)

    data_received = None

    def get_buffer(self, sizehint):
        # asyncio's TLS reads into a slice of this: that of a bytearray would be a copy, and its data lost.
        return memoryview(self.buffer)

    def buffer_updated(self, count):
        self.scene.journal.data("loop", self.buffer[:count])


class Streams(asyncio.StreamReaderProtocol):
    """A reader and a writer over the transport."""

    def __init__(self, scene):
        self.scene = scene
        self.made = scene.loop.create_future()
        self.reader = asyncio.StreamReader(loop=scene.loop)
        super().__init__(self.reader, loop=scene.loop)

    def connection_made(self, transport):
        super().connection_made(transport)
        self.transport = transport
        self.writer = asyncio.StreamWriter(transport, self, self.reader, self.scene.loop)
        self.made.set_result(None)

    async def receive(self):
        with noting(self.scene, "read"):
            while data := await self.reader.read(10_000):
                self.scene.journal.data("loop", data)
            self.scene.note("loop", "end")
        await self.close()

    async def send(self):
        with noting(self.scene, "write"):
            for offset in range(0, SIZE, CHUNK):
                self.writer.write(pattern(offset, CHUNK))
                await self.writer.drain()
        await self.close()

    async def close(self):
        if not isinstance(self.transport, asyncio.WriteTransport):
            return self.transport.close()
        self.writer.close()
        with noting(self.scene, "wait_closed"):
            await self.writer.wait_closed()


@contextlib.contextmanager
def noting(scene, what):
    try:
        yield
    except (OSError, EOFError) as error:
        scene.note("loop", what, describe(error))


# Peers


def peer_sends(sock, scene):
    """Sends everything, then the end; stays until the other side has closed."""
    scene.armed.wait(PATIENCE)
    with contextlib.suppress(OSError):
        for offset in range(0, SIZE, CHUNK):
            sock.sendall(pattern(offset, CHUNK))
        finish(sock)
        while sock.recv(10_000):
            pass


def finish(sock):
    if isinstance(sock, ssl.SSLSocket):
        sock.unwrap()
    else:
        sock.shutdown(socket.SHUT_WR)


def peer_receives(sock, scene):
    """Receives until the end."""
    try:
        while data := sock.recv(50_000):
            scene.journal.data("peer", data)
        scene.note("peer", "end")
    except OSError as error:
        # A TLS peer tells an end of the stream from an end of the connection.
        scene.note("peer", "end", type(error).__name__)


def wrapped(sock, scene, peer, context, **options):
    with contextlib.suppress(OSError), context.wrap_socket(sock, **options) as tls:
        peer(tls, scene)


def pipe_sends(file, scene):
    with contextlib.suppress(OSError):
        for offset in range(0, SIZE, CHUNK):
            file.write(pattern(offset, CHUNK))


def pipe_receives(file, scene):
    while data := file.read(50_000):
        scene.journal.data("peer", data)
    scene.note("peer", "end")


# Connecting


@contextlib.asynccontextmanager
async def connection(scene, carrier, protocol, peer):
    """Connect the protocol to the peer."""
    kind, _, role = carrier.partition("_")
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    options, args = {}, (scene,)
    play = peer
    if kind == "tls":
        play = wrapped
        if role == "client":
            options = {"ssl": scene.client_context(), "server_hostname": "localhost"}
            args = (scene, peer, scene.server_context())
        else:
            options = {"ssl": scene.server_context()}
            args = (scene, peer, scene.client_context())
    loop = scene.loop
    if role == "client":
        listener = scene.listener(family)

        def serve(sock, *more):
            if kind == "tls":
                wrapped(sock, *more, server_side=True)
            else:
                play(sock, *more)

        accepted = scene.accept_in_thread(listener, serve, *args)
        if kind == "unix":
            await loop.create_unix_connection(lambda: protocol, listener.getsockname(), **options)
        else:
            await loop.create_connection(lambda: protocol, *listener.getsockname(), **options)
        # Otherwise a descriptor that a fault closes could become the peer's.
        accepted.wait(PATIENCE)
        yield
        return

    if kind == "unix":
        server = await loop.create_unix_server(lambda: protocol, scene.path(), **options)
        address = server.sockets[0].getsockname()
    else:
        server = await loop.create_server(lambda: protocol, "127.0.0.1", 0, **options)
        address = server.sockets[0].getsockname()

    def talk(sock, *more):
        if kind == "tls":
            wrapped(sock, *more, server_hostname="localhost")
        else:
            play(sock, *more)

    scene.connect_in_thread(address, talk, *args)
    try:
        if not scene.options.get("from_the_start"):
            await protocol.made
        yield
    finally:
        server.close()


def make(scene):
    return {"protocol": Recorder, "buffered": BufferedRecorder, "streams": Streams}[scene.options["way"]](
        scene
    )


async def receiving(scene):
    """The peer sends everything."""
    protocol = make(scene)
    carrier = scene.options["carrier"]
    if carrier == "pipe":
        reading, writing = os.pipe()
        await scene.loop.connect_read_pipe(lambda: protocol, os.fdopen(reading, "rb", 0))
        scene.arm()
        scene.thread(lambda file: pipe_sends(file, scene), os.fdopen(writing, "wb", 0))
        await protocol.receive()
        return
    async with connection(scene, carrier, protocol, peer_sends):
        scene.arm()
        await protocol.receive()


async def sending(scene):
    """The program sends everything."""
    protocol = make(scene)
    carrier = scene.options["carrier"]
    if carrier == "pipe":
        reading, writing = os.pipe()
        await scene.loop.connect_write_pipe(lambda: protocol, os.fdopen(writing, "wb", 0))
        scene.arm()
        scene.thread(lambda file: pipe_receives(file, scene), os.fdopen(reading, "rb", 0))
        await protocol.send()
        return
    async with connection(scene, carrier, protocol, peer_receives):
        scene.arm()
        await protocol.send()
