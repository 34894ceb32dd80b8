"""start_tls(): TLS over a transport that is there already."""

import asyncio
import select
import socket
import ssl

import pytest
from ferrio import _ferrio

from tests.harness import Recorder, reset, serve, tcp_pair, until_closed


@pytest.fixture
def plain(loop):
    """Two protocols that are connected without TLS."""

    async def connect():
        ours, theirs = tcp_pair()
        _, client = await loop.create_connection(Recorder, sock=ours)
        _, server = await loop.connect_accepted_socket(Recorder, sock=theirs)
        return client, server

    return connect


async def upgrade(loop, client, server, server_context, client_context):
    """TLS over the transports of both protocols; what was the transport is returned."""
    before = client.transport, server.transport
    client.transport, server.transport = await asyncio.gather(
        loop.start_tls(client.transport, client, client_context, server_hostname="localhost"),
        loop.start_tls(server.transport, server, server_context, server_side=True),
    )
    return before


async def end(*protocols):
    for protocol in protocols:
        protocol.transport.close()
    for protocol in protocols:
        assert await protocol.lost() is None


async def test_both_sides_upgrade(loop, plain, server_context, client_context, loop_name, data_path):
    client, server = await plain()
    client.transport.write(b"plain")
    assert await server.got(5) == b"plain"
    below, _ = await upgrade(loop, client, server, server_context, client_context)
    client.transport.write(b"secret")
    assert await server.got(11) == b"plainsecret"
    server.transport.write(b"answer")
    assert await client.got(6) == b"answer"
    assert below.get_protocol() is not client
    assert client.transport.get_protocol() is client
    assert client.calls.count("connection_made") == 1
    if loop_name == "ferrio":
        is_direct = data_path == "direct" and _ferrio._tricks()["openssl"]
        assert client.transport._ssl_protocol._direct == is_direct
    await end(client, server)
    assert client.calls.count("connection_lost") == 1


async def test_an_upgrade_while_data_is_still_to_be_sent(loop, server_context, client_context):
    ours, theirs = tcp_pair()
    _, client = await loop.create_connection(Recorder, sock=ours)
    client.transport.set_write_buffer_limits(high=2**30)
    while not client.transport.get_write_buffer_size():
        client.transport.write(b"p" * 100_000)
    client.transport.write(b"end")
    above = asyncio.ensure_future(
        loop.start_tls(client.transport, client, client_context, server_hostname="localhost")
    )
    while not (await receive_line(loop, theirs)).endswith(b"end"):
        pass
    _, server = await loop.connect_accepted_socket(Recorder, sock=theirs, ssl=server_context)
    client.transport = await above
    client.transport.write(b"s" * 1000)
    assert await server.got(1000) == b"s" * 1000
    await end(client, server)


async def receive_line(loop, sock):
    """The next bytes of plain text, and nothing behind its end."""
    data = await loop.run_in_executor(None, peek, sock)
    count = data.find(b"end") + 3 if b"end" in data else max(len(data) - 2, 1)
    return await loop.sock_recv(sock, count)


def peek(sock):
    select.select([sock], [], [])
    return sock.recv(1 << 16, socket.MSG_PEEK)


async def test_tls_over_tls(loop, plain, server_context, client_context):
    client, server = await plain()
    await upgrade(loop, client, server, server_context, client_context)
    below, _ = await upgrade(loop, client, server, server_context, client_context)
    data = bytes(range(256)) * 4000
    client.transport.write(data)
    assert await server.got(len(data)) == data
    server.transport.write(data)
    assert await client.got(len(data)) == data
    info = client.transport.get_extra_info
    assert info("ssl_object") is not below.get_extra_info("ssl_object")
    assert info("peername") == below.get_extra_info("peername")
    await end(client, server)


async def test_abort_goes_down_to_the_socket(loop, plain, server_context, client_context):
    client, server = await plain()
    await upgrade(loop, client, server, server_context, client_context)
    await upgrade(loop, client, server, server_context, client_context)
    client.transport.abort()
    assert await client.lost() is None
    await server.lost()


class Pipe(asyncio.Transport):
    """A transport of a foreign class: the protocol at the other end receives what is written."""

    _start_tls_compatible = True

    def __init__(self, loop, protocol):
        super().__init__({"peername": "pipe"})
        self.loop = loop
        self.protocol = protocol
        self.other = None
        self.closing = False
        self.paused = False
        self.waiting = []

    def set_protocol(self, protocol):
        self.protocol = protocol

    def get_protocol(self):
        return self.protocol

    def write(self, data):
        assert isinstance(data, bytes)
        self.other.waiting.append(data)
        self.loop.call_soon(self.other.deliver)

    def deliver(self):
        while self.waiting and not self.paused and not self.closing:
            data = self.waiting.pop(0)
            if isinstance(self.protocol, asyncio.BufferedProtocol):
                while data:
                    buffer = self.protocol.get_buffer(len(data))
                    count = min(len(buffer), len(data))
                    buffer[:count] = data[:count]
                    self.protocol.buffer_updated(count)
                    data = data[count:]
            else:
                self.protocol.data_received(data)

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False
        self.deliver()

    def is_closing(self):
        return self.closing

    def close(self, exc=None):
        if not self.closing:
            self.closing = True
            self.loop.call_soon(self.protocol.connection_lost, exc)
            self.loop.call_soon(self.other.close)

    abort = close
    _force_close = close


async def test_a_transport_of_somebody_elses(loop, server_context, client_context):
    client, server = Recorder(), Recorder()
    client.transport, server.transport = ends = Pipe(loop, client), Pipe(loop, server)
    ends[0].other, ends[1].other = ends[1], ends[0]
    await upgrade(loop, client, server, server_context, client_context)
    data = bytes(range(256)) * 4000
    client.transport.write(data)
    assert await server.got(len(data)) == data
    assert client.transport.get_extra_info("peername") == "pipe"
    client.transport.close()
    assert await client.lost() is None
    await server.lost()
    for end in ends:
        end.other = None


async def test_a_handshake_that_fails_closes_the_transport(loop, plain, certificates, server_context):
    client, server = await plain()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    certificates.stranger.configure_trust(context)
    shaking = asyncio.ensure_future(
        loop.start_tls(server.transport, server, server_context, server_side=True)
    )
    with pytest.raises(ssl.SSLCertVerificationError):
        await loop.start_tls(client.transport, client, context, server_hostname="localhost")
    assert client.transport.is_closing()
    with pytest.raises(OSError):
        await shaking


async def test_a_transport_that_is_closed_in_the_handshake_ends_it(loop, plain, client_context):
    client, server = await plain()
    below = client.transport
    shaking = asyncio.ensure_future(
        loop.start_tls(below, client, client_context, server_hostname="localhost")
    )
    await server.called("data_received")
    below.close()
    await server.lost()
    await asyncio.wait([shaking])
    assert shaking.exception() is None or isinstance(shaking.exception(), ConnectionError)


async def test_a_peer_that_resets_in_the_handshake_ends_it(loop, client_context):
    ours, theirs = tcp_pair()
    _, client = await loop.create_connection(Recorder, sock=ours)
    shaking = asyncio.ensure_future(
        loop.start_tls(client.transport, client, client_context, server_hostname="localhost")
    )
    await loop.sock_recv(theirs, 1)
    reset(theirs)
    with pytest.raises(ConnectionResetError):
        await shaking
    await until_closed(loop, ours)


@pytest.mark.parametrize("hostname", [None, ""])
async def test_a_context_that_checks_names_needs_one(loop, plain, client_context, hostname):
    """Without it the certificate would be checked, but not whose it is. Newer releases of Python refuse that."""
    try:
        client_context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())
    except ValueError:
        client, server = await plain()
    else:
        pytest.skip("this release does not refuse it")
    with pytest.raises(ValueError, match=r"^check_hostname requires server_hostname$"):
        await loop.start_tls(client.transport, client, client_context, server_hostname=hostname)
    await end(client, server)


async def test_arguments_are_checked(loop, plain, client_context):
    client, server = await plain()
    with pytest.raises(TypeError, match=r"sslcontext is expected to be an instance of ssl\.SSLContext"):
        await loop.start_tls(client.transport, client, None)
    with pytest.raises(TypeError, match="is not supported by start_tls"):
        await loop.start_tls(asyncio.Transport(), client, client_context)
    with pytest.raises(ValueError, match="ssl_shutdown_timeout should be a positive number"):
        await loop.start_tls(client.transport, client, client_context, ssl_shutdown_timeout=0)
    await end(client, server)


async def test_a_program_that_has_changed_asyncios_class_gets_its_own(
    loop, monkeypatch, server_context, client_context
):
    made = []
    original = asyncio.sslproto.SSLProtocol.connection_made

    def connection_made(protocol, transport):
        made.append(protocol)
        original(protocol, transport)

    monkeypatch.setattr(asyncio.sslproto.SSLProtocol, "connection_made", connection_made)
    server, protocols, address = await serve(loop, ssl=server_context)
    _, client = await loop.create_connection(
        Recorder, *address, ssl=client_context, server_hostname="localhost"
    )
    client.transport.write(b"x")
    await protocols.connected(1)
    await protocols[0].got(1)
    assert len(made) == 2
    client.transport.close()
    await client.lost()
    await protocols[0].lost()
    server.close()
