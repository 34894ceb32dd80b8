"""The programs that are attacked: servers and clients, plain and TLS, with protocols and with streams."""

import asyncio
import contextlib
import itertools
import socket
import threading
import time

from tests.faults.scene import PATIENCE, describe, pattern, reset
from tests.hostile_peers.attacks import ALL

GREETING = 5000


class Stage:
    """What peers wait for, and how the program ends."""

    def __init__(self, scene):
        self.scene = scene
        self.condition = threading.Condition()
        self.counts = {}
        self.open = 0
        self.transports = []
        scene.until = self.until
        scene.goodbye = self.goodbye

    def count(self, what, many=1):
        with self.condition:
            self.counts[what] = self.counts.get(what, 0) + many
            self.condition.notify_all()

    def until(self, what, many=1):
        """Wait in a peer until it has happened so often, or until so many bytes have come."""
        with self.condition:
            if not self.condition.wait_for(lambda: self.counts.get(what, 0) >= many, PATIENCE):
                raise TimeoutError(what)

    def goodbye(self):
        for transport in self.transports:
            transport.close()

    def describe(self, error):
        # Whether a write or a read is the first to learn that the peer has gone is a matter of time.
        if isinstance(error, ConnectionError):
            return "the connection is gone"
        return describe(error)


class Server(asyncio.Protocol):
    """Echoes, and stops reading while the answers are not read."""

    role = "server"

    def __init__(self, stage, numbers):
        self.stage = stage
        self.numbers = numbers

    def connection_made(self, transport):
        # Protocols of handshakes that fail are never told, and have no number.
        self.who = f"{self.role} {next(self.numbers)}"
        self.transport = transport
        self.stage.transports.append(transport)
        self.stage.open += 1
        self.stage.scene.note(self.who, "connection_made")
        self.stage.count("made")

    def data_received(self, data):
        self.stage.scene.note(self.who, "data", len(data))
        self.transport.write(data)
        self.stage.count("data", len(data))

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()

    def eof_received(self):
        self.stage.scene.note(self.who, "eof_received")

    def connection_lost(self, exc):
        self.stage.scene.note(self.who, "connection_lost", self.stage.describe(exc))
        self.stage.open -= 1
        self.stage.count("lost")


def stream_server(stage, numbers):
    async def serve(reader, writer):
        who = f"server {next(numbers)}"
        scene = stage.scene
        stage.open += 1
        stage.transports.append(writer)
        scene.note(who, "connected")
        stage.count("made")
        try:
            while data := await reader.read(50_000):
                scene.note(who, "data", len(data))
                writer.write(data)
                stage.count("data", len(data))
                await writer.drain()
            scene.note(who, "end")
        except (OSError, EOFError) as error:
            scene.note(who, "failed", stage.describe(error))
        writer.close()
        try:
            await writer.wait_closed()
        except OSError as error:
            scene.note(who, "wait_closed", stage.describe(error))
        stage.open -= 1
        stage.count("lost")

    return serve


def merge(journal):
    """Data in a row is one event: how it is cut into pieces is a matter of time."""
    for who, events in journal.items():
        merged = []
        for event in events:
            if event[0] == "data" and merged and merged[-1][0] == "data":
                merged[-1][1] += event[1]
            else:
                merged.append(event)
        journal[who] = merged


def good_client(scene, stage, address):
    """Asks for an echo and gets it."""
    sock = socket.create_connection(address, timeout=5)
    if scene.options["tls"]:
        sock = scene.client_context().wrap_socket(sock, server_hostname="localhost")
    with sock:
        sock.sendall(pattern(0, GREETING))
        got = b""
        while len(got) < GREETING and (data := sock.recv(GREETING)):
            got += data
    scene.note("good client", "answered", len(got) if got == pattern(0, GREETING) else "wrongly")
    stage.count("good client")


async def server(scene):
    """A server under attack."""
    stage = Stage(scene)
    options = scene.options
    extra = {}
    if options["tls"]:
        extra = {"ssl": scene.server_context(), "ssl_handshake_timeout": 0.5, "ssl_shutdown_timeout": 0.3}
    numbers = itertools.count()
    if options["way"] == "streams":
        listening = await asyncio.start_server(stream_server(stage, numbers), "127.0.0.1", 0, **extra)
    else:
        listening = await scene.loop.create_server(lambda: Server(stage, numbers), "127.0.0.1", 0, **extra)
    address = listening.sockets[0].getsockname()
    attack = ALL[options["attack"]]
    attacked = scene.connect_in_thread(address, lambda sock: attack(sock, scene, options["how"]))
    if options["attack"].endswith(("silent", "never_reads")):
        # In the middle of the attack.
        if options["attack"] != "silent" or not options["tls"]:
            await asyncio.to_thread(stage.until, "made")
        await asyncio.to_thread(good_client, scene, stage, address)
    await asyncio.to_thread(attacked.join, PATIENCE)
    # What the peer has left behind must end by itself.
    await until(lambda: not stage.open)
    await asyncio.to_thread(good_client, scene, stage, address)
    await until(lambda: not stage.open)
    listening.close()
    await listening.wait_closed()
    await asyncio.sleep(0.01)
    merge(scene.journal)


async def until(condition):
    while not condition():
        await asyncio.sleep(0.002)


async def many_resets_before_accept(scene):
    """Connections that have been reset when the loop gets to accept them."""
    stage = Stage(scene)
    extra = {"ssl": scene.server_context()} if scene.options["tls"] else {}
    listening = await scene.loop.create_server(
        lambda: Server(stage, itertools.repeat(0)), "127.0.0.1", 0, backlog=100, **extra
    )
    address = listening.sockets[0].getsockname()
    for _ in range(60):
        with socket.create_connection(address) as sock:
            if scene.options["how"] == "reset":
                reset(sock)
    if not scene.options["tls"]:
        await until(lambda: stage.counts.get("lost", 0) == 60)
    await asyncio.to_thread(good_client, scene, stage, address)
    await until(lambda: not stage.open)
    listening.close()
    await listening.wait_closed()
    await asyncio.sleep(0.01)
    merge(scene.journal)
    scene.journal.pop("server 0")
    scene.note("server", dict(sorted((key, stage.counts[key]) for key in ("made", "lost"))))


class Client(Server):
    """Does not echo."""

    role = "client"

    def __init__(self, stage, lost):
        super().__init__(stage, itertools.count())
        self.lost = lost

    def data_received(self, data):
        self.stage.scene.note(self.who, "data", len(data))
        self.stage.count("data", len(data))

    def connection_lost(self, exc):
        super().connection_lost(exc)
        self.lost.set_result(None)


async def client(scene):
    """A client of a hostile server."""
    stage = Stage(scene)
    options = scene.options
    listener = scene.listener()
    attack = ALL[options["attack"]]
    scene.accept_in_thread(listener, lambda sock: attack(sock, scene, options["how"]))
    extra = {}
    if options["tls"]:
        extra = {"ssl": scene.client_context(), "server_hostname": "localhost"}
        extra.update(ssl_handshake_timeout=0.5, ssl_shutdown_timeout=0.3)
    try:
        if options["way"] == "streams":
            reader, writer = await asyncio.open_connection(*listener.getsockname(), **extra)
            stage.transports.append(writer)
            scene.note("client", "connected")
            stage.count("made")
            try:
                while data := await reader.read(50_000):
                    scene.note("client", "data", len(data))
                    stage.count("data", len(data))
                scene.note("client", "end")
            finally:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()
        else:
            lost = scene.loop.create_future()
            await scene.loop.create_connection(lambda: Client(stage, lost), *listener.getsockname(), **extra)
            await lost
    except OSError as error:
        scene.note("client", "failed", stage.describe(error))
    for thread in scene.threads:
        await asyncio.to_thread(thread.join, PATIENCE)
    merge(scene.journal)


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, scene):
        self.scene = scene
        self.lost = scene.loop.create_future()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.scene.note("loop", "datagram", len(data))
        if not addr[1]:
            raise AssertionError("no sender")

    def error_received(self, exc):
        self.scene.note("loop", "error_received", describe(exc))

    def connection_lost(self, exc):
        self.scene.note("loop", "connection_lost", describe(exc))
        self.lost.set_result(None)


async def datagrams(scene):
    """Datagrams of every size, a peer that is not there, and one that sends faster than anybody reads."""
    loop = scene.loop
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(("127.0.0.1", 0))
    address = peer.getsockname()
    protocol = Datagrams(scene)
    transport, _ = await loop.create_datagram_endpoint(
        lambda: protocol,
        **({"remote_addr": address} if scene.options["connected"] else {"local_addr": ("127.0.0.1", 0)}),
    )
    here = transport.get_extra_info("sockname")
    to = None if scene.options["connected"] else address
    count = 0

    async def arrived():
        await until(lambda: len(scene.journal.get("loop", ())) >= count)

    for size in (0, 1, 0, 1472, 1473, 8192, 65_507, 0):
        peer.sendto(bytes(size), here)
        count += 1
        await arrived()
    for size in (0, 1, 65_507):
        transport.sendto(bytes(size), to)
        await asyncio.sleep(0)
    for size in (65_508, 100_000):
        with contextlib.suppress(OSError):
            transport.sendto(bytes(size), to)
        count += 1
        await arrived()
    peer.settimeout(1)
    # Python drops an empty datagram until 3.13; so does ferrio there.
    got = []
    with contextlib.suppress(TimeoutError):
        while 65_507 not in got:
            got.append(len(peer.recv(100_000)))
    scene.note("peer", "got", got)
    peer.close()
    # Nobody is there any more; the system says so at the next call.
    for _ in range(3):
        transport.sendto(b"to nobody", to)
        await asyncio.sleep(0.01)
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(address)
    for _ in range(50):
        peer.sendto(b"again", here)
    await until(lambda: sum(event == ["datagram", 5] for event in scene.journal["loop"]) == 50)
    peer.close()
    transport.close()
    await protocol.lost


async def flood(scene):
    """More datagrams than anybody can read: what is lost is the kernel's choice, but timers run, and the end comes."""
    protocol = Datagrams(scene)
    transport, _ = await scene.loop.create_datagram_endpoint(lambda: protocol, local_addr=("127.0.0.1", 0))
    here = transport.get_extra_info("sockname")

    def pour(sock):
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                sock.sendto(b"x", here)

    thread = scene.thread(pour, socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    late = 0.0
    while thread.is_alive():
        began = time.monotonic()
        await asyncio.sleep(0.005)
        late = max(late, time.monotonic() - began)
    transport.close()
    await protocol.lost
    scene.journal["loop"] = [["some datagrams" if len(scene.journal["loop"]) > 10 else "hardly any"]]
    scene.note("program", "timers run" if late < 1 else "timers are late")
