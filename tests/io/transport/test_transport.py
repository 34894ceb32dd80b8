"""The stream transport: the order of a protocol's calls, what it tells, and how it ends."""

import asyncio
import socket

from tests.harness import (
    Recorder,
    receive_all,
    reset,
    socket_pair,
    transport_and_peer,
    turn,
)


async def test_the_calls_come_in_order_when_the_peer_ends(loop):
    async with transport_and_peer(loop) as (_, protocol, peer):
        peer.send(b"data")
        peer.close()
        assert await protocol.lost() is None
        assert protocol.order == ["connection_made", "data_received", "eof_received", "connection_lost"]


async def test_the_calls_come_in_order_when_we_close(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.close()
        assert protocol.calls == ["connection_made"]
        assert await protocol.lost() is None
        assert protocol.calls == ["connection_made", "connection_lost"]
        assert await loop.sock_recv(peer, 100) == b""


async def test_close_tells_connection_lost_in_the_next_iteration(loop):
    async with transport_and_peer(loop) as (transport, protocol, _):
        transport.close()
        assert transport.is_closing()
        await asyncio.sleep(0)
        assert protocol.calls == ["connection_made", "connection_lost"]


async def test_abort_tells_connection_lost_in_the_next_iteration_without_an_error(loop):
    async with transport_and_peer(loop) as (transport, protocol, _):
        transport.abort()
        assert transport.is_closing()
        assert protocol.calls == ["connection_made"]
        await asyncio.sleep(0)
        assert protocol.calls == ["connection_made", "connection_lost"]
        assert protocol.reason is None


async def test_connection_lost_comes_once_however_often_it_is_closed(loop):
    async with transport_and_peer(loop) as (transport, protocol, _):
        for _ in range(3):
            transport.close()
            transport.abort()
        await protocol.lost()
        transport.close()
        transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)
        assert protocol.calls == ["connection_made", "connection_lost"]


async def test_no_data_comes_after_close(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        peer.send(b"data")
        transport.close()
        await protocol.lost()
        assert protocol.calls == ["connection_made", "connection_lost"]


async def test_the_socket_is_closed_right_after_connection_lost(loop):
    with socket_pair() as (ours, _):
        seen = []

        class Protocol(Recorder):
            def connection_lost(self, exc):
                seen.append(ours.fileno() != -1)
                super().connection_lost(exc)

        transport, _ = await loop.create_connection(Protocol, sock=ours)
        transport.close()
        await asyncio.sleep(0)
        assert seen == [True]
        assert ours.fileno() == -1


async def test_a_reset_by_the_peer_is_the_reason_of_connection_lost(loop):
    async with transport_and_peer(loop) as (_, protocol, peer):
        reset(peer)
        assert isinstance(await protocol.lost(), ConnectionResetError)
        assert protocol.calls == ["connection_made", "connection_lost"]


async def test_close_in_connection_made_prevents_any_data(loop):
    class Protocol(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.close()

    with socket_pair() as (ours, theirs):
        theirs.send(b"data")
        transport, protocol = await loop.create_connection(Protocol, sock=ours)
        assert transport.is_closing()
        await protocol.lost()
        assert protocol.calls == ["connection_made", "connection_lost"]
        assert ours.fileno() == -1


async def test_close_in_data_received_is_the_last_call_but_one(loop):
    class Protocol(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.close()

    async with transport_and_peer(loop, Protocol()) as (_, protocol, peer):
        peer.send(b"data")
        peer.close()
        assert await protocol.lost() is None
        assert protocol.calls == ["connection_made", "data_received", "connection_lost"]


async def test_returning_nothing_from_eof_received_closes_the_transport(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        peer.shutdown(socket.SHUT_WR)
        await protocol.called("eof_received")
        assert transport.is_closing()
        assert await protocol.lost() is None
        assert await loop.sock_recv(peer, 100) == b""


async def test_returning_true_from_eof_received_keeps_the_transport_open(loop):
    async with transport_and_peer(loop, Recorder(keep_open=True)) as (transport, protocol, peer):
        peer.shutdown(socket.SHUT_WR)
        await protocol.called("eof_received")
        assert not transport.is_closing()
        for _ in range(5):
            await asyncio.sleep(0)
        assert protocol.calls == ["connection_made", "eof_received"]
        transport.write(b"answer")
        transport.close()
        assert await receive_all(loop, peer) == b"answer"
        assert await protocol.lost() is None


async def test_write_eof_ends_one_direction_and_the_other_goes_on(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        assert transport.can_write_eof() is True
        transport.write(b"question")
        assert transport.write_eof() is None
        assert await receive_all(loop, peer) == b"question"
        assert not transport.is_closing()
        peer.send(b"answer")
        peer.close()
        assert await protocol.lost() is None
        assert protocol.received == b"answer"


async def test_write_eof_may_be_repeated_and_comes_too_late_after_close(loop):
    async with transport_and_peer(loop) as (transport, protocol, _):
        transport.write_eof()
        transport.write_eof()
        transport.close()
        transport.write_eof()
        await protocol.lost()
        transport.write_eof()


def test_connection_made_runs_before_the_connection_is_handed_over(loop):
    with socket_pair() as (ours, _):
        task = loop.create_task(loop.create_connection(Recorder, sock=ours))
        while not task.done():
            turn(loop)
        transport, protocol = task.result()
        assert protocol.calls == ["connection_made"]
        transport.close()
        turn(loop)
        assert protocol.calls == ["connection_made", "connection_lost"]


async def test_connection_lost_keeps_its_place_among_callbacks(loop):
    order = []

    class Protocol(Recorder):
        def connection_lost(self, exc):
            order.append("connection_lost")
            super().connection_lost(exc)

    async with transport_and_peer(loop, Protocol()) as (transport, protocol, _):
        loop.call_soon(order.append, "before")
        transport.close()
        loop.call_soon(order.append, "after")
        await protocol.lost()
        assert order == ["before", "connection_lost", "after"]


async def test_a_half_open_transport_learns_of_the_end_when_it_writes(loop):
    async with transport_and_peer(loop, Recorder(keep_open=True)) as (transport, protocol, peer):
        peer.shutdown(socket.SHUT_WR)
        await protocol.called("eof_received")
        reset(peer)
        for _ in range(5):
            await asyncio.sleep(0)
        assert protocol.calls == ["connection_made", "eof_received"]
        while "connection_lost" not in protocol.calls:
            transport.write(b"data")
            await asyncio.sleep(0)
        assert isinstance(protocol.reason, ConnectionError)


async def test_a_transport_whose_both_directions_ended_stays_open_until_it_is_closed(loop):
    async with transport_and_peer(loop, Recorder(keep_open=True)) as (transport, protocol, peer):
        transport.write_eof()
        peer.shutdown(socket.SHUT_WR)
        await protocol.called("eof_received")
        for _ in range(5):
            await asyncio.sleep(0)
        assert not transport.is_closing()
        transport.close()
        assert await protocol.lost() is None


async def test_the_end_is_told_again_when_reading_is_resumed_after_it(loop):
    async with transport_and_peer(loop, Recorder(keep_open=True)) as (transport, protocol, peer):
        peer.shutdown(socket.SHUT_WR)
        await protocol.called("eof_received")
        assert transport.is_reading()
        transport.pause_reading()
        transport.resume_reading()
        await protocol.called("eof_received", 2)
