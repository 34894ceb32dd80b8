"""writelines(), and buffers that change after they were written."""

import socket

import pytest

from tests.harness import (
    PY,
    receive_all,
    receive_exactly,
    small_buffers,
    tcp_pair,
    transport_and_peer,
)

MEGABYTE = 1 << 20


# Since 3.12 asyncio keeps a reference to what was written instead of a copy.
no_copy = pytest.mark.stock_bug(PY >= (3, 12), reason="the rest of a bytearray is sent as it is later")


writelines = pytest.mark.stock_bug(
    PY in ((3, 12), (3, 13)), reason="early writelines() lacked checks that write() has"
)


async def test_writelines_joins_its_pieces_in_order(loop):
    async with transport_and_peer(loop) as (transport, _, peer):
        assert transport.writelines([b"one", bytearray(b"two"), memoryview(b"three")]) is None
        transport.writelines(bytes([letter]) for letter in b"four")
        transport.writelines(())
        assert await receive_exactly(loop, peer, 15) == b"onetwothreefour"


async def test_writelines_takes_more_pieces_than_the_kernel_does_at_once(loop):
    pieces = [b"%05d" % number for number in range(5000)]
    async with transport_and_peer(loop) as (transport, _, peer):
        transport.writelines(pieces)
        assert await receive_exactly(loop, peer, 25_000) == b"".join(pieces)


async def test_writelines_keeps_its_place_among_writes(loop):
    ours, theirs = tcp_pair()
    small_buffers(ours)
    async with transport_and_peer(loop, pair=lambda: (ours, theirs)) as (transport, _, peer):
        expected = b""
        for number in range(50):
            pieces = [b"%d" % number * 5000, b"-" * number, b"!"]
            transport.write(b"<")
            transport.writelines(pieces)
            transport.write(b">")
            expected += b"<" + b"".join(pieces) + b">"
        transport.close()
        assert await receive_all(loop, peer) == expected


@writelines
async def test_writelines_of_nothing_leaves_nothing_to_flush(loop):
    async with transport_and_peer(loop) as (transport, protocol, _):
        transport.writelines([b""])
        transport.writelines([b"", b""])
        assert transport.get_write_buffer_size() == 0
        transport.close()
        assert await protocol.lost() is None


@writelines
async def test_writelines_after_close_is_dropped(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.close()
        transport.writelines([b"late"])
        await protocol.lost()
        transport.writelines([b"far too late"])
        assert await receive_all(loop, peer) == b""


@no_copy
async def test_a_bytearray_may_be_changed_right_after_write(loop):
    ours, theirs = tcp_pair()
    small_buffers(ours)
    async with transport_and_peer(loop, pair=lambda: (ours, theirs)) as (transport, _, peer):
        data = bytearray(b"a" * 2 * MEGABYTE)
        transport.write(data)
        assert transport.get_write_buffer_size() > 0
        data[:] = b"b" * len(data)
        transport.write(memoryview(data)[:MEGABYTE])
        data[:] = b"c" * len(data)
        transport.close()
        assert await receive_all(loop, peer) == b"a" * 2 * MEGABYTE + b"b" * MEGABYTE


@no_copy
async def test_a_bytearray_may_be_resized_right_after_write(loop):
    async with transport_and_peer(loop, pair=socket.socketpair) as (transport, _, peer):
        data = bytearray(b"a" * 2 * MEGABYTE)
        transport.write(data)
        assert transport.get_write_buffer_size() > 0
        data.clear()
        transport.close()
        assert await receive_all(loop, peer) == b"a" * 2 * MEGABYTE


async def test_a_bytearray_that_was_sent_whole_is_free_again(loop):
    async with transport_and_peer(loop) as (transport, _, peer):
        data = bytearray(b"data")
        transport.write(data)
        data.clear()
        assert await loop.sock_recv(peer, 100) == b"data"
