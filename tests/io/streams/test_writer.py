"""The contract of StreamWriter: writing, flow control, and the end."""

import asyncio
import gc
import weakref

import pytest

from tests.harness import PY, receive_all, receive_exactly, reset, settle
from tests.io.streams.streams import stream_and_peer


async def test_what_is_written_arrives(loop, aio):
    async with stream_and_peer(aio) as (_, writer, peer):
        assert writer.write(b"one ") is None
        writer.write(bytearray(b"two "))
        writer.write(memoryview(b"three "))
        assert writer.writelines([b"four ", bytearray(b"five")]) is None
        assert await writer.drain() is None
        assert await receive_exactly(loop, peer, 23) == b"one two three four five"


@pytest.mark.parametrize("nonsense", ["text", None, 5])
async def test_nonsense_cannot_be_written(loop, aio, nonsense):
    async with stream_and_peer(aio) as (_, writer, _):
        with pytest.raises(TypeError):
            writer.write(nonsense)


async def test_the_end_can_be_written_alone(loop, aio):
    async with stream_and_peer(aio) as (reader, writer, peer):
        assert writer.can_write_eof() is True
        writer.write(b"data")
        writer.write_eof()
        assert await receive_all(loop, peer) == b"data"
        with pytest.raises(RuntimeError):
            writer.write(b"more")
        peer.send(b"answer")
        assert await reader.readexactly(6) == b"answer"


async def test_drain_waits_while_writing_pauses(loop, aio):
    async with stream_and_peer(aio) as (_, writer, peer):
        writer.transport.set_write_buffer_limits(high=1000, low=10)
        await writer.drain()
        data = b"x" * 10_000_000
        writer.write(data)
        draining = [loop.create_task(writer.drain()) for _ in range(3)]
        assert not await settle(draining[0])
        draining[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await draining[1]
        assert not draining[0].done()
        assert await receive_exactly(loop, peer, len(data)) == data
        assert await draining[0] is await draining[2] is None


async def test_drain_raises_what_the_connection_was_lost_with(loop, aio):
    async with stream_and_peer(aio) as (reader, writer, peer):
        writer.write(b"x" * 10_000_000)
        draining = loop.create_task(writer.drain())
        assert not await settle(draining)
        reset(peer)
        with pytest.raises(ConnectionError):
            await draining
        with pytest.raises(ConnectionError) as caught:
            await writer.drain()
        assert caught.value is reader.exception()
        with pytest.raises(ConnectionError):
            await writer.wait_closed()


async def test_drain_of_a_lost_connection_is_refused(loop, aio):
    async with stream_and_peer(aio) as (_, writer, _):
        writer.close()
        await writer.wait_closed()
        with pytest.raises(ConnectionResetError, match="Connection lost"):
            await writer.drain()


async def test_drain_of_a_closing_connection_lets_it_close(loop, aio):
    async with stream_and_peer(aio) as (_, writer, _):
        writer.write(b"data")
        writer.close()
        with pytest.raises(ConnectionResetError, match="Connection lost"):
            for _ in range(10):
                await writer.drain()


async def test_drain_ends_when_the_connection_is_closed_without_an_error(loop, aio):
    async with stream_and_peer(aio) as (_, writer, _):
        writer.write(b"x" * 10_000_000)
        draining = loop.create_task(writer.drain())
        assert not await settle(draining)
        writer.transport.abort()
        assert await draining is None


async def test_drain_raises_the_reader_s_exception(loop, aio):
    async with stream_and_peer(aio) as (reader, writer, _):
        reader.set_exception(LookupError("set"))
        with pytest.raises(LookupError, match="set"):
            await writer.drain()


async def test_close_sends_what_was_written_first(loop, aio):
    async with stream_and_peer(aio) as (_, writer, peer):
        writer.write(b"x" * 10_000_000)
        assert not writer.is_closing()
        assert writer.close() is None
        writer.close()
        assert writer.is_closing()
        closing = loop.create_task(writer.wait_closed())
        assert not await settle(closing)
        assert await receive_all(loop, peer) == b"x" * 10_000_000
        assert await closing is None
        assert await writer.wait_closed() is None


async def test_wait_closed_raises_what_the_connection_was_lost_with_every_time(loop, aio):
    async with stream_and_peer(aio) as (reader, writer, peer):
        waiting = loop.create_task(writer.wait_closed())
        await settle(waiting)
        reset(peer)
        with pytest.raises(ConnectionResetError) as caught:
            await waiting
        assert reader.exception() is caught.value
        with pytest.raises(ConnectionResetError):
            await writer.wait_closed()


async def test_get_extra_info_is_the_transport_s(loop, aio):
    async with stream_and_peer(aio) as (_, writer, peer):
        assert writer.get_extra_info("peername") == peer.getsockname()
        assert writer.get_extra_info("nothing") is None
        assert writer.get_extra_info("nothing", 5) == writer.get_extra_info("nothing", default=5) == 5
        assert writer.transport is writer._transport
        assert writer.transport.get_protocol() is writer._protocol


async def test_the_representation_has_the_transport_s_and_the_reader_s(loop, aio):
    async with stream_and_peer(aio) as (reader, writer, _):
        assert repr(writer) == f"<StreamWriter transport={writer.transport!r} reader={reader!r}>"
        alone = aio.StreamWriter(writer.transport, writer._protocol, None, loop)
        assert repr(alone) == f"<StreamWriter transport={writer.transport!r}>"


async def test_the_reader_must_be_one_of_either_kind(loop, aio):
    async with stream_and_peer(aio) as (_, writer, _):
        transport, protocol = writer.transport, writer._protocol
        writer.close()
        with pytest.raises(AssertionError):
            aio.StreamWriter(transport, protocol, object(), loop)
        if aio is not asyncio:  # its own class would have to be accelerated first
            aio.StreamWriter(transport, protocol, asyncio.StreamReader(loop=loop), loop)


async def test_it_is_asyncio_s_writer_to_everybody(loop, aio):
    async with stream_and_peer(aio) as (_, writer, _):
        assert isinstance(writer, asyncio.StreamWriter)
        assert writer.__class__ is asyncio.StreamWriter
        assert (writer._loop, writer._reader.__class__) == (loop, asyncio.StreamReader)


async def test_a_forgotten_writer_is_closed_and_reported(loop, aio):
    async with stream_and_peer(aio) as (_, first, peer):
        writers = [aio.StreamWriter(first.transport, first._protocol, None, loop)]
        with pytest.warns(ResourceWarning, match="^unclosed <StreamWriter transport="):
            writers.clear()
        assert first.is_closing()
        assert await receive_all(loop, peer) == b""


async def test_so_is_one_of_a_subclass(loop, aio):
    class Writer(aio.StreamWriter):
        pass

    class Finalized(aio.StreamWriter):
        def __del__(self):
            seen.append(self.transport)
            super().__del__()

    seen = []
    for kind in (Writer, Finalized):
        async with stream_and_peer(aio) as (_, first, _):
            writers = [kind(first.transport, first._protocol, None, loop)]
            with pytest.warns(
                ResourceWarning, match=f"^unclosed <{kind.__name__} transport=|^unclosed <StreamWriter"
            ):
                writers.clear()
            assert first.is_closing()
    assert seen == [first.transport]


def test_a_writer_that_outlives_its_loop_is_reported(loop_factory, aio, process_state):
    loop = loop_factory()

    class Open:
        def is_closing(self):
            return False

    writers = [aio.StreamWriter(Open(), None, None, loop)]
    loop.close()
    with pytest.warns(ResourceWarning, match="^loop is closed$"):
        writers.clear()


async def test_a_closed_writer_is_not_reported(loop, aio):
    async with stream_and_peer(aio) as (_, writer, _):
        other = aio.StreamWriter(writer.transport, writer._protocol, None, loop)
        writer.close()
        del other
        gc.collect()


async def test_a_subclass_can_override_and_call_ours(loop, aio):
    class Writer(aio.StreamWriter):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.count = 0

        def write(self, data):
            self.count += len(data)
            super().write(data.upper())

        async def drain(self):
            await super().drain()
            return "drained"

    async with stream_and_peer(aio) as (reader, first, peer):
        writer = Writer(first.transport, first._protocol, reader, loop)
        writer.write(b"data")
        assert await writer.drain() == "drained"
        assert writer.count == 4
        assert repr(writer).startswith("<Writer transport=")
        assert await receive_exactly(loop, peer, 4) == b"DATA"
        writer.close()


async def test_a_transport_of_somebody_s_own_is_called(loop, aio):
    class Transport:
        def __init__(self):
            self.calls = []

        def __getattr__(self, name):
            def method(*arguments):
                self.calls.append((name, *arguments))
                return len(self.calls) if name != "is_closing" else self.calls[0][0] == "close"

            return method

    transport = Transport()
    writer = aio.StreamWriter(transport, None, None, loop)
    writer.write(b"1")
    writer.writelines([b"2", b"3"])
    assert writer.can_write_eof() == 3
    assert writer.write_eof() == 4
    assert writer.get_extra_info("name") == 5
    assert writer.close() == 6
    assert transport.calls == [
        ("write", b"1"),
        ("writelines", [b"2", b"3"]),
        ("can_write_eof",),
        ("write_eof",),
        ("get_extra_info", "name", None),
        ("close",),
    ]
    transport.calls.insert(0, ("close",))
    assert writer.is_closing()


async def test_a_protocol_of_somebody_s_own_is_drained_and_waited_for(loop, aio):
    class Protocol:
        async def _drain_helper(self):
            calls.append("drained")

        def _get_close_waiter(self, stream):
            calls.append(stream)
            return asyncio.sleep(0, "ignored")

    calls = []
    async with stream_and_peer(aio) as (_, first, _):
        writer = aio.StreamWriter(first.transport, Protocol(), None, loop)
        assert await writer.drain() is None
        assert await writer.wait_closed() is None
        assert calls == ["drained", writer]
        first.close()
        del writer
        calls.clear()


async def test_attributes_of_one_s_own_weak_references_and_cycles(loop, aio):
    class Writer(aio.StreamWriter):
        pass

    async with stream_and_peer(aio) as (_, first, _):
        first.close()
        for kind in (aio.StreamWriter, Writer) if PY >= (3, 12) else (Writer,):
            writer = kind(first.transport, first._protocol, None, loop)
            writer.mine = writer
            reference = weakref.ref(writer)
            del writer
            gc.collect()
            assert reference() is None


async def test_private_attributes_can_be_replaced(loop, aio):
    async with stream_and_peer(aio) as (_, one, peer_of_one), stream_and_peer(aio) as (_, two, peer_of_two):
        one._transport, two._transport = two._transport, one._transport
        one.write(b"one")
        two.write(b"two")
        assert await receive_exactly(loop, peer_of_one, 3) == b"two"
        assert await receive_exactly(loop, peer_of_two, 3) == b"one"
        one._transport, two._transport = two._transport, one._transport
