"""The stream transport: writing, flushing, and what is refused."""

import array
import asyncio
import socket

import pytest

from tests.harness import (
    PY,
    Recorder,
    fill,
    receive_all,
    receive_exactly,
    reset,
    tcp_pair,
    transport_and_peer,
    turn,
)

MEGABYTE = 1 << 20


def test_a_small_write_leaves_in_the_iteration_in_which_it_is_written(loop):
    ours, peer = tcp_pair()
    with peer:
        transport, _ = loop.run_until_complete(loop.create_connection(Recorder, sock=ours))
        for number in range(3):
            loop.call_soon(transport.write, b"%d" % number)
            turn(loop)
            assert transport.get_write_buffer_size() == 0
            assert peer.recv(100) == b"%d" % number
        transport.write(b"outside")
        turn(loop)
        assert peer.recv(100) == b"outside"
        transport.close()
        turn(loop)


async def test_writes_arrive_in_order(loop):
    async with transport_and_peer(loop) as (transport, _, peer):
        for number in range(1000):
            transport.write(b"%04d" % number)
        assert await receive_exactly(loop, peer, 4000) == b"".join(b"%04d" % n for n in range(1000))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"data", id="bytes"),
        pytest.param(bytearray(b"data"), id="bytearray"),
        pytest.param(memoryview(b"data"), id="memoryview"),
        pytest.param(memoryview(bytearray(b".data."))[1:-1], id="slice"),
        pytest.param(memoryview(array.array("I", b"data")), id="memoryview of wider items"),
    ],
)
async def test_any_bytes_like_object_can_be_written(loop, data):
    async with transport_and_peer(loop) as (transport, _, peer):
        transport.write(data)
        assert await loop.sock_recv(peer, 100) == b"data"
        fill(peer)


@pytest.mark.parametrize("data", ["text", None, 42, [b"data"], object()])
async def test_anything_else_is_a_type_error_that_leaves_the_transport_open(loop, data):
    async with transport_and_peer(loop) as (transport, _, peer):
        with pytest.raises(TypeError, match=r"^data argument must be a bytes"):
            transport.write(data)
        transport.write(b"fine")
        assert await loop.sock_recv(peer, 100) == b"fine"


async def test_nothing_can_be_written(loop):
    async with transport_and_peer(loop) as (transport, _, peer):
        for nothing in (b"", bytearray(), memoryview(b"")):
            transport.write(nothing)
        transport.write_eof()
        assert await loop.sock_recv(peer, 100) == b""


async def test_a_write_after_write_eof_is_a_runtime_error(loop):
    async with transport_and_peer(loop) as (transport, _, _):
        transport.write_eof()
        for data in (b"data", b""):
            with pytest.raises(RuntimeError, match=r"^Cannot call write\(\) after write_eof\(\)$"):
                transport.write(data)
        with pytest.raises(RuntimeError, match=r"^Cannot call write(lines)?\(\) after write_eof\(\)$"):
            transport.writelines([b"data"])


async def test_write_eof_waits_for_what_was_written(loop):
    async with transport_and_peer(loop) as (transport, _, peer):
        transport.write(bytes(16 * MEGABYTE))
        assert transport.get_write_buffer_size() > 0
        transport.write_eof()
        assert await receive_all(loop, peer) == bytes(16 * MEGABYTE)
        assert not transport.is_closing()


async def test_close_flushes_what_was_written(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.write(bytes(16 * MEGABYTE))
        assert transport.get_write_buffer_size() > 0
        transport.close()
        for _ in range(5):
            await asyncio.sleep(0)
        assert protocol.calls == ["connection_made", "pause_writing"]
        assert await receive_all(loop, peer) == bytes(16 * MEGABYTE)
        assert await protocol.lost() is None


async def test_what_is_written_after_close_is_flushed_too_while_something_waits(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.write(bytes(16 * MEGABYTE))
        transport.close()
        transport.write(b"late")
        assert (await receive_all(loop, peer)).endswith(b"\0late")
        assert await protocol.lost() is None


async def test_what_is_written_after_close_is_dropped_when_nothing_waits(loop, caplog):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.close()
        transport.write(b"late")
        assert await receive_all(loop, peer) == b""
        await protocol.lost()
        for _ in range(10):
            transport.write(b"far too late")
    assert {record.getMessage() for record in caplog.records} == {"socket.send() raised exception."}


async def test_abort_drops_what_was_written(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.write(bytes(64 * MEGABYTE))
        transport.abort()
        assert transport.get_write_buffer_size() == 0
        assert await protocol.lost() is None
        assert len(await receive_all(loop, peer)) < 64 * MEGABYTE


async def test_abort_after_close_ends_the_flushing(loop):
    async with transport_and_peer(loop) as (transport, protocol, _):
        transport.write(bytes(64 * MEGABYTE))
        transport.close()
        await asyncio.sleep(0)
        assert "connection_lost" not in protocol.calls
        transport.abort()
        assert await protocol.lost() is None
        assert protocol.calls.count("connection_lost") == 1


@pytest.mark.stock_bug(PY < (3, 14), reason="abort() fails after a close() that had something to flush")
async def test_abort_after_the_flushing_is_over_does_nothing(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.write(bytes(16 * MEGABYTE))
        transport.close()
        assert len(await receive_all(loop, peer)) == 16 * MEGABYTE
        await protocol.lost()
        transport.abort()
        transport.close()
        await asyncio.sleep(0)
        assert protocol.calls.count("connection_lost") == 1


async def test_a_peer_that_resets_while_we_flush_is_the_reason_of_connection_lost(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.write(bytes(64 * MEGABYTE))
        transport.close()
        reset(peer)
        assert isinstance(await protocol.lost(), ConnectionError)
        assert transport.get_write_buffer_size() == 0


async def test_writing_to_a_peer_that_is_gone_loses_the_connection(loop):
    async with transport_and_peer(loop, pair=socket.socketpair) as (transport, protocol, peer):
        transport.pause_reading()
        peer.close()
        transport.write(b"data")
        assert protocol.calls == ["connection_made"]
        assert isinstance(await protocol.lost(), BrokenPipeError)


async def test_a_hundred_megabytes_arrive_whole(loop):
    pattern = bytes(range(251)) * 4177
    times = 100
    async with transport_and_peer(loop) as (transport, protocol, peer):
        for _ in range(times):
            transport.write(pattern)
        transport.close()
        assert await receive_all(loop, peer) == pattern * times
        assert await protocol.lost() is None


async def test_both_sides_can_write_a_lot_at_once(loop):
    data = bytes(8 * MEGABYTE)
    ours, theirs = tcp_pair()
    one, left = await loop.create_connection(Recorder, sock=ours)
    two, right = await loop.create_connection(Recorder, sock=theirs)
    one.write(data)
    two.write(data)
    assert await left.got(len(data)) == data
    assert await right.got(len(data)) == data
    one.close()
    assert await left.lost() is None
    assert await right.lost() is None
