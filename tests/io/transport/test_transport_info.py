"""The stream transport as an object: what it tells about itself, its protocol, and attributes of others."""

import asyncio
import gc
import os
import socket
import weakref

import pytest

from tests.harness import (
    Recorder,
    reset,
    socket_pair,
    tcp_pair,
    transport_and_peer,
)


async def test_extra_info_names_the_socket_and_both_addresses(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        assert transport.get_extra_info("sockname") == peer.getpeername()
        assert transport.get_extra_info("peername") == peer.getsockname()
        sock = transport.get_extra_info("socket")
        assert isinstance(sock, asyncio.trsock.TransportSocket)
        assert sock.getsockname() == peer.getpeername()
        number = sock.fileno()
        transport.close()
        await protocol.lost()
        assert number >= 0
        assert transport.get_extra_info("sockname") == peer.getpeername()
        assert transport.get_extra_info("peername") == peer.getsockname()


async def test_extra_info_without_an_answer_is_the_default(loop):
    marker = object()
    async with transport_and_peer(loop) as (transport, _, _):
        assert transport.get_extra_info("no such name") is None
        assert transport.get_extra_info("no such name", marker) is marker
        assert transport.get_extra_info("no such name", default=marker) is marker
        assert transport.get_extra_info("sslcontext") is None
        assert transport.get_extra_info("cipher") is None


async def test_a_unix_socket_pair_has_empty_addresses(loop):
    async with transport_and_peer(loop, pair=socket.socketpair) as (transport, _, _):
        assert transport.get_extra_info("sockname") == ""
        assert transport.get_extra_info("peername") == ""


async def test_a_peer_that_is_gone_already_has_no_name(loop):
    ours, theirs = tcp_pair()
    reset(theirs)
    transport, protocol = await loop.create_connection(Recorder, sock=ours)
    assert transport.get_extra_info("peername") is None
    assert isinstance(await protocol.lost(), ConnectionResetError)


async def test_the_protocol_can_be_asked_for_and_changed(loop):
    second = Recorder()

    class First(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.set_protocol(second)

    async with transport_and_peer(loop, First()) as (transport, first, peer):
        assert transport.get_protocol() is first
        peer.send(b"one")
        await first.got(3)
        assert transport.get_protocol() is second
        peer.send(b"two")
        assert await second.got(3) == b"two"
        peer.close()
        await second.lost()
        assert first.calls == ["connection_made", "data_received"]
        assert second.calls == ["data_received", "eof_received", "connection_lost"]


async def test_a_transport_takes_attributes_and_can_be_referenced_weakly(loop):
    async with transport_and_peer(loop) as (transport, _, _):
        transport.some_library = "its mark"
        assert transport.some_library == "its mark"
        assert weakref.ref(transport)() is transport
        assert {transport: 1}[transport] == 1


async def test_the_repr_tells_the_state(loop):
    async with transport_and_peer(loop) as (transport, protocol, _):
        number = transport.get_extra_info("socket").fileno()
        assert f"fd={number} read=polling write=<idle, bufsize=0>" in repr(transport)
        transport.pause_reading()
        assert f"fd={number} read=idle write=<idle, bufsize=0>" in repr(transport)
        transport.close()
        assert f" closing fd={number} " in repr(transport)
        await protocol.lost()
        await asyncio.sleep(0)
        assert f" closed fd={number}" in repr(transport)


def test_a_transport_dropped_without_close_warns_and_closes_its_socket(loop):
    def drop(protocol):
        protocol.transport = None
        gc.collect()

    with socket_pair() as (ours, theirs):
        number = ours.fileno()
        _, protocol = loop.run_until_complete(loop.create_connection(Recorder, sock=ours))
        _ = None
        loop.close()
        with pytest.warns(ResourceWarning, match=rf"^unclosed transport <.* fd={number}\b"):
            drop(protocol)
        assert ours.fileno() == -1
        assert theirs.recv(100) == b""
        with pytest.raises(OSError):
            os.fstat(number)
