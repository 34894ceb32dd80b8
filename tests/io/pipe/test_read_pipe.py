"""What a transport over the reading end of a pipe does."""

import asyncio
import contextvars
import logging
import os
import sys
import tempfile

import pytest

from tests.harness import Recorder, settle
from tests.io.pipe.ends import Descriptor, forget, reading, sockets, terminal_to_read


async def test_data_reaches_the_protocol_in_order(loop):
    async with reading(loop) as (_, protocol, peer):
        os.write(peer.fd, b"one")
        assert await protocol.got(3) == b"one"
        os.write(peer.fd, b"two")
        assert await protocol.got(6) == b"onetwo"
        assert protocol.order == ["connection_made", "data_received"]


async def test_the_end_calls_eof_received_then_connection_lost(loop):
    async with reading(loop) as (transport, protocol, peer):
        os.write(peer.fd, b"last")
        peer.close()
        assert await protocol.lost() is None
        assert protocol.order == ["connection_made", "data_received", "eof_received", "connection_lost"]
        assert transport.is_closing()
        assert not transport.is_reading()


async def test_the_answer_of_eof_received_does_not_keep_the_pipe_open(loop):
    async with reading(loop, Recorder(keep_open=True)) as (_, protocol, peer):
        peer.close()
        assert await protocol.lost() is None


async def test_eof_received_and_connection_lost_run_in_the_iteration_after_the_end_was_seen(loop):
    events = []

    class Protocol(Recorder):
        def eof_received(self):
            loop.call_soon(events.append, "after eof")
            events.append("eof")
            self.note("eof_received")

        def connection_lost(self, exc):
            events.append("lost")
            super().connection_lost(exc)

    async with reading(loop, Protocol()) as (_, protocol, peer):
        peer.close()
        await protocol.lost()
        await asyncio.sleep(0)
    assert events == ["eof", "lost", "after eof"]


def test_connection_made_comes_before_the_waiter_is_done(loop, run):
    read, write = os.pipe()
    order = []

    class Protocol(Recorder):
        def connection_made(self, transport):
            order.append("made")
            super().connection_made(transport)

    async def main():
        transport, protocol = await loop.connect_read_pipe(Protocol, os.fdopen(read, "rb", 0))
        order.append("connected")
        transport.close()
        await protocol.lost()

    with Descriptor(write):
        run(main())
    assert order == ["made", "connected"]


async def test_close_calls_connection_lost_with_none_once(loop):
    async with reading(loop) as (transport, protocol, _):
        transport.close()
        transport.close()
        assert transport.is_closing()
        assert protocol.calls == ["connection_made"], "not before the next iteration"
        assert await protocol.lost() is None
        transport.close()
        assert not await settle(loop.create_future())
        assert protocol.calls == ["connection_made", "connection_lost"]
        assert transport.get_protocol() is None


async def test_the_file_is_closed_after_connection_lost(loop):
    class Protocol(Recorder):
        def connection_lost(self, exc):
            self.file = self.transport.get_extra_info("pipe")
            self.was_closed = self.file.closed
            super().connection_lost(exc)

    async with reading(loop, Protocol()) as (transport, protocol, _):
        transport.close()
        await protocol.lost()
    assert not protocol.was_closed
    assert protocol.file.closed
    assert transport.get_extra_info("pipe") is protocol.file


async def test_pause_reading_holds_data_back_until_resume_reading(loop):
    async with reading(loop) as (transport, protocol, peer):
        assert transport.is_reading()
        transport.pause_reading()
        transport.pause_reading()
        assert not transport.is_reading()
        os.write(peer.fd, b"held back")
        await settle(loop.create_future())
        assert protocol.received == b""
        transport.resume_reading()
        transport.resume_reading()
        assert transport.is_reading()
        assert await protocol.got(9) == b"held back"


async def test_a_paused_transport_does_not_see_the_end(loop):
    async with reading(loop) as (transport, protocol, peer):
        transport.pause_reading()
        peer.close()
        await settle(loop.create_future())
        assert protocol.calls == ["connection_made"]
        transport.resume_reading()
        await protocol.lost()


async def test_pausing_and_resuming_a_closed_pipe_does_nothing(loop):
    async with reading(loop) as (transport, protocol, _):
        transport.close()
        await protocol.lost()
        transport.pause_reading()
        transport.resume_reading()
        await asyncio.sleep(0)
        assert protocol.calls == ["connection_made", "connection_lost"]


async def test_data_that_somebody_else_has_read_is_no_data_and_no_end(loop):
    """The pipe is ready when the poll returns, and not any more when its turn comes."""
    async with reading(loop) as (_, protocol, peer):
        thief = os.dup(protocol.transport.get_extra_info("pipe").fileno())
        os.write(peer.fd, b"stolen")
        loop.call_soon(os.read, thief, 100)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert protocol.calls == ["connection_made"]
        os.close(thief)
        os.write(peer.fd, b"left alone")
        assert await protocol.got(10) == b"left alone"


async def test_pausing_in_connection_made_works(loop):
    class Protocol(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()

    async with reading(loop, Protocol()) as (transport, protocol, peer):
        os.write(peer.fd, b"x")
        await settle(loop.create_future())
        assert protocol.received == b""
        transport.resume_reading()
        assert await protocol.got(1) == b"x"


async def test_closing_in_connection_made_works(loop):
    class Protocol(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.close()

    async with reading(loop, Protocol()) as (_, protocol, _):
        assert await protocol.lost() is None
        assert protocol.calls == ["connection_made", "connection_lost"]


async def test_closing_in_data_received_works(loop):
    class Protocol(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.close()

    async with reading(loop, Protocol()) as (_, protocol, peer):
        os.write(peer.fd, b"x")
        await protocol.lost()
        assert protocol.calls == ["connection_made", "data_received", "connection_lost"]


async def test_an_exception_of_data_received_is_reported_and_the_pipe_stays_open(loop, errors):
    class Protocol(Recorder):
        def data_received(self, data):
            super().data_received(data)
            if data == b"bad":
                raise ZeroDivisionError

    async with reading(loop, Protocol()) as (transport, protocol, peer):
        os.write(peer.fd, b"bad")
        await protocol.got(3)
        await asyncio.sleep(0)
        context = errors.take_one()
        assert context["message"].startswith("Exception in callback")
        assert isinstance(context["exception"], ZeroDivisionError)
        assert not transport.is_closing()
        os.write(peer.fd, b"good")
        assert await protocol.got(7) == b"badgood"


async def test_an_exception_of_eof_received_is_reported_and_the_connection_lost(loop, errors):
    class Protocol(Recorder):
        def eof_received(self):
            raise ZeroDivisionError

    async with reading(loop, Protocol()) as (_, protocol, peer):
        peer.close()
        assert await protocol.lost() is None
        assert isinstance(errors.take_one()["exception"], ZeroDivisionError)


async def test_an_exception_of_connection_lost_is_reported_and_the_file_closed(loop, errors):
    class Protocol(Recorder):
        def connection_lost(self, exc):
            super().connection_lost(exc)
            raise ZeroDivisionError

    async with reading(loop, Protocol()) as (transport, protocol, _):
        transport.close()
        await protocol.lost()
    assert isinstance(errors.take_one()["exception"], ZeroDivisionError)
    assert transport.get_extra_info("pipe").closed


async def test_set_protocol_changes_who_is_told(loop):
    async with reading(loop) as (transport, first, peer):
        second = Recorder()
        transport.set_protocol(second)
        assert transport.get_protocol() is second
        os.write(peer.fd, b"x")
        assert await second.got(1) == b"x"
        transport.set_protocol(first)


@pytest.mark.parametrize("ends", [sockets, terminal_to_read])
async def test_sockets_and_terminals_are_read_too(loop, ends):
    async with reading(loop, ends=ends) as (_, protocol, peer):
        os.write(peer.fd, b"data")
        assert await protocol.got(4) == b"data"


async def test_a_terminal_that_is_hung_up_is_lost_without_a_report(loop):
    """The read fails with EIO, which asyncio takes for the usual end of a terminal."""
    async with reading(loop, ends=terminal_to_read) as (_, protocol, peer):
        peer.close()
        reason = await protocol.lost()
        assert reason is None or isinstance(reason, OSError)


async def test_a_read_error_is_reported_and_given_to_connection_lost(loop, errors):
    """A descriptor that cannot be read: the writing end."""
    read, write = os.pipe()
    transport, protocol = await loop.connect_read_pipe(Recorder, os.fdopen(write, "rb", 0, closefd=True))
    os.close(read)  # makes the writing end readable, and read(2) of it fails with EBADF
    reason = await protocol.lost()
    assert isinstance(reason, OSError)
    context = errors.take_one()
    assert context["message"] == "Fatal read error on pipe transport"
    assert context["exception"] is reason
    assert context["transport"] is transport
    assert context["protocol"] is protocol


def test_a_regular_file_is_refused(loop, run):
    with tempfile.TemporaryFile() as file:
        with pytest.raises(ValueError, match=r"^Pipe transport is for pipes/sockets only\.$"):
            run(loop.connect_read_pipe(Recorder, file))
        assert not file.closed


def test_a_directory_is_refused(loop, run):
    fd = os.open("/", os.O_RDONLY)
    try:

        class Pipe:
            def fileno(self):
                return fd

        with pytest.raises(ValueError, match="Pipe transport is for"):
            run(loop.connect_read_pipe(Recorder, Pipe()))
    finally:
        os.close(fd)


async def test_the_descriptor_becomes_non_blocking(loop):
    async with reading(loop) as (transport, _, _):
        assert not os.get_blocking(transport.get_extra_info("pipe").fileno())


async def test_classes_and_extra_information_are_asyncios(loop):
    async with reading(loop) as (transport, protocol, _):
        assert isinstance(transport, asyncio.ReadTransport)
        assert isinstance(transport, asyncio.BaseTransport)
        assert not isinstance(transport, asyncio.WriteTransport)
        assert transport.get_extra_info("pipe").fileno() >= 0
        assert transport.get_extra_info("nothing") is None
        assert transport.get_extra_info("nothing", 5) == 5
        assert transport.get_protocol() is protocol
        if sys.version_info >= (3, 12):
            transport.note = "attributes can be set"


async def test_the_representation_says_what_the_transport_does(loop):
    async with reading(loop) as (transport, protocol, _):
        fd = transport.get_extra_info("pipe").fileno()
        assert repr(transport).endswith(f"ReadPipeTransport fd={fd} polling>")
        transport.pause_reading()
        assert repr(transport).endswith(f"ReadPipeTransport fd={fd} idle>")
        transport.close()
        assert f"ReadPipeTransport closing fd={fd}" in repr(transport)
        await protocol.lost()
        await asyncio.sleep(0)
        assert "ReadPipeTransport closed" in repr(transport)


def test_a_transport_that_nobody_closed_warns_and_closes_the_pipe(loop, run):
    read, write = os.pipe()
    file = os.fdopen(read, "rb", 0)
    transport, _ = run(loop.connect_read_pipe(asyncio.Protocol, file))
    loop.close()
    assert " open>" in repr(transport)
    references = [transport]
    del transport
    with pytest.warns(ResourceWarning, match="unclosed transport <.*ReadPipeTransport"):
        forget(references)
    assert file.closed
    os.close(write)


async def test_the_callbacks_run_in_a_copy_of_the_context_of_who_connected(loop):
    variable = contextvars.ContextVar("variable", default="unset")
    seen = []

    class Protocol(Recorder):
        def connection_made(self, transport):
            seen.append(variable.get())
            super().connection_made(transport)

        def data_received(self, data):
            seen.append(variable.get())
            super().data_received(data)

    variable.set("connected")
    async with reading(loop, Protocol()) as (transport, protocol, peer):
        variable.set("resumed")
        os.write(peer.fd, b"1")
        await protocol.got(1)
        transport.pause_reading()
        transport.resume_reading()
        os.write(peer.fd, b"2")
        await protocol.got(2)
    assert seen == ["connected", "connected", "resumed"]


async def test_debug_mode_logs_pausing_and_the_end(loop, caplog):
    caplog.set_level(logging.DEBUG, "asyncio")
    loop.set_debug(True)
    async with reading(loop) as (transport, protocol, peer):
        transport.pause_reading()
        transport.resume_reading()
        peer.close()
        await protocol.lost()
    text = caplog.text
    assert "pauses reading" in text
    assert "resumes reading" in text
    assert "was closed by peer" in text
    loop.set_debug(False)


async def test_streams_read_from_a_pipe(loop):
    read, write = os.pipe()
    reader = asyncio.StreamReader(limit=1000)
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(read, "rb", 0))
    with os.fdopen(write, "wb", 0) as peer:
        peer.write(b"line\n" + b"x" * 5000)
        assert await reader.readline() == b"line\n"
        assert await reader.readexactly(5000) == b"x" * 5000
    assert await reader.read() == b""
    transport.close()
    await asyncio.sleep(0)
