"""What the tests of datagrams share: a protocol that writes down calls, and pairs of endpoints."""

import asyncio
import contextlib
import socket

from tests.harness import Recorder


class Datagrams(Recorder, asyncio.DatagramProtocol):
    """A protocol that writes down every call and every datagram, and lets a test wait for them."""

    def __init__(self):
        super().__init__()
        self.datagrams = []
        self.failures = []

    def datagram_received(self, data, addr):
        self.datagrams.append((data, addr))
        self.note("datagram_received")

    def error_received(self, exc):
        self.failures.append(exc)
        self.note("error_received")

    @property
    def contents(self):
        return [data for data, _ in self.datagrams]

    async def arrived(self, count):
        """Wait for `count` datagrams in all and return the contents of everything received."""
        await self.until(lambda: len(self.datagrams) >= count)
        return self.contents


@contextlib.asynccontextmanager
async def endpoint(loop, *, protocol=Datagrams, **options):
    """A transport and its protocol, closed in the end; bound to a free port unless told otherwise."""
    if not options:
        options = {"local_addr": ("127.0.0.1", 0)}
    transport, protocol = await loop.create_datagram_endpoint(protocol, **options)
    sock = transport.get_extra_info("socket")
    try:
        yield transport, protocol
    finally:
        if sock.fileno() != -1:
            transport.abort()
        for _ in range(10):
            if sock.fileno() == -1:
                break
            await asyncio.sleep(0)


def datagram_socket(address=("127.0.0.1", 0), family=socket.AF_INET):
    """A non-blocking datagram socket that is bound."""
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind(address)
    sock.setblocking(False)
    return sock


@contextlib.asynccontextmanager
async def endpoint_and_peer(loop, *, connected=True, protocol=Datagrams):
    """An endpoint (connected to the peer, or not), its protocol, and a plain socket at the other end."""
    with datagram_socket() as peer:
        remote = {"remote_addr": peer.getsockname()} if connected else {}
        options = {"local_addr": ("127.0.0.1", 0), **remote}
        async with endpoint(loop, protocol=protocol, **options) as (transport, recorder):
            yield transport, recorder, peer


def unix_socket(path):
    return datagram_socket(path, socket.AF_UNIX)


@contextlib.asynccontextmanager
async def blocked_endpoint(loop, tmp_path, *, protocol=Datagrams, room=False):
    """An endpoint that is connected to a Unix socket whose queue is full, its protocol, and that socket.

    The kernel takes no datagram until the peer has read some; with `room`, it still takes all that fit.
    """
    with unix_socket(str(tmp_path / "peer")) as peer:
        sock = unix_socket(str(tmp_path / "endpoint"))
        sock.connect(peer.getsockname())
        async with endpoint(loop, protocol=protocol, sock=sock) as (transport, recorder):
            if not room:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        sock.send(b"filler")
            yield transport, recorder, peer


async def received(loop, sock, count=1):
    """The next `count` datagrams of the socket."""
    return [(await loop.sock_recvfrom(sock, 1 << 16))[0] for _ in range(count)]


async def drain(loop, sock, last):
    """Everything that the socket receives up to the datagram `last`, without what filled it."""
    contents = []
    while not contents or contents[-1] != last:
        contents += await received(loop, sock)
    return [data for data in contents if data != b"filler"]
