"""What is written at one end arrives at the other."""

import asyncio
import ssl

import pytest

from tests.harness import Buffered, Recorder

MEGABYTE = bytes(range(256)) * 4096


class Slow(Recorder):
    """Counts what arrives and pauses reading now and then."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.intact = True

    def data_received(self, data):
        self.intact = self.intact and self.follows(data)
        self.count += len(data)
        self.note("data_received")
        if self.count % 7 == 0:
            self.transport.pause_reading()
            asyncio.get_running_loop().call_soon(self.transport.resume_reading)

    def follows(self, data):
        start = self.count % 256
        return data == (bytes(range(256)) * (len(data) // 256 + 2))[start:][: len(data)]


@pytest.mark.timeout(120)
async def test_100_megabytes_with_flow_control(pair):
    class Writing(Recorder):
        can_write = None

        def pause_writing(self):
            self.can_write = asyncio.get_running_loop().create_future()
            self.note("pause_writing")

        def resume_writing(self):
            self.can_write.set_result(None)
            self.note("resume_writing")

    async with pair(Writing, Slow) as (client, server):
        biggest = 0
        for _ in range(100):
            client.transport.write(MEGABYTE)
            biggest = max(biggest, client.transport.get_write_buffer_size())
            if client.can_write is not None:
                await client.can_write
        await server.until(lambda: server.count == 100 * 2**20)
        assert server.intact
        assert "pause_writing" in client.calls
        assert client.calls.count("pause_writing") == client.calls.count("resume_writing")
        assert biggest < 8 * 2**20


async def test_many_small_writes_keep_their_order(pair):
    async with pair() as (client, server):
        pieces = [b"%d," % number for number in range(5000)]
        for piece in pieces[:2500]:
            client.transport.write(piece)
        client.transport.writelines(pieces[2500:])
        assert await server.got(sum(map(len, pieces))) == b"".join(pieces)


@pytest.mark.ferrio_only
async def test_writes_of_one_iteration_share_records(pair):
    async with pair() as (client, server):
        client.transport.write(b"warm")
        await server.got(4)
        received = server.calls.count("data_received")
        for _ in range(1000):
            client.transport.write(b"12345678")
        await server.got(8004)
        assert server.calls.count("data_received") == received + 1


async def test_a_bytearray_may_be_changed_after_the_write(pair):
    async with pair() as (client, server):
        data = bytearray(b"before")
        client.transport.write(data)
        data[:] = b"after!"
        client.transport.write(memoryview(data))
        data[:] = b"......"
        assert await server.got(12) == b"beforeafter!"


async def test_only_bytes_can_be_written(pair):
    async with pair() as (client, _):
        with pytest.raises(TypeError, match="data: expecting a bytes-like instance, got str"):
            client.transport.write("text")
        client.transport.write(b"")
        with pytest.raises(NotImplementedError):
            client.transport.write_eof()
        assert not client.transport.can_write_eof()


class View(Buffered):
    """asyncio fills a slice of what it is lent, which is a copy unless it is a slice of a view."""

    def get_buffer(self, sizehint):
        return memoryview(super().get_buffer(sizehint))


@pytest.mark.parametrize("size", [1, 7, 4096, 100_000])
async def test_a_buffered_protocol_gets_its_buffer_filled(pair, size):
    async with pair(server=lambda: View(size)) as (client, server):
        data = MEGABYTE[:3000] if size < 4096 else MEGABYTE
        client.transport.write(data)
        assert await server.got(len(data)) == data
        server.transport.write(b"and back")
        assert await client.got(8) == b"and back"


async def test_the_protocol_can_be_changed_to_a_buffered_one(pair):
    async with pair() as (client, server):
        client.transport.write(b"one")
        await server.got(3)
        other = Buffered()
        other.transport = server.transport
        server.transport.set_protocol(other)
        assert server.transport.get_protocol() is other
        client.transport.write(b"two")
        assert await other.got(3) == b"two"
        server.transport.set_protocol(server)


async def test_nothing_arrives_while_reading_is_paused(loop, pair):
    async with pair() as (client, server):
        assert server.transport.is_reading()
        server.transport.pause_reading()
        assert not server.transport.is_reading()
        client.transport.write(MEGABYTE)
        while server.transport.get_read_buffer_size() < 2**18:
            await asyncio.sleep(0.001)
        assert server.received == b""
        server.transport.resume_reading()
        assert await server.got(2**20) == MEGABYTE


async def test_the_limits_of_both_directions(pair):
    async with pair() as (client, _):
        transport = client.transport
        assert transport.get_write_buffer_limits() == (128 * 1024, 512 * 1024)
        assert transport.get_read_buffer_limits() == (64 * 1024, 256 * 1024)
        transport.set_write_buffer_limits(high=1000)
        assert transport.get_write_buffer_limits() == (250, 1000)
        transport.set_read_buffer_limits(low=100)
        assert transport.get_read_buffer_limits() == (100, 400)
        for limits in ({"high": 1, "low": 2}, {"low": -1}, {"high": -1}):
            with pytest.raises(ValueError, match=r"high \(-?\d+\) must be >= low \(-?\d+\) must be >= 0"):
                transport.set_write_buffer_limits(**limits)


async def test_tls_1_2(pair, client_context):
    client_context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with pair() as (client, server):
        client.transport.write(MEGABYTE)
        assert await server.got(2**20) == MEGABYTE
        assert client.transport.get_extra_info("ssl_object").version() == "TLSv1.2"


async def test_the_certificate_may_be_asked_for_after_the_handshake(
    pair, certificates, server_context, client_context
):
    certificates.authority.configure_trust(server_context)
    certificates.client.configure_cert(client_context)
    server_context.post_handshake_auth = True
    client_context.post_handshake_auth = True
    server_context.verify_mode = ssl.CERT_REQUIRED
    async with pair() as (client, server):
        client.transport.write(b"a")
        await server.got(1)
        session = server.transport.get_extra_info("ssl_object")
        session._sslobj.verify_client_post_handshake()
        server.transport.write(b"please")
        await client.got(6)
        client.transport.write(b"here")
        assert await server.got(5) == b"ahere"
        assert session.getpeercert()["subjectAltName"]


async def test_a_session_is_resumed(loop, certificates, server_context, client_context):
    server = await loop.create_server(Recorder, "127.0.0.1", 0, ssl=server_context)
    session = None
    for _ in range(2):
        client_context.sslobject_class = type(
            "Resuming",
            (ssl.SSLObject,),
            {"do_handshake": resume(session)},
        )
        _, client = await loop.create_connection(
            Recorder, *server.sockets[0].getsockname(), ssl=client_context, server_hostname="localhost"
        )
        ssl_object = client.transport.get_extra_info("ssl_object")
        client.transport.write(b"x")
        while not ssl_object.session.has_ticket:
            await asyncio.sleep(0)
        reused, session = ssl_object.session_reused, ssl_object.session
        client.transport.close()
        await client.lost()
    assert reused
    server.close()


def resume(session):
    def do_handshake(self):
        if session is not None and self.session is None:
            self.session = session
        ssl.SSLObject.do_handshake(self)

    return do_handshake


async def test_many_connections_at_once(loop, server_context, client_context):
    class Echo(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            self.transport.write(data)

    server = await loop.create_server(Echo, "127.0.0.1", 0, ssl=server_context)
    address = server.sockets[0].getsockname()

    async def talk(number):
        _, client = await loop.create_connection(
            Recorder, *address, ssl=client_context, server_hostname="localhost"
        )
        data = b"%d" % number * 2000
        client.transport.write(data)
        assert await client.got(len(data)) == data
        client.transport.close()
        assert await client.lost() is None

    await asyncio.gather(*(talk(number) for number in range(60)))
    server.close()
    await server.wait_closed()


async def test_streams(loop, server_context, client_context):
    async def echo(reader, writer):
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context)
    reader, writer = await asyncio.open_connection(
        *server.sockets[0].getsockname(), ssl=client_context, server_hostname="localhost"
    )
    for number in range(100):
        line = b"%d" % number * 100 + b"\n"
        writer.write(line)
        assert await reader.readline() == line
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
