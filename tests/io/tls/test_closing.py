"""The end of a TLS connection."""

import asyncio
import contextlib
import socket
import ssl

import pytest

from tests.harness import Recorder
from tests.io.tls.peer import connected


async def test_close_sends_what_was_written(pair):
    async with pair() as (client, server):
        client.transport.write(b"x" * 300_000)
        client.transport.close()
        assert client.transport.is_closing()
        assert await server.got(300_000) == b"x" * 300_000
        assert await client.lost() is None
        assert await server.lost() is None
        assert server.order == ["connection_made", "data_received", "eof_received", "connection_lost"]
        assert client.order[0] == "connection_made"
        assert client.order[-1] == "connection_lost"


async def test_abort_is_not_orderly(pair):
    async with pair() as (client, server):
        client.transport.write(b"x")
        await server.got(1)
        client.transport.abort()
        assert client.transport.is_closing()
        assert await client.lost() is None
        await server.lost()
        assert "eof_received" not in client.calls


async def test_what_was_written_before_abort_reaches_the_kernel(pair):
    async with pair() as (client, server):
        client.transport.write(b"last words")
        client.transport.abort()
        assert await server.got(10) == b"last words"


async def test_writing_after_close_is_ignored(pair, caplog):
    async with pair() as (client, server):
        client.transport.close()
        for _ in range(7):
            client.transport.write(b"late")
        await client.lost()
        await server.lost()
        assert server.received == b""
        assert "SSL connection is closed" in caplog.text


async def test_a_transport_may_be_closed_twice(pair):
    async with pair() as (client, _):
        client.transport.close()
        client.transport.close()
        assert client.transport.is_closing()
        assert await client.lost() is None
        client.transport.close()


async def test_a_peer_that_does_not_answer_the_goodbye(loop, server_context, client_context):
    protocol = Recorder()
    options = {"ssl_shutdown_timeout": 0.05}
    async with connected(loop, server_context, client_context, protocol, **options):
        protocol.transport.close()
        reason = await protocol.lost()
        assert isinstance(reason, TimeoutError)
        assert str(reason) == "SSL shutdown timed out"


async def test_a_peer_that_is_gone_does_not_keep_close_waiting(loop, server_context, client_context):
    protocol = Recorder()
    async with connected(loop, server_context, client_context, protocol) as peer:
        protocol.transport.close()
        peer.close()
        async with asyncio.timeout(5):
            await protocol.lost()


async def test_a_peer_that_vanishes_without_goodbye(loop, server_context, client_context):
    protocol = Recorder()
    async with connected(loop, server_context, client_context, protocol) as peer:
        peer.tls.write(b"half a mess")
        peer.send()
        await protocol.got(11)
        peer.close()
        async with asyncio.timeout(5):
            assert await protocol.lost() is None
        assert protocol.order == ["connection_made", "data_received", "eof_received", "connection_lost"]


async def test_a_peer_that_closes_its_side_and_waits(loop, server_context, client_context):
    protocol = Recorder(keep_open=True)
    async with connected(loop, server_context, client_context, protocol) as peer:
        peer.tls.write(b"bye")
        await loop.run_in_executor(None, peer.until_done, peer.tls.unwrap)
        async with asyncio.timeout(5):
            assert await protocol.lost() is None
        assert protocol.received == b"bye"
        assert protocol.order == ["connection_made", "data_received", "eof_received", "connection_lost"]


async def test_data_behind_the_goodbye_is_delivered_first(loop, server_context, client_context):
    protocol = Recorder()
    async with connected(loop, server_context, client_context, protocol) as peer:
        protocol.transport.pause_reading()
        peer.tls.write(b"x" * 10_000)
        with contextlib.suppress(ssl.SSLWantReadError):
            peer.tls.unwrap()
        peer.send()
        peer.sock.shutdown(socket.SHUT_WR)
        while protocol.transport.get_read_buffer_size() < 10_000:
            await asyncio.sleep(0)
        for _ in range(5):  # The end of the connection is read next.
            await asyncio.sleep(0)
        assert protocol.received == b""
        protocol.transport.resume_reading()
        async with asyncio.timeout(5):
            await protocol.lost()
        assert protocol.received == b"x" * 10_000


async def test_a_broken_record_ends_the_connection(loop, server_context, client_context):
    protocol = Recorder()
    async with connected(loop, server_context, client_context, protocol) as peer:
        peer.tls.write(b"good")
        peer.send()
        await protocol.got(4)
        peer.tls.write(b"x" * 100)
        record = bytearray(peer.outgoing.read())
        record[-1] ^= 1
        peer.sock.sendall(record)
        reason = await protocol.lost()
        assert isinstance(reason, ssl.SSLError)
        # Two errors, one behind the other: newer releases of OpenSSL have the general one in front.
        assert reason.reason in ("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", "RECORD_LAYER_FAILURE")
        assert reason.reason.lower().replace("_", " ") in str(reason)
        assert protocol.received == b"good"


async def test_rubbish_instead_of_a_record(loop, server_context, client_context):
    protocol = Recorder()
    async with connected(loop, server_context, client_context, protocol) as peer:
        peer.sock.sendall(b"this is not TLS at all")
        reason = await protocol.lost()
        assert isinstance(reason, ssl.SSLError)
        assert reason.library == "SSL"


async def test_an_exception_in_data_received_ends_the_connection(pair, errors):
    class Broken(Recorder):
        def data_received(self, data):
            raise ZeroDivisionError

    async with pair(server=Broken) as (client, server):
        client.transport.write(b"x")
        assert isinstance(await server.lost(), ZeroDivisionError)
        context = errors.take_one()
        assert context["message"] == "Fatal error on SSL protocol"
        assert isinstance(context["exception"], ZeroDivisionError)


async def test_an_exception_in_eof_received_is_reported(pair, errors):
    class Broken(Recorder):
        def eof_received(self):
            raise ZeroDivisionError

    async with pair(server=Broken) as (client, server):
        client.transport.close()
        assert isinstance(await server.lost(), ZeroDivisionError)
        context = errors.take_one()
        assert context["message"] == "Error calling eof_received()"


async def test_an_exception_in_pause_writing_is_reported(pair, errors):
    class Broken(Recorder):
        def pause_writing(self):
            raise ZeroDivisionError

    async with pair(Broken) as (client, server):
        server.transport.pause_reading()
        while not errors.contexts:
            client.transport.write(b"x" * 1_000_000)
            await asyncio.sleep(0)
        assert errors.take_one()["message"] == "protocol.pause_writing() failed"


async def test_closing_from_within_data_received(pair):
    class Once(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.write(b"thanks")
            self.transport.close()

    async with pair(server=Once) as (client, server):
        client.transport.write(b"one")
        assert await client.got(6) == b"thanks"
        await client.lost()
        assert await server.lost() is None
        assert server.received == b"one"


async def test_aborting_from_within_data_received(pair):
    class Once(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.abort()

    async with pair(server=Once) as (client, server):
        client.transport.write(b"one")
        assert await server.lost() is None


async def test_close_waits_for_a_congested_peer(loop, server_context, client_context):
    protocol = Recorder()
    async with connected(loop, server_context, client_context, protocol) as peer:
        total = 20_000_000
        protocol.transport.write(b"x" * total)
        protocol.transport.close()

        def drain():
            count = 0
            while count < total:
                count += len(peer.until_done(peer.tls.read, 65536))
            with contextlib.suppress(ssl.SSLError, OSError):
                peer.until_done(peer.tls.unwrap)
            return count

        assert await loop.run_in_executor(None, drain) == total
        await protocol.lost()


@pytest.mark.skipif(
    not hasattr(asyncio.sslproto.SSLProtocol, "_is_transport_closing"), reason="newer releases"
)
async def test_a_peer_that_does_not_read_cannot_delay_the_end(loop, server_context, client_context):
    protocol = Recorder()
    options = {"ssl_shutdown_timeout": 0.2}
    async with connected(loop, server_context, client_context, protocol, **options) as peer:
        while not protocol.transport.get_write_buffer_size():
            protocol.transport.write(b"x" * 1_000_000)
        protocol.transport.close()
        with contextlib.suppress(ssl.SSLWantReadError):
            peer.tls.unwrap()
        peer.send()
        async with asyncio.timeout(5):
            assert isinstance(await protocol.lost(), TimeoutError)
