"""The end of a datagram transport."""

import asyncio
import gc
import logging
import warnings

import pytest

from tests.harness import turn
from tests.io.datagram.endpoints import (
    Datagrams,
    blocked_endpoint,
    datagram_socket,
    drain,
    endpoint,
    endpoint_and_peer,
    received,
)


async def test_close_calls_connection_lost_in_the_next_iteration(loop):
    async with endpoint(loop) as (transport, protocol):
        sock = transport.get_extra_info("socket")
        transport.close()
        assert transport.is_closing()
        assert protocol.calls == ["connection_made"]
        await asyncio.sleep(0)
        assert protocol.calls == ["connection_made", "connection_lost"]
        assert protocol.reason is None
        assert sock.fileno() == -1
        assert transport.get_protocol() is None


async def test_closing_twice_is_closing_once(loop):
    async with endpoint(loop) as (transport, protocol):
        for end in (transport.close, transport.close, transport.abort):
            end()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        transport.close()
        assert protocol.calls == ["connection_made", "connection_lost"]


async def test_nothing_is_delivered_after_close(loop):
    class Closing(Datagrams):
        def datagram_received(self, data, addr):
            super().datagram_received(data, addr)
            if data == b"5":
                self.transport.close()

    async with endpoint_and_peer(loop, protocol=Closing) as (transport, protocol, peer):
        for number in range(30):
            peer.sendto(b"%d" % number, transport.get_extra_info("sockname"))
        await protocol.lost()
        assert protocol.contents == [b"%d" % number for number in range(6)]


async def test_close_sends_what_is_queued_first(loop, tmp_path):
    async with blocked_endpoint(loop, tmp_path) as (transport, protocol, peer):
        for number in range(40):
            transport.sendto(b"%d" % number)
        transport.close()
        assert transport.get_write_buffer_size() > 0
        for _ in range(5):
            await asyncio.sleep(0)
        assert "connection_lost" not in protocol.calls
        assert await drain(loop, peer, b"39") == [b"%d" % number for number in range(40)]
        assert await protocol.lost() is None


async def test_a_closing_transport_still_queues(loop, tmp_path):
    async with blocked_endpoint(loop, tmp_path) as (transport, protocol, peer):
        transport.sendto(b"before")
        transport.close()
        transport.sendto(b"after")
        assert await drain(loop, peer, b"after") == [b"before", b"after"]
        assert await protocol.lost() is None


async def test_abort_drops_what_is_queued(loop, tmp_path):
    async with blocked_endpoint(loop, tmp_path) as (transport, protocol, peer):
        transport.sendto(b"queued")
        transport.abort()
        assert await protocol.lost() is None
        contents = []
        with pytest.raises(BlockingIOError):
            while True:
                contents.append(peer.recv(100))
        assert set(contents) == {b"filler"}


@pytest.mark.stock_bug(True, reason="connection_lost is called twice (fixed for streams by gh-156512)")
async def test_close_in_resume_writing_ends_it_once(loop, tmp_path):
    class Closing(Datagrams):
        def resume_writing(self):
            super().resume_writing()
            self.transport.abort()

    async with blocked_endpoint(loop, tmp_path, protocol=Closing) as (transport, protocol, peer):
        transport.set_write_buffer_limits(0)
        transport.sendto(b"last")
        await drain(loop, peer, b"last")
        await protocol.lost()
        for _ in range(3):
            await asyncio.sleep(0)
        assert protocol.calls.count("connection_lost") == 1


async def test_what_is_sent_after_the_end_of_a_connected_endpoint_is_dropped_with_a_warning(loop, caplog):
    async with endpoint_and_peer(loop) as (transport, _, peer):
        transport.close()
        with caplog.at_level(logging.WARNING, "asyncio"):
            for _ in range(10):
                transport.sendto(b"late")
        assert {record.message for record in caplog.records} == {"socket.send() raised exception."}
        with pytest.raises(BlockingIOError):
            peer.recv(100)


async def test_an_unconnected_endpoint_sends_until_its_socket_is_closed(loop):
    async with endpoint_and_peer(loop, connected=False) as (transport, protocol, peer):
        transport.close()
        transport.sendto(b"late", peer.getsockname())
        await protocol.lost()
        assert await received(loop, peer) == [b"late"]


async def test_an_exception_in_connection_lost_is_reported_and_the_socket_closed(loop, errors):
    class Failing(Datagrams):
        def connection_lost(self, exc):
            super().connection_lost(exc)
            raise ValueError("lost")

    async with endpoint(loop, protocol=Failing) as (transport, protocol):
        sock = transport.get_extra_info("socket")
        transport.close()
        await protocol.lost()
        await asyncio.sleep(0)
        assert sock.fileno() == -1
    assert str(errors.take_one()["exception"]) == "lost"


async def test_an_exception_in_connection_made_is_reported(loop, errors):
    class Failing(Datagrams):
        def connection_made(self, transport):
            super().connection_made(transport)
            raise ValueError("made")

    async with endpoint(loop, protocol=Failing) as (transport, _):
        assert not transport.is_closing()
    assert str(errors.take_one()["exception"]) == "made"


async def test_a_fatal_error_is_reported_and_is_the_reason(loop, errors):
    async with endpoint(loop) as (transport, protocol):
        error = ValueError("fatal")
        transport._fatal_error(error, "the message")
        assert await protocol.lost() is error
        context = errors.take_one()
        assert context["message"] == "the message"
        assert context["exception"] is error
        assert context["transport"] is transport
        assert context["protocol"] is protocol


async def test_a_fatal_error_of_the_network_is_the_reason_only(loop):
    async with endpoint(loop) as (transport, protocol):
        error = OSError("fatal")
        transport._fatal_error(error)
        assert await protocol.lost() is error


async def test_force_close_gives_the_reason(loop):
    async with endpoint(loop) as (transport, protocol):
        error = ValueError("reason")
        transport._force_close(error)
        transport._force_close(None)
        assert await protocol.lost() is error


def test_a_transport_that_nobody_has_closed_says_so(loop):
    async def start():
        return await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))

    transport, protocol = loop.run_until_complete(start())
    turn(loop)
    loop.close()
    protocol.transport = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del transport, protocol
        gc.collect()
    (warning,) = [warning for warning in caught if "transport" in str(warning.message)]
    assert warning.category is ResourceWarning
    assert "unclosed transport" in str(warning.message)


async def test_the_log_in_debug_mode_tells_of_pauses(loop, caplog):
    loop.set_debug(True)
    with caplog.at_level(logging.DEBUG, "asyncio"):
        async with endpoint(loop) as (transport, _):
            transport.pause_reading()
            transport.resume_reading()
            transport._fatal_error(OSError("x"), "the message")
    text = caplog.text
    assert "Datagram endpoint local_addr=('127.0.0.1', 0)" in text
    assert "pauses reading" in text
    assert "resumes reading" in text
    assert "the message" in text


async def test_the_descriptor_is_free_after_the_end(loop):
    async with endpoint(loop) as (transport, protocol):
        fd = transport.get_extra_info("socket").fileno()
        transport.close()
        await protocol.lost()
        await asyncio.sleep(0)
        with datagram_socket() as sock:
            if sock.fileno() == fd:
                loop.add_reader(sock, print)
                assert loop.remove_reader(sock)
