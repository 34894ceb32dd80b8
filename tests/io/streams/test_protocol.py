"""The contract of StreamReaderProtocol: from a transport to a reader, and a server's function."""

import asyncio
import gc
import logging
import weakref

import pytest

from tests.harness import PY, receive_all, tcp_pair
from tests.io.streams.streams import connected, served, stream_and_peer


class Transport(asyncio.Transport):
    """Records the calls, and does nothing."""

    def __init__(self):
        super().__init__({"socket": None})
        self.calls = []

    def __getattribute__(self, name):
        if name in {"pause_reading", "resume_reading", "close", "abort"}:
            return lambda: self.calls.append(name)
        return super().__getattribute__(name)

    def is_closing(self):
        return "close" in self.calls


def reader_and_protocol(aio, loop, callback=None):
    reader = aio.StreamReader(loop=loop)
    return reader, aio.StreamReaderProtocol(reader, callback, loop)


async def test_it_feeds_its_reader(loop, aio):
    reader, protocol = reader_and_protocol(aio, loop)
    transport = Transport()
    protocol.connection_made(transport)
    assert reader._transport is protocol._transport is transport
    protocol.data_received(b"data")
    assert protocol.eof_received() is True
    assert await reader.read() == b"data"
    protocol.connection_lost(None)
    assert protocol._transport is None


async def test_over_tls_the_connection_does_not_stay_open_after_the_end(loop, aio):
    reader, protocol = reader_and_protocol(aio, loop)
    transport = Transport()
    transport._extra["sslcontext"] = object()
    protocol.connection_made(transport)
    assert protocol._over_ssl
    assert protocol.eof_received() is False
    assert reader.at_eof()


async def test_a_lost_connection_is_the_end_or_an_exception(loop, aio):
    for error in (None, LookupError("lost")):
        reader, protocol = reader_and_protocol(aio, loop)
        protocol.connection_made(Transport())
        protocol.connection_lost(error)
        assert reader.exception() is error
        closed = protocol._get_close_waiter(None)
        assert closed is protocol._closed
        assert closed.exception() is error
        assert reader.at_eof() is (error is None)


async def test_what_it_was_lost_with_is_not_reported_if_nobody_asks(loop, aio):
    _, protocol = reader_and_protocol(aio, loop)
    protocol.connection_made(Transport())
    protocol.connection_lost(LookupError("lost"))
    del protocol
    gc.collect()


async def test_a_subclass_s_loss_is_not_reported_either(loop, aio):
    class Protocol(aio.StreamReaderProtocol):
        pass

    protocol = Protocol(aio.StreamReader(loop=loop), loop=loop)
    protocol.connection_lost(OSError())
    del protocol
    gc.collect()


async def test_it_does_not_keep_its_reader_alive(loop, aio):
    reader, protocol = reader_and_protocol(aio, loop)
    assert protocol._stream_reader is reader
    reference = weakref.ref(reader)
    del reader
    gc.collect()
    assert reference() is protocol._stream_reader is None
    protocol.connection_made(Transport())
    protocol.data_received(b"dropped")
    assert protocol.eof_received() is True
    protocol.connection_lost(None)


async def test_a_server_s_protocol_keeps_its_reader_until_it_is_connected(loop, aio):
    got = []

    def callback(reader, writer):
        got.extend([weakref.ref(reader), writer])

    protocol = reader_and_protocol(aio, loop, callback)[1]
    gc.collect()
    assert protocol._strong_reader is protocol._stream_reader
    transport = Transport()
    protocol.connection_made(transport)
    assert protocol._strong_reader is None
    assert got[0]() is protocol._stream_reader
    assert got[1].transport is transport
    transport.close()


async def test_a_protocol_may_have_no_reader(loop, aio):
    protocol = aio.StreamReaderProtocol(None, loop=loop)
    protocol.connection_made(Transport())
    protocol.data_received(b"dropped")
    assert protocol.eof_received() is True
    protocol.connection_lost(None)
    assert protocol._stream_reader is protocol._stream_reader_wr is None


async def test_flow_control_must_alternate(loop, aio):
    _, protocol = reader_and_protocol(aio, loop)
    assert not protocol._paused
    with pytest.raises(AssertionError):
        protocol.resume_writing()
    protocol.pause_writing()
    assert protocol._paused
    with pytest.raises(AssertionError):
        protocol.pause_writing()
    protocol.resume_writing()
    assert not protocol._paused


async def test_debug_mode_logs_flow_control(loop, aio, caplog):
    loop.set_debug(True)
    _, protocol = reader_and_protocol(aio, loop)
    with caplog.at_level(logging.DEBUG, "asyncio"):
        protocol.pause_writing()
        protocol.resume_writing()
    assert [record.getMessage() for record in caplog.records] == [
        f"{protocol!r} pauses writing",
        f"{protocol!r} resumes writing",
    ]


async def test_those_who_drain_go_on_in_order(loop, aio):
    _, protocol = reader_and_protocol(aio, loop)
    order = []

    async def drain(number):
        await protocol._drain_helper()
        order.append(number)

    await protocol._drain_helper()
    protocol.pause_writing()
    draining = [loop.create_task(drain(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert len(protocol._drain_waiters) == 3
    draining[0].cancel()
    protocol.resume_writing()
    await asyncio.wait(draining)
    assert order == [1, 2]
    assert not protocol._drain_waiters
    assert draining[0].cancelled()


@pytest.mark.parametrize("is_lost", [False, True])
async def test_those_who_drain_hear_of_the_end(loop, aio, is_lost):
    error = LookupError("lost") if is_lost else None
    _, protocol = reader_and_protocol(aio, loop)
    protocol.connection_made(Transport())
    protocol.pause_writing()
    draining = loop.create_task(protocol._drain_helper())
    await asyncio.sleep(0)
    protocol.connection_lost(error)
    await asyncio.wait([draining])
    assert draining.exception() is error
    with pytest.raises(ConnectionResetError, match="Connection lost"):
        await protocol._drain_helper()


async def test_a_function_handles_connections(loop, aio):
    done = loop.create_future()

    def handler(reader, writer):
        writer.write(b"hello")
        writer.close()
        done.set_result((type(reader), type(writer)))

    async with served(aio, handler) as address, connected(aio, address) as (reader, _):
        assert await reader.read() == b"hello"
        assert await done == (aio.StreamReader, aio.StreamWriter)


async def test_a_coroutine_function_handles_connections_in_tasks(loop, aio):
    async def handler(reader, writer):
        assert asyncio.current_task() is writer.transport.get_protocol()._task
        writer.write(await reader.readline())
        writer.close()

    async with served(aio, handler) as address, connected(aio, address) as (reader, writer):
        writer.write(b"line\n")
        assert await reader.read() == b"line\n"


async def test_a_failing_coroutine_is_reported_and_ends_the_connection(loop, aio, errors):
    async def handler(reader, writer):
        await reader.readexactly(1)
        raise LookupError("handler")

    async with served(aio, handler) as address, connected(aio, address) as (reader, writer):
        writer.write(b"x")
        assert await reader.read() == b""
    context = errors.take_one()
    assert context["message"] == "Unhandled exception in client_connected_cb"
    assert repr(context["exception"]) == "LookupError('handler')"
    assert context["transport"].is_closing()


@pytest.mark.skipif(PY < (3, 15), reason="asyncio's protocol lets the exception through before 3.15")
async def test_a_failing_function_is_reported_and_ends_the_connection(loop, aio, errors):
    def handler(reader, writer):
        raise LookupError("handler")

    async with served(aio, handler) as address, connected(aio, address) as (reader, _):
        assert await reader.read() == b""
    context = errors.take_one()
    assert context["message"] == "Unhandled exception in client_connected_cb"
    assert repr(context["exception"]) == "LookupError('handler')"


@pytest.mark.skipif(PY < (3, 13), reason="asyncio leaves the connection open before 3.13")
async def test_a_cancelled_handler_ends_the_connection_without_a_report(loop, aio):
    tasks = []

    async def handler(reader, writer):
        tasks.append(asyncio.current_task())
        writer.write(b"x")
        await loop.create_future()

    async with served(aio, handler) as address, connected(aio, address) as (reader, _):
        assert await reader.readexactly(1) == b"x"
        tasks[0].cancel()
        assert await reader.read() == b""


async def test_a_subclass_may_have_methods_of_its_own(loop, aio):
    class Protocol(aio.StreamReaderProtocol):
        """As aiosmtpd has it: the protocol is the server's handler."""

        def __init__(self):
            self.made, self.lost, self.received = None, loop.create_future(), bytearray()
            super().__init__(aio.StreamReader(loop=loop), self.on_client, loop=loop)

        def on_client(self, reader, writer):
            self.reader, self.writer = reader, writer
            self.handling = loop.create_task(self.handle())

        async def handle(self):
            while line := await self.reader.readline():
                self.writer.write(b"got " + line)
                await self.writer.drain()
            self.writer.close()

        def connection_made(self, transport):
            self.made = transport
            super().connection_made(transport)

        def data_received(self, data):
            self.received += data
            super().data_received(data)

        def eof_received(self):
            super().eof_received()
            return True

        def connection_lost(self, exc):
            super().connection_lost(exc)
            self.lost.set_result(exc)

    protocols = []

    def factory():
        protocols.append(Protocol())
        return protocols[-1]

    server = await loop.create_server(factory, "127.0.0.1", 0)
    async with connected(aio, server.sockets[0].getsockname()) as (reader, writer):
        writer.writelines([b"one\n", b"two\n"])
        assert await reader.readline() == b"got one\n"
        assert await reader.readline() == b"got two\n"
        writer.write_eof()
        assert await reader.read() == b""
    (protocol,) = protocols
    assert await protocol.lost is None
    await protocol.handling
    assert protocol.received == b"one\ntwo\n"
    assert protocol.made is not None
    server.close()
    await server.wait_closed()


async def test_a_subclass_s_drain_helper_is_what_drain_waits_for(loop, aio):
    class Protocol(aio.StreamReaderProtocol):
        async def _drain_helper(self):
            calls.append("drained")
            await super()._drain_helper()

    calls = []
    reader = aio.StreamReader(loop=loop)
    transport = Transport()
    writer = aio.StreamWriter(transport, Protocol(reader, loop=loop), reader, loop)
    await writer.drain()
    assert calls == ["drained"]
    transport.close()


async def test_a_subclass_s_data_received_is_called_for_every_piece(loop, aio):
    class Protocol(aio.StreamReaderProtocol):
        def data_received(self, data):
            pieces.append(type(data))
            super().data_received(bytes(data).upper())

    pieces = []
    async with stream_and_peer(aio) as (_, first, peer):
        reader, before = aio.StreamReader(loop=loop), first.transport.get_protocol()
        first.transport.set_protocol(Protocol(reader, loop=loop))
        peer.send(b"data")
        assert await reader.readexactly(4) == b"DATA"
        assert pieces == [bytes]
        first.transport.set_protocol(before)


async def test_the_protocol_may_change_under_way(loop, aio):
    async with stream_and_peer(aio) as (reader, writer, peer):
        peer.send(b"one")
        assert await reader.readexactly(3) == b"one"
        other, protocol = reader_and_protocol(aio, loop)
        before = writer.transport.get_protocol()
        writer.transport.set_protocol(protocol)
        peer.send(b"two")
        assert await other.readexactly(3) == b"two"
        writer.transport.set_protocol(before)
        peer.send(b"three")
        assert await reader.readexactly(5) == b"three"


async def test_what_arrives_for_a_reader_that_is_gone_is_dropped(loop, aio):
    ours, peer = tcp_pair()
    with peer:
        reader, writer = await aio.open_connection(sock=ours)
        reference = weakref.ref(reader)
        writer._reader = reader = None
        gc.collect()
        assert reference() is reader
        peer.sendall(b"x" * 100_000)
        writer.write(b"still there")
        writer.write_eof()
        assert await receive_all(loop, peer) == b"still there"
        writer.close()
        peer.close()
        await asyncio.wait([writer.transport.get_protocol()._closed])


async def test_it_is_asyncio_s_protocol_to_everybody(loop, aio):
    _, protocol = reader_and_protocol(aio, loop)
    assert isinstance(protocol, asyncio.StreamReaderProtocol)
    assert isinstance(protocol, asyncio.Protocol)
    assert isinstance(protocol, asyncio.streams.FlowControlMixin)
    assert protocol.__class__ is asyncio.StreamReaderProtocol


async def test_a_subclass_is_a_protocol_to_everybody(loop, aio):
    class Protocol(aio.StreamReaderProtocol):
        pass

    for kind in (aio.StreamReaderProtocol, Protocol):
        assert issubclass(kind, asyncio.Protocol)
        assert issubclass(kind, asyncio.streams.FlowControlMixin)
        assert not issubclass(kind, asyncio.BufferedProtocol)
    protocol = Protocol(aio.StreamReader(loop=loop), loop=loop)
    assert isinstance(protocol, asyncio.Protocol)
    assert not isinstance(protocol, asyncio.DatagramProtocol)


async def test_a_subclass_may_set_the_loop_first(loop, aio):
    class Protocol(aio.StreamReaderProtocol):
        def __init__(self, reader, loop):
            self._loop = loop
            super().__init__(reader, loop=loop)

    class Reader(aio.StreamReader):
        def __init__(self, loop):
            self._loop = loop
            super().__init__(loop=loop)

    reader = Reader(loop)
    assert Protocol(reader, loop)._loop is reader._loop is loop


async def test_attributes_of_one_s_own_weak_references_and_cycles(loop, aio):
    class Protocol(aio.StreamReaderProtocol):
        pass

    for kind in (aio.StreamReaderProtocol, Protocol) if PY >= (3, 12) else (Protocol,):
        reader = aio.StreamReader(loop=loop)
        protocol = kind(reader, print, loop)
        protocol.mine = protocol
        protocol._client_connected_cb = protocol
        references = weakref.ref(protocol), weakref.ref(reader)
        del protocol, reader
        gc.collect()
        assert [reference() for reference in references] == [None, None]
