"""Protocols that fail: the report, the argument of connection_lost, and what continues."""

import asyncio

import pytest

from tests.harness import Buffered, Recorder, socket_pair, tcp_pair, transport_and_peer, turns


def failing(method, exc, base=Recorder, times=1000):
    """A protocol one of whose methods notes its call and then raises, the first so many times."""

    def fail(self, *args):
        result = getattr(base, method)(self, *args)
        if self.calls.count(method) <= times:
            raise exc
        return result

    return type("Failing", (base,), {method: fail})()


async def test_a_failing_connection_made_is_reported_and_the_connection_stays(loop, errors):
    exc = LookupError("argument")
    async with transport_and_peer(loop, failing("connection_made", exc)) as (transport, protocol, peer):
        context = errors.take_one()
        assert context["exception"] is exc
        assert context["message"].startswith("Exception in callback ")
        assert not transport.is_closing()
        peer.send(b"data")
        assert await protocol.got(4) == b"data"
        transport.write(b"answer")
        assert await loop.sock_recv(peer, 100) == b"answer"


@pytest.mark.parametrize("method", ["data_received", "eof_received"])
async def test_a_failing_callback_is_reported_and_ends_the_connection_with_its_error(loop, errors, method):
    exc = LookupError("argument")
    async with transport_and_peer(loop, failing(method, exc)) as (transport, protocol, peer):
        peer.send(b"data") if method == "data_received" else peer.close()
        assert await protocol.lost() is exc
        assert protocol.calls == ["connection_made", method, "connection_lost"]
        context = errors.take_one()
        assert context["message"] == f"Fatal error: protocol.{method}() call failed."
        assert context["exception"] is exc
        assert context["transport"] is transport
        assert context["protocol"] is protocol
        assert transport.is_closing()


@pytest.mark.parametrize("kind", [OSError, ConnectionResetError, TimeoutError, BrokenPipeError])
async def test_an_os_error_of_a_callback_ends_the_connection_without_a_report(loop, kind):
    exc = kind("argument")
    async with transport_and_peer(loop, failing("data_received", exc)) as (_, protocol, peer):
        peer.send(b"data")
        assert await protocol.lost() is exc


@pytest.mark.parametrize("kind", [asyncio.CancelledError, GeneratorExit, StopIteration])
async def test_unusual_exceptions_of_a_callback_end_the_connection_like_any_other(loop, errors, kind):
    exc = kind()
    async with transport_and_peer(loop, failing("data_received", exc)) as (_, protocol, peer):
        peer.send(b"data")
        assert await protocol.lost() is exc
        assert errors.take_one()["exception"] is exc


async def test_a_failing_connection_lost_is_reported_and_the_socket_is_closed(loop, errors):
    exc = LookupError("argument")
    ours, theirs = tcp_pair()
    async with transport_and_peer(
        loop, failing("connection_lost", exc), pair=lambda: (ours, theirs)
    ) as found:
        transport, protocol, peer = found
        transport.close()
        await protocol.lost()
        await asyncio.sleep(0)
        assert errors.take_one()["exception"] is exc
        assert ours.fileno() == -1
        assert await loop.sock_recv(peer, 100) == b""


async def test_data_that_waits_is_dropped_when_a_callback_fails(loop, errors):
    async with transport_and_peer(loop, failing("data_received", LookupError())) as (
        transport,
        protocol,
        peer,
    ):
        transport.write(bytes(64 << 20))
        assert transport.get_write_buffer_size() > 0
        peer.send(b"data")
        assert isinstance(await protocol.lost(), LookupError)
        assert transport.get_write_buffer_size() == 0
        errors.take_one()


async def test_a_callback_that_closes_and_fails_ends_the_connection_once(loop, errors):
    exc = LookupError("argument")

    class Protocol(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.close()
            raise exc

    async with transport_and_peer(loop, Protocol()) as (_, protocol, peer):
        peer.send(b"data")
        assert await protocol.lost() is None
        await asyncio.sleep(0)
        assert protocol.calls == ["connection_made", "data_received", "connection_lost"]
        assert errors.take_one()["exception"] is exc


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("method", ["data_received", "eof_received", "connection_lost", "buffer_updated"])
def test_interrupts_leave_the_loop_and_other_connections_go_on(loop, kind, method):
    exc = kind("argument")
    protocol = failing(method, exc, Buffered if method == "buffer_updated" else Recorder, times=1)
    with socket_pair() as (ours, theirs), socket_pair() as (ours2, theirs2):

        async def connect():
            await loop.create_connection(lambda: protocol, sock=ours)
            return await loop.create_connection(Recorder, sock=ours2)

        transport2, protocol2 = loop.run_until_complete(connect())
        theirs2.send(b"data")
        if method in ("data_received", "buffer_updated"):
            theirs.send(b"data")
        elif method == "eof_received":
            theirs.close()
        else:
            protocol.transport.close()
        with pytest.raises(kind) as caught:
            loop.run_forever()
        assert caught.value is exc
        assert loop.run_until_complete(protocol2.got(4)) == b"data"
        assert method in protocol.calls
        protocol.transport.abort()
        transport2.close()
        theirs.close()
        loop.run_until_complete(protocol2.lost())
        turns(loop, 3)
        assert ours.fileno() == -1


async def test_a_protocol_that_lacks_methods_is_reported_and_closed(loop, errors):
    class Bare:
        def connection_made(self, transport):
            pass

    ours, theirs = tcp_pair()
    with theirs:
        transport, _ = await loop.create_connection(Bare, sock=ours)
        theirs.send(b"data")
        assert await loop.sock_recv(theirs, 100) == b""
        assert [type(context["exception"]) for context in errors.take()] == [AttributeError] * 2
        assert transport.is_closing()


async def test_a_protocol_need_not_inherit_from_anything(loop):
    class Duck:
        def __init__(self):
            self.recorder = Recorder()

        def __getattr__(self, name):
            return getattr(self.recorder, name)

    duck = Duck()
    ours, theirs = tcp_pair()
    with theirs:
        transport, protocol = await loop.create_connection(lambda: duck, sock=ours)
        assert protocol is duck
        theirs.send(b"data")
        assert await duck.recorder.got(4) == b"data"
        transport.close()
        await duck.recorder.lost()


async def test_the_methods_of_a_protocol_may_change_while_it_is_connected(loop):
    async with transport_and_peer(loop) as (_, protocol, peer):
        peer.send(b"one")
        await protocol.got(3)
        later = Recorder()
        protocol.data_received = later.data_received
        peer.send(b"two")
        assert await later.got(3) == b"two"
        assert protocol.received == b"one"
