"""What a transport does in which iteration, and that no connection starves another."""

import asyncio

import pytest

from tests.harness import Made, Recorder, connect, finish, socket_pair, tcp_pair, transport_and_peer, turn


@pytest.fixture
def connection(loop):
    """A transport's protocol and its peer, for tests that turn the loop themselves."""
    with socket_pair() as (ours, theirs):
        _, protocol = loop.run_until_complete(loop.create_connection(Recorder, sock=ours))
        yield protocol, theirs
        protocol.transport.abort()
        turn(loop)


def test_data_is_received_in_the_iteration_that_finds_it(loop, connection):
    protocol, peer = connection
    turn(loop)
    assert protocol.calls == ["connection_made"]
    peer.send(b"data")
    turn(loop)
    assert protocol.calls == ["connection_made", "data_received"]


def test_the_end_of_the_stream_comes_in_the_iteration_after_the_last_data(loop, connection):
    protocol, peer = connection
    peer.send(b"data")
    peer.close()
    turn(loop)
    assert protocol.calls == ["connection_made", "data_received"]
    turn(loop)
    assert protocol.calls == ["connection_made", "data_received", "eof_received"]
    turn(loop)
    assert protocol.calls == ["connection_made", "data_received", "eof_received", "connection_lost"]


def test_what_a_callback_made_readable_is_received_in_the_next_iteration(loop, connection):
    protocol, peer = connection
    loop.call_soon(peer.send, b"data")
    turn(loop)
    assert protocol.calls == ["connection_made"]
    turn(loop)
    assert protocol.calls == ["connection_made", "data_received"]


def test_data_is_received_after_what_was_ready_and_before_timers(loop, connection):
    protocol, peer = connection
    order = []
    protocol.data_received = lambda data: order.append("data")
    peer.send(b"data")
    loop.call_later(0, order.append, "timer")
    loop.call_soon(order.append, "soon")
    turn(loop)
    assert order == ["soon", "data", "timer"]


def test_pausing_in_an_earlier_callback_of_the_iteration_holds_the_data_back(loop, connection):
    protocol, peer = connection
    peer.send(b"data")
    loop.call_soon(protocol.transport.pause_reading)
    turn(loop)
    turn(loop)
    assert protocol.calls == ["connection_made"]
    protocol.transport.resume_reading()
    turn(loop)
    assert protocol.calls == ["connection_made", "data_received"]


def test_closing_in_an_earlier_callback_of_the_iteration_drops_the_data(loop, connection):
    protocol, peer = connection
    peer.send(b"data")
    loop.call_soon(protocol.transport.close)
    turn(loop)
    turn(loop)
    assert protocol.calls == ["connection_made", "connection_lost"]


async def test_a_flood_gets_one_call_an_iteration(loop):
    calls = []
    iteration = 0

    class Protocol(Recorder):
        def data_received(self, data):
            calls.append(iteration)
            assert len(data) <= 256 * 1024
            super().data_received(data)

    async with transport_and_peer(loop, Protocol()) as (_, protocol, peer):
        sending = loop.create_task(loop.sock_sendall(peer, bytes(20 << 20)))
        while len(protocol.received) < 20 << 20:
            iteration += 1
            await asyncio.sleep(0)
        await sending
    assert len(calls) == len(set(calls))


async def test_a_flood_on_one_connection_does_not_starve_another(loop):
    ours, peer = tcp_pair()
    transport, quiet = await loop.create_connection(Recorder, sock=ours)
    async with transport_and_peer(loop) as (_, flooded, flooder):
        flood = loop.create_task(loop.sock_sendall(flooder, bytes(200 << 20)))
        for number in range(1, 51):
            peer.send(b"x")
            for _ in range(20):
                await asyncio.sleep(0)
                if len(quiet.received) == number:
                    break
            assert len(quiet.received) == number
        assert not flood.done()
        flood.cancel()
        assert flooded.received
    transport.close()
    await quiet.lost()
    peer.close()


async def test_a_flood_does_not_hold_up_timers_and_callbacks(loop):
    async with transport_and_peer(loop) as (_, protocol, peer):
        flood = loop.create_task(loop.sock_sendall(peer, bytes(200 << 20)))
        await protocol.got(1)
        start = loop.time()
        await asyncio.sleep(0.001)
        assert loop.time() - start < 0.5
        assert not flood.done()
        flood.cancel()


ATTACHED_TOO_LATE = pytest.mark.stock_bug(True, reason="a transport made after close() is never cleaned up")


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the standard library's
@pytest.mark.parametrize("iterations", [0, 1, 2, pytest.param(3, marks=ATTACHED_TOO_LATE), 4, 5])
async def test_a_server_that_closes_while_it_accepts_leaves_nothing_open(loop, iterations):
    made = Made()
    server = await loop.create_server(made, "127.0.0.1", 0)
    connecting = loop.create_task(connect(loop, server.sockets[0].getsockname()))
    for _ in range(iterations):
        await asyncio.sleep(0)
    server.close()
    (client,) = await asyncio.gather(connecting, return_exceptions=True)
    if isinstance(client, Recorder):
        for _ in range(5):
            await asyncio.sleep(0)
        if "connection_lost" not in client.calls:
            client.transport.close()
            await client.lost()
    else:
        assert isinstance(client, ConnectionError)
    for protocol in made:
        await protocol.lost()
    await server.wait_closed()


async def test_the_protocols_of_a_server_are_made_in_the_order_of_the_connections(loop):
    made = Made()
    server = await loop.create_server(made, "127.0.0.1", 0)
    clients = [await connect(loop, server.sockets[0].getsockname()) for _ in range(20)]
    await made.connected(20)
    peers = [protocol.transport.get_extra_info("peername") for protocol in made]
    assert peers == [client.transport.get_extra_info("sockname") for client in clients]
    await finish(*clients)
    for protocol in made:
        await protocol.lost()
    server.close()
    await server.wait_closed()
