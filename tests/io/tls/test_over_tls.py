"""TLS over TLS: congestion, loss and misuse pass through both layers."""

import asyncio
import socket
import struct
import threading

import pytest

from tests.harness import Recorder, tcp_pair
from tests.io.tls.peer import Peer


@pytest.fixture
def nested(loop, server_context, client_context):
    """Two protocols that are connected by two layers of TLS."""

    async def connect(layers=2):
        ours, theirs = tcp_pair()
        _, client = await loop.create_connection(Recorder, sock=ours)
        _, server = await loop.connect_accepted_socket(Recorder, sock=theirs)
        for _ in range(layers):
            await upgrade(client, server)
        return client, server

    async def upgrade(client, server):
        client.transport, server.transport = await asyncio.gather(
            loop.start_tls(client.transport, client, client_context, server_hostname="localhost"),
            loop.start_tls(server.transport, server, server_context, server_side=True),
        )

    connect.upgrade = upgrade
    return connect


async def end(*protocols):
    for protocol in protocols:
        protocol.transport.abort()
    for protocol in protocols:
        await protocol.lost()


async def test_a_peer_that_does_not_read_pauses_the_writer_until_it_does(nested):
    client, server = await nested()
    server.transport.pause_reading()
    written = 0
    while "pause_writing" not in client.calls:
        client.transport.write(b"x" * 100_000)
        written += 100_000
        await asyncio.sleep(0)
    assert client.transport.get_write_buffer_size() > 0
    assert "resume_writing" not in client.calls
    server.transport.resume_reading()
    assert len(await server.got(written)) == written
    await client.called("resume_writing")
    assert client.calls.count("pause_writing") == client.calls.count("resume_writing")
    await end(client, server)


async def test_both_directions_can_be_congested_at_once(nested):
    client, server = await nested()
    data = bytes(range(256)) * 4000
    for protocol in (client, server):
        protocol.transport.pause_reading()
        protocol.transport.write(data)
    for protocol in (client, server):
        protocol.transport.resume_reading()
    assert await server.got(len(data)) == data
    assert await client.got(len(data)) == data
    await end(client, server)


class Plain:
    """A socket, as the bottom of `Layer`s."""

    def __init__(self, sock):
        sock.settimeout(20)
        self.recv, self.sendall = sock.recv, sock.sendall


class Layer:
    """The server's side of TLS over something with `recv` and `sendall`, which may be another layer."""

    def __init__(self, below, context):
        self.peer = Peer(below, context)
        self.peer.until_done(self.peer.tls.do_handshake)

    def recv(self, size):
        return self.peer.until_done(self.peer.tls.read, size)

    def sendall(self, data):
        assert self.peer.until_done(self.peer.tls.write, data) == len(data)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.stock_bug(True, reason="asyncio asserts that it cannot be, and never resumes the protocol")
async def test_an_upgrade_while_writing_is_paused(loop, server_context, client_context, layers):
    """Data that was written before leaves first; the handshake and the data of the upper layer follow."""
    ours, theirs = tcp_pair()
    go_on, count = threading.Event(), 0

    def serve():
        connection = Plain(theirs)
        for _ in range(layers - 1):
            connection = Layer(connection, server_context)
        go_on.wait()
        received = 0
        while received < count:
            received += len(connection.recv(count - received))
        connection = Layer(connection, server_context)
        connection.sendall(b"answer to " + connection.recv(100))

    serving = loop.run_in_executor(None, serve)
    client = Recorder()
    options = {"ssl": client_context, "server_hostname": "localhost"} if layers == 2 else {}
    await loop.create_connection(lambda: client, sock=ours, **options)
    while "pause_writing" not in client.calls:
        client.transport.write(b"x" * 100_000)
        count += 100_000
    upgrading = asyncio.ensure_future(
        loop.start_tls(client.transport, client, client_context, server_hostname="localhost")
    )
    await asyncio.sleep(0)
    assert "resume_writing" not in client.calls
    go_on.set()
    client.transport = await upgrading
    await client.called("resume_writing")
    client.transport.write(b"secret")
    assert await client.got(16) == b"answer to secret"
    await serving
    client.transport.abort()
    await client.lost()
    theirs.close()


async def test_closing_flushes_both_layers(nested):
    client, server = await nested()
    data = bytes(range(256)) * 4000
    client.transport.write(data)
    client.transport.close()
    assert await server.got(len(data)) == data
    assert await client.lost() is None
    assert await server.lost() is None
    assert server.order == ["connection_made", "data_received", "eof_received", "connection_lost"]


async def test_a_reset_below_reaches_the_protocol_once_and_without_a_report(nested, errors):
    client, server = await nested()
    client.transport.write(b"x")
    await server.got(1)
    # Nothing is sent any more, and what arrives is answered by a reset.
    with client.transport.get_extra_info("socket").dup() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.transport.abort()
    await server.lost()
    await client.lost()
    for protocol in (client, server):
        assert protocol.calls.count("connection_lost") == 1
        assert protocol.reason is None or isinstance(protocol.reason, ConnectionResetError)
    assert errors.take() == []


async def test_closing_the_layer_below_ends_both(nested):
    client, server = await nested(layers=1)
    below = client.transport
    await nested.upgrade(client, server)
    below.close()
    await client.lost()
    await server.lost()
    for protocol in (client, server):
        assert protocol.calls.count("connection_lost") == 1
