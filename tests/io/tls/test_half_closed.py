"""One side has ended and the other has not: with and without a goodbye, and never a wait for a timeout.

The timeouts of TLS are thirty seconds by default; each test here must be over long before.
"""

import asyncio
import contextlib
import socket
import ssl

import pytest

from tests.harness import Recorder
from tests.io.tls.peer import connected

pytestmark = pytest.mark.timeout(15)


def say_goodbye(peer):
    """Send close_notify, without waiting for the answer."""
    with contextlib.suppress(ssl.SSLWantReadError):
        peer.tls.unwrap()
    peer.send()


async def test_a_peer_that_says_goodbye_and_goes_on_reading(loop, server_context, client_context):
    """TLS 1.3 lets one direction end; asyncio ends both, after what was written before has been sent."""
    protocol = Recorder()
    async with connected(loop, server_context, client_context, protocol) as peer:
        protocol.transport.write(b"last words")
        say_goodbye(peer)
        assert await protocol.lost() is None
        assert protocol.order == ["connection_made", "eof_received", "connection_lost"]
        assert await loop.run_in_executor(None, peer.until_done, peer.tls.read, 100) == b"last words"


async def test_a_peer_that_ends_its_side_of_the_socket_without_a_goodbye(
    loop, server_context, client_context
):
    protocol = Recorder()
    async with connected(loop, server_context, client_context, protocol) as peer:
        peer.sock.shutdown(socket.SHUT_WR)
        assert await protocol.lost() is None
        assert protocol.order == ["connection_made", "eof_received", "connection_lost"]


async def test_eof_received_cannot_keep_the_connection_open(loop, server_context, client_context, caplog):
    protocol = Recorder(keep_open=True)
    async with connected(loop, server_context, client_context, protocol) as peer:
        peer.sock.shutdown(socket.SHUT_WR)
        assert await protocol.lost() is None
    assert "returning true from eof_received() has no effect when using ssl" in caplog.text


async def test_a_peer_that_ends_its_side_while_we_wait_for_its_goodbye(loop, server_context, client_context):
    protocol = Recorder()
    async with connected(loop, server_context, client_context, protocol) as peer:
        protocol.transport.close()
        await asyncio.sleep(0)
        peer.sock.shutdown(socket.SHUT_WR)
        await protocol.lost()


async def test_a_peer_that_ends_its_side_in_the_middle_of_a_record(loop, server_context, client_context):
    protocol = Recorder()
    async with connected(loop, server_context, client_context, protocol) as peer:
        peer.tls.write(b"x" * 1000)
        peer.sock.sendall(peer.outgoing.read()[:500])
        peer.sock.shutdown(socket.SHUT_WR)
        await protocol.lost()
        assert protocol.received == b""


async def test_both_sides_say_goodbye_at_once(pair):
    async with pair() as (client, server):
        client.transport.close()
        server.transport.close()
        assert await client.lost() is None
        assert await server.lost() is None


async def test_both_sides_say_goodbye_at_once_while_both_are_congested(pair):
    async with pair() as (client, server):
        for protocol in (client, server):
            protocol.transport.write(b"x" * 5_000_000)
            protocol.transport.close()
        await client.lost()
        await server.lost()


async def test_one_side_closes_while_reading_is_paused(pair):
    async with pair() as (client, server):
        server.transport.write(b"never read")
        client.transport.pause_reading()
        await asyncio.sleep(0)
        client.transport.close()
        await client.lost()
        await server.lost()


async def test_a_write_eof_is_refused(pair):
    async with pair() as (client, _):
        assert client.transport.can_write_eof() is False
        with pytest.raises(NotImplementedError):
            client.transport.write_eof()


async def test_a_server_that_is_closed_waits_for_its_clients_no_longer_than_they_take(
    loop, server_context, client_context
):
    async def answer(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_context)
    address = server.sockets[0].getsockname()
    clients = [
        await asyncio.open_connection(*address, ssl=client_context, server_hostname="localhost")
        for _ in range(20)
    ]
    for _, writer in clients:
        writer.write(b"hello\n")
    server.close()
    for reader, writer in clients:
        assert await reader.read() == b"hello\n"
        writer.close()
        await writer.wait_closed()
    await server.wait_closed()


async def test_a_writer_whose_peer_is_gone_is_told(loop, server_context, client_context):
    """By `drain`, at the latest the second time: the first may only find out."""
    server = await asyncio.start_server(
        lambda reader, writer: writer.transport.abort(), "127.0.0.1", 0, ssl=server_context
    )
    _, writer = await asyncio.open_connection(
        *server.sockets[0].getsockname(), ssl=client_context, server_hostname="localhost"
    )
    with pytest.raises(ConnectionError):
        while True:
            writer.write(b"x" * 1000)
            await writer.drain()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    server.close()
