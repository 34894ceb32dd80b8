"""Every kind of object that a program may give to a method that takes bytes, and what a loop makes of it."""

import array
import asyncio
import ctypes
import mmap
import os
import re
import socket
import sys

from tests.harness import Recorder, settle
from tests.io.tls.conftest import Certificates

DATA = b"0123456789abcdef"


class Bytes(bytes):
    pass


class Structure(ctypes.Structure):
    _fields_ = (("data", ctypes.c_char * len(DATA)),)


class Exporter:
    """An object that lends a buffer (since Python 3.12)."""

    def __buffer__(self, flags):
        return memoryview(DATA)


class SizedExporter(Exporter):
    def __len__(self):
        return len(DATA)


def mapped():
    mapping = mmap.mmap(-1, len(DATA))
    mapping[:] = DATA
    return mapping


def released():
    view = memoryview(DATA)
    view.release()
    return view


# A function that makes the object for each kind.
KINDS = {
    "bytes": lambda: DATA,
    "no bytes": lambda: b"",
    "subclass of bytes": lambda: Bytes(DATA),
    "bytearray": lambda: bytearray(DATA),
    "memoryview": lambda: memoryview(DATA),
    "part of a memoryview": lambda: memoryview(b"<" + DATA + b">")[1:-1],
    "memoryview of characters": lambda: memoryview(DATA).cast("c"),
    "memoryview of integers": lambda: memoryview(DATA).cast("i"),
    "memoryview of two dimensions": lambda: memoryview(DATA).cast("B", (4, 4)),
    "memoryview of no dimension": lambda: memoryview(DATA).cast("B", (len(DATA),))[:1].cast("B", ()),
    "memoryview with gaps": lambda: memoryview(DATA)[::2],
    "released memoryview": released,
    "array of bytes": lambda: array.array("B", DATA),
    "array of integers": lambda: array.array("i", DATA),
    "empty array": lambda: array.array("i"),
    "mmap": mapped,
    "ctypes array": lambda: (ctypes.c_char * len(DATA))(*DATA),
    "ctypes array of integers": lambda: (ctypes.c_int * 4).from_buffer_copy(DATA),
    "ctypes structure": lambda: Structure(DATA),
    "text": lambda: "text",
    "no text": lambda: "",
    "zero": lambda: 0,
    "integer": lambda: 5,
    "None": lambda: None,
    "list of integers": lambda: [1, 2, 3],
    "empty list": list,
    "tuple of bytes": lambda: (DATA,),
    "object": lambda: object,
}
if sys.version_info >= (3, 12):
    KINDS |= {"exporter": Exporter, "exporter with a length": SizedExporter}


def described(error):
    return error and (type(error).__name__, re.sub("0x[0-9a-f]+", "0x", str(error)))


class Outcome(dict):
    """What a call has led to, as far as a program can see."""

    def call(self, function, *args):
        try:
            result = function(*args)
        except Exception as error:
            self["raised"] = described(error)
            return
        if result is not None:
            self["returned"] = result

    def note(self, loop, context):
        error = described(context.get("exception"))
        self.setdefault("reported", []).append((context["message"], error))


def received(sock):
    """What lies in a socket that is at its end."""
    with sock:
        return b"".join(iter(lambda: sock.recv(1 << 16), b""))


async def until_ended(loop, outcome, transport, protocol):
    for _ in range(5):
        await asyncio.sleep(0)
    transport.close()
    losing = loop.create_task(protocol.lost())
    if not await settle(losing, 1000):
        outcome["closed"] = "never"
        transport.abort()
    if reason := await losing:
        outcome["lost"] = described(reason)


async def to_transport(loop, outcome, method, *args):
    ours, peer = socket.socketpair()
    transport, protocol = await loop.create_connection(Recorder, sock=ours)
    outcome.call(getattr(transport, method), *args)
    await until_ended(loop, outcome, transport, protocol)
    outcome["sent"] = received(peer)


async def to_writer(loop, outcome, method, *args):
    ours, peer = socket.socketpair()
    transport, protocol = await loop.create_connection(Recorder, sock=ours)
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    outcome.call(getattr(writer, method), *args)
    await until_ended(loop, outcome, transport, protocol)
    outcome["sent"] = received(peer)


async def to_tls(loop, outcome, method, *args):
    ours, theirs = socket.socketpair()
    accepting = loop.create_task(loop.connect_accepted_socket(Recorder, theirs, ssl=certificates().server))
    transport, protocol = await loop.create_connection(
        Recorder, sock=ours, ssl=certificates().client, server_hostname="localhost"
    )
    _, peer = await accepting
    outcome.call(getattr(transport, method), *args)
    await until_ended(loop, outcome, transport, protocol)
    await peer.lost()
    outcome["sent"] = bytes(peer.received)


class certificates:
    """The contexts of both sides, made once."""

    made = None

    def __new__(cls):
        if cls.made is None:
            made = Certificates()
            cls.made = super().__new__(cls)
            cls.made.server, cls.made.client = made.server_context(), made.client_context()
        return cls.made


async def to_pipe(loop, outcome, method, *args):
    read, write = os.pipe()
    transport, protocol = await loop.connect_write_pipe(Recorder, os.fdopen(write, "wb", 0))
    outcome.call(getattr(transport, method), *args)
    await until_ended(loop, outcome, transport, protocol)
    with os.fdopen(read, "rb") as peer:
        outcome["sent"] = peer.read()


class Datagrams(Recorder):
    def error_received(self, error):
        self.failures.append(described(error))

    def __init__(self):
        super().__init__()
        self.failures = []


async def to_datagrams(loop, outcome, data, *, connected):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.setblocking(False)
        address = peer.getsockname()
        options = {"remote_addr": address} if connected else {"local_addr": ("127.0.0.1", 0)}
        transport, protocol = await loop.create_datagram_endpoint(Datagrams, **options)
        outcome.call(transport.sendto, data, *([] if connected else [address]))
        await until_ended(loop, outcome, transport, protocol)
        outcome["failures"] = protocol.failures
        outcome["sent"] = datagrams(peer)


def datagrams(sock):
    found = []
    while True:
        try:
            found.append(sock.recv(1 << 16))
        except BlockingIOError:
            return found


async def by_socket(loop, outcome, coroutine):
    """Await a coroutine, unless it never ends."""
    task = loop.create_task(coroutine)
    if not await settle(task):
        outcome["returned"] = "never"
        task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        outcome.call(task.result)


async def sock_sendall(loop, outcome, data):
    ours, peer = socket.socketpair()
    with ours:
        ours.setblocking(False)
        await by_socket(loop, outcome, loop.sock_sendall(ours, data))
    outcome["sent"] = received(peer)


async def sock_sendto(loop, outcome, data):
    with socket.socket(type=socket.SOCK_DGRAM) as ours, socket.socket(type=socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.setblocking(False)
        ours.setblocking(False)
        await by_socket(loop, outcome, loop.sock_sendto(ours, data, peer.getsockname()))
        outcome["sent"] = datagrams(peer)


async def feed_data(loop, outcome, data):
    reader = asyncio.StreamReader() if type(loop).__module__ != "ferrio" else native_reader()
    outcome.call(reader.feed_data, data)
    reader.feed_eof()
    outcome["sent"] = await reader.read()


def native_reader():
    import ferrio

    return ferrio.StreamReader()


def by(function, method, wrap=lambda data: data):
    return lambda loop, outcome, data: function(loop, outcome, method, wrap(data))


def alone(data):
    return [data]


def between(data):
    return [b"<", data, b">"]


def generated(data):
    return iter(between(data))


# A coroutine function for each way in which data is given.
WAYS = {
    "write": by(to_transport, "write"),
    "writelines of one": by(to_transport, "writelines", alone),
    "writelines of three": by(to_transport, "writelines", between),
    "writelines of an iterator": by(to_transport, "writelines", generated),
    "writelines of it": by(to_transport, "writelines"),
    "StreamWriter.write": by(to_writer, "write"),
    "StreamWriter.writelines": by(to_writer, "writelines", between),
    "TLS write": by(to_tls, "write"),
    "TLS writelines of one": by(to_tls, "writelines", alone),
    "TLS writelines of three": by(to_tls, "writelines", between),
    "TLS writelines of it": by(to_tls, "writelines"),
    "pipe write": by(to_pipe, "write"),
    "pipe writelines": by(to_pipe, "writelines", between),
    "sendto a peer": lambda *args: to_datagrams(*args, connected=True),
    "sendto an address": lambda *args: to_datagrams(*args, connected=False),
    "sock_sendall": sock_sendall,
    "sock_sendto": sock_sendto,
    "feed_data": feed_data,
}


def outcome_of(loop_factory, way, kind):
    """What a loop makes of one kind of data, given in one way."""
    outcome = Outcome()

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(outcome.note)
        await WAYS[way](loop, outcome, KINDS[kind]())

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())
    return outcome
