"""What debug mode logs of connections."""

import asyncio
import logging
import socket

import pytest

from tests.harness import Recorder, connect, finish, reset, serve, tcp_pair, transport_and_peer


@pytest.fixture
def logged(loop, caplog):
    """Switches debug mode on. Whether a line has each of the pieces of text, in their order."""
    caplog.set_level(logging.DEBUG, "asyncio")
    loop.set_debug(True)
    loop.slow_callback_duration = 1000

    def logged(*pieces):
        def has(message):
            position = 0
            for piece in pieces:
                position = message.find(piece, position)
                if position < 0:
                    return False
            return True

        return any(map(has, caplog.messages))

    yield logged
    loop.set_debug(False)


async def test_a_server_tells_that_it_serves_and_whom(loop, logged):
    server, made, address = await serve(loop)
    assert logged("<Server sockets=", " is serving")
    client = await connect(loop, address)
    await made.connected(1)
    port = client.transport.get_extra_info("sockname")[1]
    assert logged(" got a new connection from ", f"('127.0.0.1', {port}): <socket.socket ")
    await finish(client, *made)
    server.close()


async def test_a_client_tells_where_it_is_connected(loop, logged):
    server, made, address = await serve(loop)
    client = await connect(loop, address)
    assert logged(f" connected to 127.0.0.1:{address[1]}: (", "Transport", "Recorder")
    await made.connected(1)
    await finish(client, *made)
    server.close()


async def test_an_accepted_socket_is_told_of(loop, logged):
    ours, peer = tcp_pair()
    with peer:
        _, protocol = await loop.connect_accepted_socket(Recorder, sock=ours)
        assert logged("Socket fd=", " handled: (", "Transport", "Recorder")
        await finish(protocol)


async def test_pauses_and_the_end_are_told(loop, logged):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.pause_reading()
        transport.pause_reading()
        assert logged("Transport", " pauses reading")
        assert not logged("resumes reading")
        transport.resume_reading()
        assert logged("Transport", " resumes reading")
        peer.shutdown(socket.SHUT_WR)
        await protocol.lost()
        assert logged("Transport", " received EOF")


async def test_errors_of_the_network_are_told_with_their_traceback(loop, logged, caplog, errors):
    async with transport_and_peer(loop) as (_, protocol, peer):
        reset(peer)
        assert isinstance(await protocol.lost(), ConnectionResetError)
        assert logged("Transport", ": Fatal read error on socket transport")
        (record,) = [record for record in caplog.records if "Fatal" in record.getMessage()]
        assert record.levelno == logging.DEBUG
        assert record.exc_info[0] is ConnectionResetError
        assert errors.take() == []


async def test_nothing_is_told_outside_debug_mode(loop, caplog):
    caplog.set_level(logging.DEBUG, "asyncio")
    server, made, address = await serve(loop)
    client = await connect(loop, address)
    await made.connected(1)
    client.transport.pause_reading()
    client.transport.resume_reading()
    made[0].transport.close()
    await client.lost()
    await made[0].lost()
    server.close()
    await asyncio.sleep(0)
    assert caplog.messages == []
