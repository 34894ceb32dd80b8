"""The stream transport: how much may wait to be written, and when the protocol is told to pause."""

import asyncio
import contextlib
import socket

import pytest

from tests.harness import PY, Recorder, fill, receive_exactly, transport_and_peer

KILOBYTE = 1024


def full_pair():
    """A pair whose first socket takes no more: whatever a transport writes to it must wait."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    fill(ours)
    return ours, theirs


def full(loop, protocol=None):
    return transport_and_peer(loop, protocol, pair=full_pair)


async def drain(loop, transport, peer):
    """Read at the other end until nothing waits any more."""
    while transport.get_write_buffer_size():
        await loop.sock_recv(peer, 1 << 20)
        await asyncio.sleep(0)


async def test_the_limits_are_sixteen_and_sixty_four_kilobytes_at_first(loop):
    async with transport_and_peer(loop) as (transport, _, _):
        assert transport.get_write_buffer_limits() == (16 * KILOBYTE, 64 * KILOBYTE)


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ({}, (16 * KILOBYTE, 64 * KILOBYTE)),
        ({"high": 1000}, (250, 1000)),
        ({"high": 1003}, (250, 1003)),
        ({"low": 1000}, (1000, 4000)),
        ({"high": 10, "low": 10}, (10, 10)),
        ({"high": 0}, (0, 0)),
        ({"low": 0}, (0, 0)),
        ({"high": 5, "low": 0}, (0, 5)),
    ],
)
async def test_one_limit_follows_from_the_other(loop, options, limits):
    async with transport_and_peer(loop) as (transport, _, _):
        transport.set_write_buffer_limits(high=1, low=1)
        assert transport.set_write_buffer_limits(**options) is None
        assert transport.get_write_buffer_limits() == limits


async def test_the_high_limit_comes_first(loop):
    async with transport_and_peer(loop) as (transport, _, _):
        transport.set_write_buffer_limits(300, 200)
        assert transport.get_write_buffer_limits() == (200, 300)


@pytest.mark.parametrize(("high", "low"), [(1, 2), (-1, None), (0, -1), (None, -4)])
async def test_limits_that_make_no_sense_are_a_value_error_and_change_nothing(loop, high, low):
    async with transport_and_peer(loop) as (transport, _, _):
        with pytest.raises(ValueError, match=r"^high \(.*\) must be >= low \(.*\) must be >= 0$"):
            transport.set_write_buffer_limits(high=high, low=low)
        assert transport.get_write_buffer_limits() == (16 * KILOBYTE, 64 * KILOBYTE)


async def test_the_size_counts_what_the_kernel_did_not_take(loop):
    async with full(loop) as (transport, _, peer):
        assert transport.get_write_buffer_size() == 0
        for count in range(1, 11):
            transport.write(b"x" * 100)
            assert transport.get_write_buffer_size() == 100 * count
        transport.write(bytearray(7))
        assert transport.get_write_buffer_size() == 1007
        await drain(loop, transport, peer)


async def test_the_protocol_is_paused_above_the_high_limit_and_not_at_it(loop):
    async with full(loop) as (transport, protocol, peer):
        transport.set_write_buffer_limits(high=1000, low=100)
        transport.write(b"x" * 1000)
        assert protocol.calls == ["connection_made"]
        transport.write(b"x")
        assert protocol.calls == ["connection_made", "pause_writing"]
        await drain(loop, transport, peer)


async def test_the_protocol_is_paused_and_resumed_once_for_each_crossing(loop):
    async with full(loop) as (transport, protocol, peer):
        transport.set_write_buffer_limits(high=1000)
        expected = ["connection_made"]
        for _ in range(3):
            fill(transport.get_extra_info("socket")._sock)
            for _ in range(10):
                transport.write(b"x" * 1000)
            expected.append("pause_writing")
            assert protocol.calls == expected
            await drain(loop, transport, peer)
            expected.append("resume_writing")
            assert protocol.calls == expected


async def test_the_protocol_is_resumed_at_the_low_limit(loop):
    class Protocol(Recorder):
        sizes = []

        def resume_writing(self):
            self.sizes.append(self.transport.get_write_buffer_size())
            super().resume_writing()

    data = bytes(4 << 20)
    async with full(loop, Protocol()) as (transport, protocol, peer):
        transport.set_write_buffer_limits(high=1 << 20, low=500 * KILOBYTE)
        transport.write(data)
        while not protocol.sizes:
            await loop.sock_recv(peer, 4 * KILOBYTE)
            await asyncio.sleep(0)
        assert 0 < protocol.sizes[0] <= 500 * KILOBYTE
        await drain(loop, transport, peer)
        assert len(protocol.sizes) == 1


async def test_limits_lowered_below_the_size_pause_at_once(loop):
    async with full(loop) as (transport, protocol, peer):
        transport.write(b"x" * 1000)
        assert protocol.calls == ["connection_made"]
        transport.set_write_buffer_limits(high=999)
        assert protocol.calls == ["connection_made", "pause_writing"]
        await drain(loop, transport, peer)
        assert protocol.calls == ["connection_made", "pause_writing", "resume_writing"]


async def test_a_limit_of_zero_pauses_whenever_something_waits(loop):
    async with full(loop) as (transport, protocol, peer):
        transport.set_write_buffer_limits(high=0)
        transport.write(b"x")
        assert protocol.calls == ["connection_made", "pause_writing"]
        await drain(loop, transport, peer)
        assert protocol.calls == ["connection_made", "pause_writing", "resume_writing"]


async def test_a_write_the_kernel_takes_never_pauses(loop):
    async with transport_and_peer(loop, pair=socket.socketpair) as (transport, protocol, peer):
        transport.set_write_buffer_limits(high=0)
        for _ in range(100):
            transport.write(b"x" * 100)
            await receive_exactly(loop, peer, 100)
        assert protocol.calls == ["connection_made"]


@pytest.mark.stock_bug(PY in ((3, 12), (3, 13)), reason="early writelines() did not look at the limits")
async def test_writelines_pauses_too(loop):
    async with full(loop) as (transport, protocol, peer):
        transport.set_write_buffer_limits(high=1000)
        transport.writelines([b"x" * 500, b"y" * 500])
        assert transport.get_write_buffer_size() == 1000
        assert protocol.calls == ["connection_made"]
        transport.writelines([b"z"])
        assert protocol.calls == ["connection_made", "pause_writing"]
        await drain(loop, transport, peer)


async def test_a_protocol_that_writes_when_resumed_is_paused_again_in_order(loop):
    class Protocol(Recorder):
        rounds = 0

        def resume_writing(self):
            super().resume_writing()
            if self.rounds < 3:
                self.rounds += 1
                self.transport.write(b"y" * (4 << 20))

    async with full(loop, Protocol()) as (transport, protocol, peer):
        transport.write(b"x" * (4 << 20))
        await drain(loop, transport, peer)
        assert protocol.calls == ["connection_made"] + ["pause_writing", "resume_writing"] * 4


async def test_the_protocol_is_not_resumed_when_the_connection_is_lost(loop):
    async with full(loop) as (transport, protocol, _):
        transport.write(bytes(1 << 20))
        transport.abort()
        await protocol.lost()
        assert protocol.calls == ["connection_made", "pause_writing", "connection_lost"]


async def test_the_protocol_is_resumed_while_the_transport_is_closing(loop):
    async with full(loop) as (transport, protocol, peer):
        transport.write(bytes(1 << 20))
        transport.close()
        with contextlib.suppress(BlockingIOError):
            while await loop.sock_recv(peer, 1 << 20):
                pass
        assert await protocol.lost() is None
        assert protocol.calls == ["connection_made", "pause_writing", "resume_writing", "connection_lost"]


@pytest.mark.parametrize("method", ["pause_writing", "resume_writing"])
async def test_a_protocol_that_fails_when_paused_or_resumed_is_reported_and_goes_on(loop, errors, method):
    def fail(*args):
        raise LookupError("argument")

    protocol = type("Protocol", (Recorder,), {method: fail})()
    async with full(loop, protocol) as (transport, _, peer):
        transport.write(bytes(1 << 20))
        await drain(loop, transport, peer)
        context = errors.take_one()
        assert context["message"] == f"protocol.{method}() failed"
        assert isinstance(context["exception"], LookupError)
        assert context["transport"] is transport
        assert context["protocol"] is protocol
        assert not transport.is_closing()
        transport.write(b"fine")
        assert await loop.sock_recv(peer, 100) == b"fine"
