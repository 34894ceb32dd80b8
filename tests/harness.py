"""What several behaviour tests share: one iteration of a loop, protocols that write down calls, sockets."""

import asyncio
import contextlib
import os
import socket
import struct
import sys

PY = sys.version_info[:2]
FD_FOLDER = "/proc/self/fd" if os.path.exists("/proc/self/fd") else "/dev/fd"


def turn(loop):
    """Run exactly one iteration: stop() is only looked at when an iteration is over."""
    loop.stop()
    loop.run_forever()


def turns(loop, count):
    for _ in range(count):
        turn(loop)


class Recorder(asyncio.Protocol):
    """A protocol that writes down every call in order, and lets a test wait for one."""

    def __init__(self, *, keep_open=False):
        self.calls = []
        self.received = bytearray()
        self.transport = None
        self.reason = None
        self.keep_open = keep_open
        self._waiters = []

    def note(self, name):
        self.calls.append(name)
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def connection_made(self, transport):
        self.transport = transport
        self.note("connection_made")

    def data_received(self, data):
        self.received += data
        self.note("data_received")

    def eof_received(self):
        self.note("eof_received")
        return self.keep_open

    def connection_lost(self, exc):
        self.reason = exc
        self.note("connection_lost")

    def pause_writing(self):
        self.note("pause_writing")

    def resume_writing(self):
        self.note("resume_writing")

    @property
    def order(self):
        """The calls without repetitions in a row: how data is cut into pieces is the kernel's business."""
        return [
            name for name, before in zip(self.calls, [None, *self.calls[:-1]], strict=True) if name != before
        ]

    async def until(self, condition):
        """Wait until `condition()` holds after a call."""
        while not condition():
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    async def called(self, name, times=1):
        await self.until(lambda: self.calls.count(name) >= times)

    async def got(self, count):
        """Wait for `count` bytes in all and return everything received."""
        await self.until(lambda: len(self.received) >= count)
        return bytes(self.received)

    async def lost(self):
        """Wait for connection_lost and return its argument."""
        await self.called("connection_lost")
        return self.reason


class Buffered(Recorder, asyncio.BufferedProtocol):
    """The same for a protocol that lends its own buffer."""

    def __init__(self, size=4096, **options):
        super().__init__(**options)
        self.buffer = bytearray(size)
        self.hints = []

    def get_buffer(self, sizehint):
        self.hints.append(sizehint)
        return self.buffer

    def buffer_updated(self, nbytes):
        self.received += self.buffer[:nbytes]
        self.note("buffer_updated")


class Made(list):
    """A protocol factory that keeps what it made and lets a test wait for it."""

    def __init__(self):
        self.changed = asyncio.Event()

    def __call__(self):
        self.append(Recorder())
        self.changed.set()
        return self[-1]

    async def connected(self, count):
        while len(self) < count:
            self.changed.clear()
            await self.changed.wait()
        for protocol in self:
            await protocol.called("connection_made")


async def serve(loop, **options):
    made = Made()
    server = await loop.create_server(made, "127.0.0.1", 0, **options)
    return server, made, server.sockets[0].getsockname()


async def connect(loop, address):
    _, client = await loop.create_connection(Recorder, *address)
    return client


async def finish(*protocols):
    for protocol in protocols:
        protocol.transport.close()
    for protocol in protocols:
        await protocol.lost()


async def settle(task, iterations=10):
    """Whether the task is done after some iterations."""
    for _ in range(iterations):
        await asyncio.sleep(0)
    return task.done()


@contextlib.contextmanager
def socket_pair():
    """Two connected, non-blocking stream sockets."""
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.setblocking(False)
        yield left, right


def tcp_pair():
    """Two connected, non-blocking TCP sockets: the connecting one, and the accepted one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
    client.setblocking(False)
    accepted.setblocking(False)
    return client, accepted


@contextlib.asynccontextmanager
async def transport_and_peer(loop, protocol=None, *, pair=tcp_pair):
    """A transport under `protocol` (by default a Recorder), and the plain socket at its other end."""
    ours, peer = pair()
    peer.setblocking(False)
    with peer:
        transport, protocol = await loop.create_connection(lambda: protocol or Recorder(), sock=ours)
        try:
            yield transport, protocol, peer
        finally:
            if not transport.is_closing():
                transport.abort()
            peer.close()
            await until_closed(loop, ours)


async def until_closed(loop, sock):
    """Let the loop turn until the transport has closed its socket, just after connection_lost."""
    for _ in range(100):
        if sock.fileno() == -1:
            return
        await asyncio.sleep(0)
    raise AssertionError("the transport did not close its socket")


async def receive_all(loop, sock):
    """Everything that the peer of `sock` sends, until it ends its side."""
    received = bytearray()
    while data := await loop.sock_recv(sock, 1 << 20):
        received += data
    return bytes(received)


async def receive_exactly(loop, sock, count):
    received = bytearray()
    while len(received) < count:
        data = await loop.sock_recv(sock, count - len(received))
        assert data, f"the peer closed after {len(received)} of {count} bytes"
        received += data
    return bytes(received)


def reset(sock):
    """Close a TCP socket with a reset instead of an orderly end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def small_buffers(sock):
    """Make the kernel hold little, so that a few hundred kilobytes are enough to feel back-pressure."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)


def fill(sock):
    """Write until the kernel takes no more; returns how many bytes it took."""
    total = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            total += sock.send(b"x" * 65536)
    return total


def descriptor_count():
    return len(os.listdir(FD_FOLDER))


def unused_port():
    """A TCP port of 127.0.0.1 at which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_until_asleep(native_id, pid="self"):
    """Return when the kernel says that this thread sleeps, many times in a row (Linux)."""
    seen = 0
    while seen < 20:
        with open(f"/proc/{pid}/task/{native_id}/stat") as stat:
            state = stat.read().rpartition(")")[2].split()[0]
        seen = seen + 1 if state == "S" else 0
