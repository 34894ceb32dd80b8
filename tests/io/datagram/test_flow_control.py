"""Datagrams that the kernel does not take: how many wait, in which order they leave, when the protocol pauses."""

import asyncio
import contextvars

import pytest

from tests.harness import PY
from tests.io.datagram.endpoints import Datagrams, blocked_endpoint, drain, endpoint, unix_socket

HEADER = 8 if PY >= (3, 13) else 0

# Later patch releases have `_header_size` and take it off.
headers_stay = pytest.mark.stock_bug(
    PY == (3, 13) and not hasattr(asyncio.selector_events._SelectorDatagramTransport, "_header_size"),
    reason="headers are added to the size of the buffer and never taken off",
)


async def test_the_limits_are_sixteen_and_sixty_four_kilobytes_at_first(loop):
    async with endpoint(loop) as (transport, _):
        assert transport.get_write_buffer_limits() == (16 * 1024, 64 * 1024)


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        ({}, (16 * 1024, 64 * 1024)),
        ({"high": 100}, (25, 100)),
        ({"low": 100}, (100, 400)),
        ({"high": 7, "low": 7}, (7, 7)),
        ({"high": 0}, (0, 0)),
    ],
)
async def test_limits_default_from_each_other(loop, given, limits):
    async with endpoint(loop) as (transport, _):
        transport.set_write_buffer_limits(1, 1)
        transport.set_write_buffer_limits(**given)
        assert transport.get_write_buffer_limits() == limits


@pytest.mark.parametrize("given", [(1, 2), (-1, -2), (10, -1)])
async def test_limits_that_contradict_each_other_are_refused(loop, given):
    async with endpoint(loop) as (transport, _):
        with pytest.raises(ValueError, match=r"^high \(-?\d+\) must be >= low \(-?\d+\) must be >= 0$"):
            transport.set_write_buffer_limits(*given)
        assert transport.get_write_buffer_limits() == (16 * 1024, 64 * 1024)


async def test_a_datagram_counts_with_its_header_since_python_3_13(loop, tmp_path):
    async with blocked_endpoint(loop, tmp_path) as (transport, _, _):
        transport.sendto(b"x" * 100)
        assert transport.get_write_buffer_size() == 100 + HEADER
        transport.sendto(bytearray(50))
        assert transport.get_write_buffer_size() == 150 + 2 * HEADER
        assert f"write=<polling, bufsize={150 + 2 * HEADER}>" in repr(transport)


async def test_what_waits_leaves_in_order_when_there_is_room(loop, tmp_path):
    async with blocked_endpoint(loop, tmp_path) as (transport, _, peer):
        expected = [b"%d" % number for number in range(200)]
        for data in expected:
            transport.sendto(data)
        assert await drain(loop, peer, b"199") == expected


@headers_stay
async def test_the_size_is_nothing_again_in_the_end(loop, tmp_path):
    async with blocked_endpoint(loop, tmp_path) as (transport, _, peer):
        for number in range(100):
            transport.sendto(b"%d" % number)
        await drain(loop, peer, b"99")
        while "write=<polling" in repr(transport):
            await asyncio.sleep(0)
        assert transport.get_write_buffer_size() == 0


async def test_a_buffer_that_changes_later_was_copied(loop, tmp_path):
    async with blocked_endpoint(loop, tmp_path) as (transport, _, peer):
        buffer = bytearray(b"before")
        transport.sendto(buffer)
        buffer[:] = b"change"
        transport.sendto(memoryview(buffer))
        buffer[:] = b"latest"
        assert await drain(loop, peer, b"change") == [b"before", b"change"]


@headers_stay
async def test_the_protocol_pauses_above_the_high_mark_and_resumes_at_the_low(loop, tmp_path):
    async with blocked_endpoint(loop, tmp_path) as (transport, protocol, peer):
        transport.set_write_buffer_limits(high=1000 + 2 * HEADER, low=0)
        transport.sendto(b"x" * 500)
        transport.sendto(b"x" * 500)
        assert "pause_writing" not in protocol.calls
        transport.sendto(b"last")
        transport.sendto(b"last")
        assert protocol.calls.count("pause_writing") == 1
        await drain(loop, peer, b"last")
        await protocol.called("resume_writing")
        assert protocol.calls.count("pause_writing") == 1


async def test_lower_limits_pause_at_once(loop, tmp_path):
    async with blocked_endpoint(loop, tmp_path) as (transport, protocol, _):
        transport.sendto(b"x" * 1000)
        assert "pause_writing" not in protocol.calls
        transport.set_write_buffer_limits(high=10)
        assert protocol.calls[-1] == "pause_writing"


@headers_stay
async def test_resume_writing_may_send(loop, tmp_path):
    class Sending(Datagrams):
        def resume_writing(self):
            super().resume_writing()
            for _ in range(20):
                self.transport.sendto(b"more")
            self.transport.sendto(b"end" if self.calls.count("resume_writing") == 3 else b"again")

    async with blocked_endpoint(loop, tmp_path, protocol=Sending) as (transport, _, peer):
        transport.set_write_buffer_limits(0)
        transport.sendto(b"first")
        contents = await drain(loop, peer, b"end")
        assert contents == [b"first", *([b"more"] * 20 + [b"again"]) * 2, *[b"more"] * 20, b"end"]


@pytest.mark.parametrize("method", ["pause_writing", "resume_writing"])
@headers_stay
async def test_an_exception_in_flow_control_is_reported(loop, tmp_path, errors, method):
    def fail(self):
        Datagrams.note(self, method)
        raise ValueError(method)

    failing = type("Failing", (Datagrams,), {method: fail})
    async with blocked_endpoint(loop, tmp_path, protocol=failing) as (transport, protocol, peer):
        transport.set_write_buffer_limits(0)
        transport.sendto(b"last")
        await drain(loop, peer, b"last")
        await protocol.called(method)
        await asyncio.sleep(0)
        context = errors.take_one()
        assert context["message"] == f"protocol.{method}() failed"
        assert context["transport"] is transport
        assert context["protocol"] is protocol
        assert not transport.is_closing()


async def test_an_error_of_a_queued_datagram_costs_only_that_one(loop, tmp_path):
    async with blocked_endpoint(loop, tmp_path) as (transport, protocol, peer):
        transport.sendto(b"before")
        transport.sendto(bytes(4 << 20))  # no socket takes as much
        transport.sendto(b"after")
        assert await drain(loop, peer, b"after") == [b"before", b"after"]
        (failure,) = protocol.failures
        assert isinstance(failure, OSError)


async def test_a_peer_that_goes_away_is_an_error_for_each_that_waits(loop, tmp_path):
    async with blocked_endpoint(loop, tmp_path) as (transport, protocol, peer):
        for number in range(3):
            transport.sendto(b"%d" % number)
        peer.close()
        await protocol.called("error_received", 3)
        assert {type(failure) for failure in protocol.failures} <= {
            ConnectionRefusedError,
            ConnectionResetError,
            OSError,
        }
        while "write=<polling" in repr(transport):
            await asyncio.sleep(0)
        assert not transport.is_closing()


async def test_the_queue_is_sent_in_the_context_in_which_it_began(loop, tmp_path):
    variable = contextvars.ContextVar("variable", default="creator")

    class Seeing(Datagrams):
        def error_received(self, exc):
            self.seen = variable.get()
            super().error_received(exc)

    async with blocked_endpoint(loop, tmp_path, protocol=Seeing) as (transport, protocol, peer):
        variable.set("sender")
        transport.sendto(bytes(100))
        transport.sendto(bytes(4 << 20))
        variable.set("later")
        transport.sendto(b"last")
        await drain(loop, peer, b"last")
        assert protocol.seen == "sender"


async def test_unconnected_datagrams_wait_for_their_own_addresses(loop, tmp_path):
    with unix_socket(str(tmp_path / "one")) as one, unix_socket(str(tmp_path / "two")) as two:
        async with endpoint(loop, sock=unix_socket(str(tmp_path / "endpoint"))) as (transport, _):
            for number in range(100):
                transport.sendto(b"%d" % number, str(tmp_path / "one"))
                transport.sendto(b"%d" % number, str(tmp_path / "two"))
            assert transport.get_write_buffer_size() > 0
            expected = [b"%d" % number for number in range(100)]
            contents = await asyncio.gather(drain(loop, one, b"99"), drain(loop, two, b"99"))
            assert contents == [expected, expected]


class Paced(Datagrams):
    """Lets a task wait while the protocol is paused."""

    def __init__(self):
        super().__init__()
        self.may_write = asyncio.Event()
        self.may_write.set()

    def pause_writing(self):
        self.may_write.clear()

    def resume_writing(self):
        self.may_write.set()


@headers_stay
async def test_a_hundred_thousand_datagrams_arrive_in_order(loop, tmp_path):
    count = 100_000

    class Checking(Datagrams):
        expected = 0

        def datagram_received(self, data, addr):
            if int(data) != self.expected:
                raise AssertionError(f"{data} came instead of {self.expected}")
            self.expected += 1
            if self.expected == count:
                self.note("all")

    target = unix_socket(str(tmp_path / "target"))
    source = unix_socket(str(tmp_path / "source"))
    source.connect(target.getsockname())
    async with endpoint(loop, sock=target, protocol=Checking) as (_, receiver):
        async with endpoint(loop, sock=source, protocol=Paced) as (transport, sender):
            for number in range(count):
                transport.sendto(b"%d" % number)
                if not sender.may_write.is_set():
                    await sender.may_write.wait()
            await receiver.called("all")
            assert not sender.failures
