"""Protocols that lend their own buffer: get_buffer() and buffer_updated()."""

import asyncio
import mmap

import pytest

from tests.harness import Buffered, Recorder, receive_all, transport_and_peer


async def test_data_is_read_into_the_buffer_of_the_protocol(loop):
    async with transport_and_peer(loop, Buffered()) as (_, protocol, peer):
        peer.send(b"data")
        assert await protocol.got(4) == b"data"
        assert protocol.buffer.startswith(b"data\0")
        peer.close()
        await protocol.lost()
        assert protocol.order == ["connection_made", "buffer_updated", "eof_received", "connection_lost"]


async def test_no_more_is_read_than_the_buffer_holds(loop):
    async with transport_and_peer(loop, Buffered(4)) as (_, protocol, peer):
        peer.send(b"0123456789")
        assert await protocol.got(10) == b"0123456789"
        assert protocol.calls.count("buffer_updated") == 3


async def test_the_size_hint_is_that_there_is_none(loop):
    async with transport_and_peer(loop, Buffered()) as (_, protocol, peer):
        peer.send(b"data")
        await protocol.got(4)
        assert set(protocol.hints) == {-1}


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: bytearray(16), id="bytearray"),
        pytest.param(lambda: memoryview(bytearray(16)), id="memoryview"),
        pytest.param(lambda: mmap.mmap(-1, 16), id="mmap"),
    ],
)
async def test_the_buffer_may_be_anything_that_can_be_written(loop, make):
    protocol = Buffered()
    protocol.buffer = make()
    async with transport_and_peer(loop, protocol) as (_, _, peer):
        peer.send(b"data")
        await protocol.got(4)
        assert bytes(protocol.received) == b"data"


async def test_the_buffer_may_be_another_every_time(loop):
    class Protocol(Buffered):
        def get_buffer(self, sizehint):
            self.buffer = bytearray(3)
            return self.buffer

    async with transport_and_peer(loop, Protocol()) as (_, protocol, peer):
        peer.send(b"0123456789")
        assert await protocol.got(10) == b"0123456789"


async def test_a_window_of_a_larger_buffer_can_be_filled_piece_by_piece(loop):
    class Protocol(Buffered):
        position = 0

        def get_buffer(self, sizehint):
            return memoryview(self.buffer)[self.position :]

        def buffer_updated(self, nbytes):
            self.position += nbytes
            self.note("buffer_updated")

    async with transport_and_peer(loop, Protocol(1 << 20)) as (_, protocol, peer):
        data = bytes(range(256)) * 4000
        sending = loop.create_task(loop.sock_sendall(peer, data))
        await protocol.until(lambda: protocol.position == len(data))
        await sending
        assert protocol.buffer[: len(data)] == data


async def test_the_buffer_is_free_between_two_reads(loop):
    async with transport_and_peer(loop, Buffered(100)) as (_, protocol, peer):
        for size in (1, 1000, 10):
            protocol.buffer[:] = bytes(size)
            peer.send(b"data")
            before = len(protocol.received)
            await protocol.got(before + 4)
            protocol.buffer.extend(b"more")


@pytest.mark.parametrize("method", ["get_buffer", "buffer_updated"])
async def test_a_failing_callback_is_reported_and_ends_the_connection_with_its_error(loop, errors, method):
    exc = LookupError("argument")

    def fail(self, *args):
        raise exc

    protocol = type("Failing", (Buffered,), {method: fail})()
    async with transport_and_peer(loop, protocol) as (transport, _, peer):
        peer.send(b"data")
        assert await protocol.lost() is exc
        context = errors.take_one()
        assert context["message"] == f"Fatal error: protocol.{method}() call failed."
        assert context["exception"] is exc
        assert context["transport"] is transport
        assert context["protocol"] is protocol


async def test_an_empty_buffer_ends_the_connection(loop, errors):
    protocol = Buffered(0)
    async with transport_and_peer(loop, protocol) as (_, _, peer):
        peer.send(b"data")
        reason = await protocol.lost()
        assert str(reason) == "get_buffer() returned an empty buffer"
        assert isinstance(reason, RuntimeError)
        assert errors.take_one()["message"] == "Fatal error: protocol.get_buffer() call failed."


@pytest.mark.parametrize("buffer", [b"read only", None, 42, "text"])
async def test_something_that_is_no_buffer_ends_the_connection(loop, errors, buffer):
    protocol = Buffered()
    protocol.buffer = buffer
    async with transport_and_peer(loop, protocol) as (transport, _, peer):
        peer.send(b"data")
        assert isinstance(await protocol.lost(), (TypeError, BufferError))
        assert errors.take_one()["transport"] is transport


async def test_returning_true_from_eof_received_keeps_the_transport_open(loop):
    async with transport_and_peer(loop, Buffered(keep_open=True)) as (transport, protocol, peer):
        peer.shutdown(1)
        await protocol.called("eof_received")
        for _ in range(3):
            await asyncio.sleep(0)
        transport.write(b"answer")
        transport.close()
        assert await receive_all(loop, peer) == b"answer"
        assert protocol.hints  # it was asked for a buffer even for the end of the stream


async def test_pausing_and_resuming_works_as_for_other_protocols(loop):
    async with transport_and_peer(loop, Buffered()) as (transport, protocol, peer):
        transport.pause_reading()
        peer.send(b"data")
        for _ in range(3):
            await asyncio.sleep(0)
        assert protocol.hints == []
        transport.resume_reading()
        assert await protocol.got(4) == b"data"


async def test_a_plain_protocol_can_take_over_inside_buffer_updated(loop):
    plain = Recorder()

    class Protocol(Buffered):
        def buffer_updated(self, nbytes):
            super().buffer_updated(nbytes)
            self.transport.set_protocol(plain)

    async with transport_and_peer(loop, Protocol(3)) as (_, protocol, peer):
        peer.send(b"onetwo")
        assert await plain.got(3) == b"two"
        assert protocol.received == b"one"


async def test_closing_inside_get_buffer_ends_without_another_call(loop):
    class Protocol(Buffered):
        def get_buffer(self, sizehint):
            self.transport.close()
            return super().get_buffer(sizehint)

    async with transport_and_peer(loop, Protocol()) as (_, protocol, peer):
        peer.send(b"data")
        assert await protocol.lost() is None
        assert protocol.calls[-1] == "connection_lost"
        assert protocol.calls.count("connection_lost") == 1


async def test_a_hundred_megabytes_arrive_whole(loop):
    class Protocol(Buffered):
        count = 0

        def buffer_updated(self, nbytes):
            self.count += nbytes
            self.note("buffer_updated")

    total = 100 << 20
    async with transport_and_peer(loop, Protocol(1 << 18)) as (_, protocol, peer):
        sending = loop.create_task(loop.sock_sendall(peer, bytes(total)))
        await protocol.until(lambda: protocol.count >= total)
        await sending
        assert protocol.count == total
