"""What a transport over the writing end of a pipe does."""

import asyncio
import logging
import os
import tempfile

import pytest

from tests.harness import Recorder, settle
from tests.io.pipe.ends import Descriptor, forget, read_all, read_exactly, sockets, terminal_to_write, writing

BIG = b"0123456789abcdef" * 65536  # 1 MiB: more than any pipe holds


async def test_written_data_arrives_in_order(loop):
    async with writing(loop) as (transport, _, peer):
        transport.write(b"one")
        transport.write(bytearray(b"two"))
        transport.write(memoryview(b"three"))
        transport.writelines([b"four", b"five"])
        assert await read_exactly(loop, peer.fd, 19) == b"onetwothreefourfive"
        assert transport.get_write_buffer_size() == 0


async def test_what_was_written_counts_as_sent_as_soon_as_anybody_asks(loop):
    async with writing(loop) as (transport, _, peer):
        transport.write(b"x" * 100)
        assert transport.get_write_buffer_size() == 0
        assert read_all(peer.fd) == b"x" * 100


async def test_a_write_leaves_in_its_own_iteration(loop):
    async with writing(loop) as (transport, _, peer):
        transport.write(b"x")
        await asyncio.sleep(0)
        assert read_all(peer.fd) == b"x"


async def test_a_bytearray_may_change_after_write(loop):
    async with writing(loop) as (transport, _, peer):
        data = bytearray(b"before" * 100_000)
        transport.write(data)
        data[:] = b"after"
        assert await read_exactly(loop, peer.fd, 600_000) == b"before" * 100_000


async def test_flow_control_pauses_above_the_high_mark_and_resumes_when_all_has_left(loop):
    sizes = []

    class Protocol(Recorder):
        def resume_writing(self):
            sizes.append(self.transport.get_write_buffer_size())
            super().resume_writing()

    async with writing(loop, Protocol()) as (transport, protocol, peer):
        assert transport.get_write_buffer_limits() == (16384, 65536)
        transport.write(BIG)
        assert protocol.calls == ["connection_made", "pause_writing"]
        assert transport.get_write_buffer_size() > 65536
        assert await read_exactly(loop, peer.fd, len(BIG)) == BIG
        await protocol.called("resume_writing")
        assert sizes == [0]


async def test_the_limits_of_flow_control_can_be_set(loop):
    async with writing(loop) as (transport, protocol, peer):
        transport.set_write_buffer_limits(high=4000)
        assert transport.get_write_buffer_limits() == (1000, 4000)
        transport.set_write_buffer_limits(low=10)
        assert transport.get_write_buffer_limits() == (10, 40)
        with pytest.raises(ValueError, match=r"high \(1\) must be >= low \(2\) must be >= 0"):
            transport.set_write_buffer_limits(high=1, low=2)
        with pytest.raises(ValueError, match=r"high \(-1\)"):
            transport.set_write_buffer_limits(high=-1)
        transport.set_write_buffer_limits()
        transport.write(BIG[:-1])
        await read_exactly(loop, peer.fd, len(BIG) - 1)
        await protocol.called("resume_writing")


async def test_lowering_the_limit_below_what_is_buffered_pauses(loop):
    async with writing(loop) as (transport, protocol, _):
        transport.set_write_buffer_limits(high=1 << 30)
        transport.write(BIG)
        assert protocol.calls == ["connection_made"]
        transport.set_write_buffer_limits(high=1)
        assert protocol.calls == ["connection_made", "pause_writing"]


@pytest.mark.parametrize("method", ["close", "write_eof"])
async def test_closing_waits_for_what_is_buffered(loop, method):
    async with writing(loop) as (transport, protocol, peer):
        transport.write(BIG)
        getattr(transport, method)()
        assert transport.is_closing()
        assert await read_exactly(loop, peer.fd, len(BIG)) == BIG
        assert await protocol.lost() is None
        assert os.read(peer.fd, 1) == b""


@pytest.mark.parametrize("method", ["close", "write_eof"])
async def test_closing_an_empty_pipe_calls_connection_lost_in_the_next_iteration(loop, method):
    async with writing(loop) as (transport, protocol, peer):
        transport.write(b"x")
        getattr(transport, method)()
        getattr(transport, method)()
        assert read_all(peer.fd) == b"x"
        assert protocol.calls == ["connection_made"]
        await asyncio.sleep(0)
        assert protocol.calls == ["connection_made", "connection_lost"]
        assert protocol.reason is None


async def test_can_write_eof(loop):
    async with writing(loop) as (transport, _, _):
        assert transport.can_write_eof()


async def test_abort_drops_what_is_buffered(loop):
    async with writing(loop) as (transport, protocol, peer):
        transport.write(BIG)
        left = transport.get_write_buffer_size()
        transport.abort()
        assert transport.get_write_buffer_size() == 0
        assert await protocol.lost() is None
        await asyncio.sleep(0)
        assert len(read_all(peer.fd)) == len(BIG) - left


async def test_abort_after_close_drops_what_is_buffered(loop):
    async with writing(loop) as (transport, protocol, _):
        transport.write(BIG)
        transport.close()
        transport.abort()
        assert await protocol.lost() is None
        assert protocol.calls.count("connection_lost") == 1


async def test_the_peer_going_away_is_noticed_without_writing(loop):
    async with writing(loop) as (transport, protocol, peer):
        peer.close()
        assert await protocol.lost() is None
        assert transport.is_closing()


async def test_the_peer_going_away_with_data_buffered_is_a_broken_pipe(loop):
    async with writing(loop) as (transport, protocol, peer):
        transport.write(BIG)
        await asyncio.sleep(0)
        peer.close()
        assert isinstance(await protocol.lost(), BrokenPipeError)
        assert transport.get_write_buffer_size() == 0


async def test_writing_to_a_pipe_without_reader_is_a_broken_pipe_without_report(loop):
    async with writing(loop) as (transport, protocol, peer):
        peer.close()
        transport.write(b"x")
        assert transport.get_write_buffer_size() == 0
        assert isinstance(await protocol.lost(), BrokenPipeError)


async def test_writes_to_a_lost_pipe_are_dropped_and_warned_of_from_the_fifth_on(loop, caplog):
    async with writing(loop) as (transport, protocol, peer):
        peer.close()
        transport.write(b"fails")
        for _ in range(4):
            transport.write(b"x")
        assert transport.get_write_buffer_size() == 0
        assert caplog.messages == []
        transport.write(b"x")
        assert caplog.messages == ["pipe closed by peer or os.write(pipe, data) raised exception."]
        await protocol.lost()


async def test_writes_of_one_iteration_to_a_lost_pipe_are_counted_as_if_each_was_sent_at_once(loop, caplog):
    async with writing(loop) as (transport, protocol, peer):
        peer.close()
        for _ in range(8):
            transport.write(b"x")
        await protocol.lost()
        assert caplog.messages == ["pipe closed by peer or os.write(pipe, data) raised exception."] * 3


async def test_writes_after_close_are_dropped_and_warned_of_from_the_sixth_on(loop, caplog):
    async with writing(loop) as (transport, protocol, peer):
        transport.close()
        transport.write(b"")
        for _ in range(5):
            transport.write(b"x")
        assert caplog.messages == []
        transport.write(b"x")
        assert len(caplog.messages) == 1
        await protocol.lost()
        assert read_all(peer.fd) == b""


async def test_writes_after_close_are_dropped_while_earlier_ones_leave(loop):
    async with writing(loop) as (transport, protocol, peer):
        transport.write(BIG)
        transport.close()
        transport.write(b"late")
        assert await read_exactly(loop, peer.fd, len(BIG)) == BIG
        await protocol.lost()
        await asyncio.sleep(0)
        assert os.read(peer.fd, 1) == b""


async def test_resume_writing_may_write_again(loop):
    class Protocol(Recorder):
        def resume_writing(self):
            super().resume_writing()
            if self.calls.count("resume_writing") < 3:
                self.transport.write(BIG)

    async with writing(loop, Protocol()) as (transport, protocol, peer):
        transport.write(BIG)
        assert await read_exactly(loop, peer.fd, 3 * len(BIG)) == 3 * BIG
        await protocol.called("resume_writing", 3)
        assert protocol.calls == ["connection_made", *["pause_writing", "resume_writing"] * 3]


@pytest.mark.parametrize("method", ["pause_writing", "resume_writing"])
async def test_an_exception_of_a_flow_control_method_is_reported(loop, errors, method):
    def fail(self):
        self.note(method)
        raise ZeroDivisionError

    protocol = type("Protocol", (Recorder,), {method: fail})()
    async with writing(loop, protocol) as (transport, protocol, peer):
        transport.write(BIG)
        assert await read_exactly(loop, peer.fd, len(BIG)) == BIG
        await protocol.called("resume_writing")
        context = errors.take_one()
        assert context["message"] == f"protocol.{method}() failed"
        assert context["transport"] is transport
        assert not transport.is_closing()


@pytest.mark.parametrize("data", ["text", 5, None, [b"x"]])
async def test_other_types_than_bytes_are_refused(loop, data):
    async with writing(loop) as (transport, _, _):
        with pytest.raises(AssertionError):
            transport.write(data)


async def test_a_view_with_gaps_ends_the_connection(loop, errors):
    async with writing(loop) as (transport, protocol, _):
        transport.write(memoryview(b"abcdef")[::2])
        assert isinstance(await protocol.lost(), BufferError)
        assert errors.take_one()["message"] == "Fatal write error on pipe transport"


@pytest.mark.parametrize("ends", [sockets, terminal_to_write])
async def test_sockets_and_terminals_are_written_too(loop, ends):
    async with writing(loop, ends=ends) as (transport, _, peer):
        transport.write(b"data")
        assert await read_exactly(loop, peer.fd, 4) == b"data"


async def test_a_terminal_may_have_input(loop):
    """The reader that notices a closed peer is for pipes and sockets only."""
    async with writing(loop, ends=terminal_to_write) as (transport, protocol, peer):
        os.write(peer.fd, b"typed\n")
        await settle(loop.create_future())
        assert protocol.calls == ["connection_made"]
        assert not transport.is_closing()


async def test_a_socket_whose_peer_closes_is_lost(loop):
    async with writing(loop, ends=sockets) as (_, protocol, peer):
        peer.close()
        assert await protocol.lost() is None


async def test_closing_in_connection_made_works(loop):
    class Protocol(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.close()

    read, write = os.pipe()
    with Descriptor(read):
        _, protocol = await loop.connect_write_pipe(Protocol, os.fdopen(write, "wb", 0))
        assert await protocol.lost() is None


def test_a_regular_file_is_refused(loop, run):
    with tempfile.TemporaryFile() as file:
        with pytest.raises(
            ValueError, match=r"^Pipe transport is only for pipes, sockets and character devices$"
        ):
            run(loop.connect_write_pipe(Recorder, file))
        assert not file.closed


async def test_classes_and_extra_information_are_asyncios(loop):
    async with writing(loop) as (transport, protocol, _):
        assert isinstance(transport, asyncio.WriteTransport)
        assert isinstance(transport, asyncio.Transport)
        assert transport.get_extra_info("pipe").fileno() >= 0
        assert transport.get_extra_info("nothing", 5) == 5
        assert transport.get_protocol() is protocol
        assert not os.get_blocking(transport.get_extra_info("pipe").fileno())
        other = Recorder()
        transport.set_protocol(other)
        assert transport.get_protocol() is other
        transport.set_protocol(protocol)


async def test_the_representation_says_what_the_transport_does(loop):
    async with writing(loop) as (transport, protocol, _):
        fd = transport.get_extra_info("pipe").fileno()
        assert repr(transport).endswith(f"WritePipeTransport fd={fd} idle bufsize=0>")
        transport.write(BIG)
        size = transport.get_write_buffer_size()
        assert repr(transport).endswith(f"WritePipeTransport fd={fd} polling bufsize={size}>")
        transport.abort()
        assert f"WritePipeTransport closing fd={fd}" in repr(transport)
        await protocol.lost()
        await asyncio.sleep(0)
        assert "WritePipeTransport closed" in repr(transport)


def test_a_transport_that_nobody_closed_warns_and_closes_the_pipe(loop, run):
    read, write = os.pipe()
    file = os.fdopen(write, "wb", 0)
    transport, _ = run(loop.connect_write_pipe(asyncio.BaseProtocol, file))
    loop.close()
    assert " open>" in repr(transport)
    references = [transport]
    del transport
    with pytest.warns(ResourceWarning, match="unclosed transport <.*WritePipeTransport"):
        forget(references)
    assert file.closed
    os.close(read)


async def test_debug_mode_logs_errors_and_the_end(loop, caplog):
    caplog.set_level(logging.DEBUG, "asyncio")
    loop.set_debug(True)
    async with writing(loop) as (_, protocol, peer):
        peer.close()
        await protocol.lost()
    assert "was closed by peer" in caplog.text
    caplog.clear()
    async with writing(loop) as (transport, protocol, peer):
        peer.close()
        transport.write(b"x")
        await protocol.lost()
    assert "Fatal write error on pipe transport" in caplog.text
    loop.set_debug(False)


async def test_streams_write_to_a_pipe(loop):
    read, write = os.pipe()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(write, "wb", 0)
    )
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    with Descriptor(read):
        os.set_blocking(read, False)
        reading = loop.create_task(read_exactly(loop, read, 10 * len(BIG)))
        for _ in range(10):
            writer.write(BIG)
            await writer.drain()
        assert await reading == 10 * BIG
        writer.close()
        await writer.wait_closed()


@pytest.mark.ferrio_only
async def test_writes_of_one_iteration_leave_in_one_system_call(loop):
    """A pipe in packet mode (O_DIRECT, pipe(2)) keeps what each system call wrote apart."""
    if not hasattr(os, "O_DIRECT"):
        pytest.skip("no packet mode")
    async with writing(loop, ends=lambda: os.pipe2(os.O_DIRECT)) as (transport, _, peer):
        for piece in (b"a", b"b", b"c"):
            transport.write(piece)
        await asyncio.sleep(0)
        assert os.read(peer.fd, 4096) == b"abc"


def test_writing_while_no_iteration_runs_sends_at_once(loop, run):
    read, write = os.pipe()
    transport, protocol = run(loop.connect_write_pipe(Recorder, os.fdopen(write, "wb", 0)))
    with Descriptor(read):
        transport.write(b"x")
        assert os.read(read, 10) == b"x"
        transport.close()
        run(protocol.lost())
        run(asyncio.sleep(0))
