"""Datagrams, subprocesses, sock_ methods, files that are sent, descriptors that are closed under the loop."""

import asyncio
import contextlib
import os
import socket
import tempfile

from tests.faults.programs import connections
from tests.faults.scene import describe, pattern

COUNT = 30


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, scene):
        self.scene = scene
        self.received = 0
        self.lost = scene.loop.create_future()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.received += 1
        self.scene.note("loop", "datagram", len(data), data[:2].decode())

    def error_received(self, exc):
        self.scene.note("loop", "error_received", describe(exc))

    def connection_lost(self, exc):
        self.scene.note("loop", "connection_lost", describe(exc))
        self.lost.set_result(None)


async def datagrams(scene):
    """The peer gets and sends numbered datagrams."""
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(("127.0.0.1", 0))
    scene.faults.spare(peer)
    protocol = Datagrams(scene)
    address = peer.getsockname()
    options = {"remote_addr": address} if scene.options["connected"] else {"local_addr": ("127.0.0.1", 0)}
    transport, _ = await scene.loop.create_datagram_endpoint(lambda: protocol, **options)
    scene.arm()
    here = transport.get_extra_info("sockname")
    for number in range(COUNT):
        if scene.options["direction"] == "sending":
            if not transport.is_closing():
                transport.sendto(
                    b"%02d" % number + bytes(number), None if scene.options["connected"] else address
                )
        else:
            peer.sendto(b"%02d" % number + bytes(number), here)
        if number % 3 == 2:
            await asyncio.sleep(0)
    while scene.options["direction"] == "receiving" and protocol.received < COUNT:
        await asyncio.sleep(0.001)
    # What an error has kept from being sent at once leaves now.
    await asyncio.sleep(0.02)
    transport.close()
    await protocol.lost
    if scene.options["direction"] == "sending":
        peer.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                data = peer.recv(1000)
                scene.note("peer", "datagram", len(data), data[:2].decode())
    peer.close()


async def subprocess(scene):
    """A child that gives back what it is given."""
    process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    scene.arm()
    try:
        out, _ = await process.communicate(pattern(0, connections.SIZE))
        scene.journal.data("loop", out)
    except OSError as error:
        scene.note("loop", "communicate", describe(error))
    scene.note("loop", "returncode", await process.wait())


async def child(scene):
    """A child of which only the exit is of interest."""
    scene.arm()
    process = await asyncio.create_subprocess_exec("sh", "-c", "exit 7")
    scene.note("loop", "returncode", await process.wait())


class ProcessRecorder(asyncio.SubprocessProtocol):
    def __init__(self, scene):
        self.scene = scene
        self.lost = scene.loop.create_future()

    def pipe_data_received(self, fd, data):
        self.scene.journal.data(f"fd {fd}", data)

    def pipe_connection_lost(self, fd, exc):
        # When its output fails, the child is ended by SIGPIPE, and how its input learns of that is a matter of time.
        error = "some error" if fd == 0 and self.scene.options.get("dying") else describe(exc)
        self.scene.note(f"fd {fd}", "pipe_connection_lost", error)

    def process_exited(self):
        self.scene.note("loop", "process_exited")

    def connection_lost(self, exc):
        self.scene.note("loop", "connection_lost", describe(exc))
        self.lost.set_result(None)


async def process_protocol(scene):
    """The same with a protocol."""
    transport, protocol = await scene.loop.subprocess_exec(
        lambda: ProcessRecorder(scene), "cat", stdin=-1, stdout=-1, stderr=None
    )
    scene.arm()
    stdin = transport.get_pipe_transport(0)
    for offset in range(0, connections.SIZE, connections.CHUNK):
        if stdin.is_closing():
            break
        stdin.write(pattern(offset, connections.CHUNK))
        await asyncio.sleep(0)
    stdin.close()
    await protocol.lost
    scene.note("loop", "returncode", transport.get_returncode())


async def sock_methods(scene):
    """sock_sendall and sock_recv over a pair."""
    loop = scene.loop
    ours, peers = socket.socketpair()
    scene.faults.spare(peers)
    ours.setblocking(False)
    peers.settimeout(5)
    scene.arm()
    with ours:
        if scene.options["direction"] == "sending":
            scene.thread(connections.peer_receives, peers, scene)
            with connections.noting(scene, "sock_sendall"):
                await loop.sock_sendall(ours, pattern(0, connections.SIZE))
        else:
            scene.thread(connections.peer_sends, peers, scene)
            into = bytearray(5000)
            with connections.noting(scene, "sock_recv"):
                while True:
                    if scene.options["into"]:
                        count = await loop.sock_recv_into(ours, into)
                        data = into[:count]
                    else:
                        data = await loop.sock_recv(ours, 5000)
                    if not data:
                        break
                    scene.journal.data("loop", data)


async def file_sending(scene):
    """loop.sendfile over TCP, TLS or Unix."""
    protocol = connections.Recorder(scene)
    with tempfile.TemporaryFile(dir=scene.folder) as file:
        file.write(pattern(0, connections.SIZE))
        file.seek(0)
        async with connections.connection(
            scene, scene.options["carrier"], protocol, connections.peer_receives
        ):
            scene.arm()
            try:
                count = await scene.loop.sendfile(protocol.transport, file)
                scene.note("program", "sent", count)
            except OSError as error:
                scene.note("program", "sendfile", describe(error))
            protocol.transport.close()
            await protocol.lost


async def closed_under_the_loop(scene):
    """The program closes the descriptor of a connection and goes on as if nothing had happened.

    With `reused`, its number belongs to a regular file then.
    """
    protocol = connections.Recorder(scene)
    scene.arm()

    def peer(sock, scene):
        with contextlib.suppress(OSError):
            sock.sendall(pattern(0, 100))
            while sock.recv(1000):
                pass

    async with connections.connection(scene, scene.options["carrier"], protocol, peer):
        transport = protocol.transport
        while "data" not in [event[0] for event in scene.journal["loop"]]:
            await asyncio.sleep(0.001)
        sock = transport.get_extra_info("socket")
        if scene.options["reused"]:
            with tempfile.TemporaryFile(dir=scene.folder) as file:
                os.dup2(file.fileno(), sock.fileno())
        else:
            os.close(sock.fileno())
        for step in scene.options["steps"]:
            try:
                if step == "write":
                    transport.write(b"data")
                elif step == "sleep":
                    await asyncio.sleep(0.01)
                else:
                    getattr(transport, step)()
            except (OSError, RuntimeError) as error:
                scene.note("program", step, describe(error))
        await asyncio.sleep(0.01)
        if sock.fileno() != -1:
            sock._sock.detach()
            scene.note("program", "the socket is still open")


async def waiting(scene):
    """Timers, a thread's calls, and a connection, while the wait for events is disturbed."""
    loop = scene.loop
    scene.arm()
    for number in range(5):
        await asyncio.sleep(0.002)
        scene.note("program", "slept", number)
    scene.note("program", await asyncio.to_thread(int, "5"))
    ours, peers = socket.socketpair()
    scene.faults.spare(peers)
    ours.setblocking(False)
    with ours, peers:
        loop.call_later(0.002, peers.send, b"hello")
        scene.note("program", (await loop.sock_recv(ours, 10)).decode())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.005):
            await loop.create_future()
    scene.note("program", "timeout")


async def watching(scene):
    """add_reader and add_writer raise what the system says; the program goes on."""
    loop = scene.loop
    ours, peers = socket.socketpair()
    scene.arm()
    with ours, peers:
        for number in range(3):
            for add, remove in ((loop.add_reader, loop.remove_reader), (loop.add_writer, loop.remove_writer)):
                try:
                    add(ours.fileno(), scene.note, "callback", number)
                except OSError as error:
                    scene.note("program", add.__name__, describe(error))
                scene.note("program", remove.__name__, remove(ours.fileno()))
