"""Servers that run out of something, and clients that cannot connect."""

import asyncio
import contextlib
import socket

from tests.faults.scene import describe, pattern

GREETING = b"x" * 100


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def accepting(scene):
    """Five clients one after the other get an answer each."""
    server = await scene.loop.create_server(Echo, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    done = asyncio.Event()

    def clients(_):
        scene.armed.wait()
        for _ in range(5):
            with socket.create_connection(address, timeout=5) as sock:
                sock.sendall(GREETING)
                got = 0
                with contextlib.suppress(OSError):
                    while got < len(GREETING) and (data := sock.recv(1000)):
                        got += len(data)
                scene.note("peer", "answered" if got == len(GREETING) else "refused")
        scene.loop.call_soon_threadsafe(done.set)

    scene.thread(clients, socket.socket())
    scene.arm()
    await done.wait()
    server.close()
    await server.wait_closed()


async def streams_accepting(scene):
    """The same with start_server."""

    async def serve(reader, writer):
        try:
            writer.write(await reader.readexactly(len(GREETING)))
            await writer.drain()
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        scene.arm()
        for _ in range(5):
            with contextlib.suppress(OSError):
                answer = await asyncio.to_thread(ask, address)
                scene.note("peer", answer)


def ask(address):
    with socket.create_connection(address, timeout=5) as sock:
        sock.sendall(GREETING)
        got = b""
        while data := sock.recv(1000):
            got += data
        return len(got)


async def connecting(scene):
    """A client in the given way."""
    listener = scene.listener()
    address = listener.getsockname()
    scene.arm()
    loop = scene.loop
    way = scene.options["way"]
    for _ in range(2):
        try:
            if way == "protocol":
                transport, _ = await loop.create_connection(Echo, *address)
                transport.close()
            elif way == "streams":
                _, writer = await asyncio.open_connection(*address)
                writer.close()
                await writer.wait_closed()
            else:
                with socket.socket() as sock:
                    sock.setblocking(False)
                    await loop.sock_connect(sock, address)
        except OSError as error:
            # create_connection puts the number of the port into the message.
            scene.note("program", "failed", [type(error).__name__, error.errno])
        else:
            scene.note("program", "connected")
        await asyncio.sleep(0)


async def opening(scene):
    """Descriptors cannot be had."""
    loop = scene.loop
    listener = scene.listener()
    scene.arm()
    for what in (
        lambda: loop.create_connection(Echo, *listener.getsockname()),
        lambda: loop.create_server(Echo, "127.0.0.1", 0),
        lambda: loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)),
        lambda: asyncio.create_subprocess_exec("true", stdout=-1),
    ):
        try:
            made = await what()
        except OSError as error:
            scene.note("program", "failed", [type(error).__name__, error.errno])
            continue
        scene.note("program", "made")
        if isinstance(made, tuple):
            made[0].close()
        elif hasattr(made, "wait"):
            await made.communicate()
        else:
            made.close()
        await asyncio.sleep(0)


async def handshaking(scene):
    """A TLS handshake, as client or server, with faults from the first byte on."""
    from tests.faults.programs import connections

    protocol = connections.Recorder(scene)
    scene.arm()
    carrier = scene.options["carrier"]

    def peer(sock, scene):
        with contextlib.suppress(OSError):
            sock.sendall(pattern(0, 100))

    scene.options["from_the_start"] = True
    try:
        async with connections.connection(scene, carrier, protocol, peer):
            if carrier == "tls_server":
                # The protocol is told nothing if there was no handshake; the peer's end tells.
                while any(thread.is_alive() for thread in scene.threads):
                    await asyncio.sleep(0.002)
                if protocol.made.done():
                    await protocol.lost
            else:
                await protocol.lost
    except OSError as error:
        scene.note("program", "failed", describe(error))
    for _ in range(5):
        await asyncio.sleep(0)
