"""The stream transport: pausing and resuming to read."""

import asyncio
import socket

from tests.harness import Buffered, Recorder, reset, socket_pair, transport_and_peer


async def iterations(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_transport_reads_from_the_start(loop):
    async with transport_and_peer(loop) as (transport, _, _):
        assert transport.is_reading() is True


async def test_nothing_is_received_while_paused(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        assert transport.pause_reading() is None
        assert transport.is_reading() is False
        peer.send(b"data")
        await iterations()
        assert protocol.calls == ["connection_made"]
        assert transport.resume_reading() is None
        assert transport.is_reading() is True
        assert await protocol.got(4) == b"data"


async def test_pausing_and_resuming_may_be_repeated(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.resume_reading()
        transport.pause_reading()
        transport.pause_reading()
        assert transport.is_reading() is False
        transport.resume_reading()
        transport.resume_reading()
        assert transport.is_reading() is True
        peer.send(b"data")
        assert await protocol.got(4) == b"data"


async def test_a_protocol_that_pauses_when_data_comes_gets_no_more(loop):
    class Protocol(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.pause_reading()

    async with transport_and_peer(loop, Protocol()) as (transport, protocol, peer):
        for number in range(1, 8, 2):
            peer.send(b"x")
            await protocol.called("data_received", number)
            peer.send(b"y")
            await iterations()
            assert protocol.calls.count("data_received") == number
            transport.resume_reading()
            await protocol.called("data_received", number + 1)
            transport.resume_reading()
        assert protocol.received == b"xyxyxyxy"


async def test_pausing_when_the_connection_is_made_holds_early_data_back(loop):
    class Protocol(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()

    with socket_pair() as (ours, theirs):
        theirs.send(b"early")
        transport, protocol = await loop.create_connection(Protocol, sock=ours)
        await iterations()
        assert protocol.calls == ["connection_made"]
        assert transport.is_reading() is False
        transport.resume_reading()
        assert await protocol.got(5) == b"early"
        transport.close()
        await protocol.lost()


async def test_resuming_before_the_first_iteration_reads_once_not_twice(loop):
    class Protocol(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()
            transport.resume_reading()

    with socket_pair() as (ours, theirs):
        theirs.send(b"early")
        transport, protocol = await loop.create_connection(Protocol, sock=ours)
        assert await protocol.got(5) == b"early"
        transport.close()
        await protocol.lost()


async def test_the_end_of_the_stream_is_not_seen_while_paused(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.pause_reading()
        peer.send(b"data")
        peer.shutdown(socket.SHUT_WR)
        await iterations()
        assert protocol.calls == ["connection_made"]
        transport.resume_reading()
        await protocol.lost()
        assert protocol.order == ["connection_made", "data_received", "eof_received", "connection_lost"]


async def test_a_reset_is_not_seen_while_paused(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.pause_reading()
        reset(peer)
        await iterations(10)
        assert protocol.calls == ["connection_made"]
        transport.resume_reading()
        assert isinstance(await protocol.lost(), ConnectionResetError)


async def test_a_paused_transport_can_write_and_be_closed(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.pause_reading()
        transport.write(b"data")
        assert await loop.sock_recv(peer, 100) == b"data"
        peer.send(b"never read")
        transport.close()
        assert transport.is_reading() is False
        assert await protocol.lost() is None
        assert protocol.calls == ["connection_made", "connection_lost"]


async def test_a_transport_that_is_closed_does_not_read_and_ignores_both_calls(loop):
    async with transport_and_peer(loop) as (transport, protocol, _):
        transport.close()
        assert transport.is_reading() is False
        transport.pause_reading()
        transport.resume_reading()
        assert transport.is_reading() is False
        await protocol.lost()
        transport.pause_reading()
        transport.resume_reading()
        assert transport.is_reading() is False


async def test_pausing_and_resuming_many_times_loses_nothing(loop):
    class Protocol(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.pause_reading()
            loop.call_soon(self.transport.resume_reading)

    data = bytes(range(256)) * 4000
    async with transport_and_peer(loop, Protocol()) as (_, protocol, peer):
        sending = loop.create_task(loop.sock_sendall(peer, data))
        assert await protocol.got(len(data)) == data
        await sending


async def test_data_arrives_as_bytes_that_can_be_kept(loop):
    class Protocol(Recorder):
        kept = []

        def data_received(self, data):
            self.kept.append(data)
            super().data_received(data)

    async with transport_and_peer(loop, Protocol()) as (_, protocol, peer):
        for number in range(10):
            peer.send(b"%d" % number * 1000)
            await protocol.got(1000 * (number + 1))
    assert {type(data) for data in protocol.kept} == {bytes}
    assert b"".join(protocol.kept) == b"".join(b"%d" % number * 1000 for number in range(10))


async def test_a_buffered_protocol_can_take_over_and_give_back(loop):
    first, buffered = Recorder(), Buffered()
    async with transport_and_peer(loop, first) as (transport, _, peer):
        peer.send(b"one")
        await first.got(3)
        transport.set_protocol(buffered)
        peer.send(b"two")
        assert await buffered.got(3) == b"two"
        transport.set_protocol(first)
        peer.send(b"three")
        assert await first.got(8) == b"onethree"
        peer.close()
        await first.lost()
    assert buffered.calls == ["buffer_updated"]
