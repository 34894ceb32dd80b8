"""create_datagram_endpoint(): what its transport is, knows and delivers."""

import asyncio
import gc
import socket
import struct
import sys
import weakref

import pytest

from tests.harness import PY, turn
from tests.io.datagram.endpoints import Datagrams, datagram_socket, endpoint, endpoint_and_peer, received


async def test_a_datagram_arrives_with_its_sender_s_address(loop):
    async with endpoint(loop) as (_, protocol):
        with datagram_socket() as peer:
            peer.sendto(b"data", protocol.transport.get_extra_info("sockname"))
            await protocol.arrived(1)
            assert protocol.datagrams == [(b"data", peer.getsockname())]


async def test_requests_are_answered_to_whoever_asked(loop):
    class Echo(Datagrams):
        def datagram_received(self, data, addr):
            self.transport.sendto(data.upper(), addr)

    async with endpoint(loop, protocol=Echo) as (transport, _):
        address = transport.get_extra_info("sockname")
        async with endpoint(loop, remote_addr=address) as (left, one):
            async with endpoint(loop, remote_addr=address) as (right, two):
                for number in range(20):
                    left.sendto(b"one%d" % number)
                    right.sendto(b"two%d" % number)
                assert await one.arrived(20) == [b"ONE%d" % number for number in range(20)]
                assert await two.arrived(20) == [b"TWO%d" % number for number in range(20)]
                assert one.datagrams[0][1] == address


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
async def test_ipv6_addresses_have_four_parts(loop):
    async with endpoint(loop, local_addr=("::1", 0)) as (transport, protocol):
        name = transport.get_extra_info("sockname")
        with datagram_socket(("::1", 0), socket.AF_INET6) as peer:
            peer.sendto(b"data", name)
            await protocol.arrived(1)
            assert protocol.datagrams == [(b"data", peer.getsockname())]
            assert peer.getsockname()[2:] == (0, 0)
            for address in (peer.getsockname(), peer.getsockname()[:3], peer.getsockname()[:2]):
                transport.sendto(b"answer", address)
                assert await loop.sock_recvfrom(peer, 100) == (b"answer", name)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
async def test_an_ipv4_sender_has_a_mapped_address_on_an_ipv6_socket(loop):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", 0))
    async with endpoint(loop, sock=sock) as (transport, protocol):
        with datagram_socket() as peer:
            peer.sendto(b"data", ("127.0.0.1", sock.getsockname()[1]))
            await protocol.arrived(1)
            address = ("::ffff:127.0.0.1", peer.getsockname()[1], 0, 0)
            assert protocol.datagrams == [(b"data", address)]
            transport.sendto(b"answer", address)
            assert await received(loop, peer) == [b"answer"]


async def test_isinstance_says_that_it_is_asyncio_s(loop):
    async with endpoint(loop) as (transport, _):
        assert isinstance(transport, asyncio.BaseTransport)
        assert isinstance(transport, asyncio.Transport)
        if PY >= (3, 12):
            assert isinstance(transport, asyncio.DatagramTransport)
        assert not isinstance(transport, asyncio.SubprocessTransport)


@pytest.mark.ferrio_only
async def test_it_is_a_datagram_transport_on_every_version(loop):
    async with endpoint(loop) as (transport, _):
        assert isinstance(transport, asyncio.DatagramTransport)


async def test_what_is_known_of_an_endpoint(loop):
    async with endpoint_and_peer(loop) as (transport, _, peer):
        sock = transport.get_extra_info("socket")
        assert sock.type == socket.SOCK_DGRAM
        assert transport.get_extra_info("sockname") == sock.getsockname()
        assert transport.get_extra_info("peername") == peer.getsockname()
        assert transport.get_extra_info("cipher") is None
        assert transport.get_extra_info("cipher", "none") == "none"


async def test_an_endpoint_without_a_peer_has_no_peername(loop):
    async with endpoint(loop) as (transport, _):
        assert transport.get_extra_info("peername", "default") is None


async def test_the_representation_tells_its_state(loop):
    async with endpoint(loop) as (transport, protocol):
        await asyncio.sleep(0)
        text = repr(transport)
        fd = transport.get_extra_info("socket").fileno()
        assert f"fd={fd}" in text
        assert "read=polling write=<idle, bufsize=0>" in text
        transport.close()
        assert "closing" in repr(transport)
        await protocol.lost()
        await asyncio.sleep(0)
        assert "closed" in repr(transport)


async def test_the_waiter_is_woken_after_connection_made(loop):
    async with endpoint(loop) as (transport, protocol):
        assert protocol.calls == ["connection_made"]
        assert protocol.transport is transport


async def test_nothing_is_delivered_before_connection_made(loop):
    with datagram_socket() as peer:
        sock = datagram_socket()
        peer.sendto(b"early", sock.getsockname())
        async with endpoint(loop, sock=sock) as (_, protocol):
            await protocol.arrived(1)
            assert protocol.calls == ["connection_made", "datagram_received"]


async def test_empty_datagrams_arrive(loop):
    async with endpoint_and_peer(loop) as (transport, protocol, peer):
        address = transport.get_extra_info("sockname")
        for data in (b"", b"between", b""):
            peer.sendto(data, address)
        assert await protocol.arrived(3) == [b"", b"between", b""]


async def test_a_datagram_that_somebody_else_has_received_is_none(loop):
    """The socket is ready when the poll returns, and not any more when its turn comes."""
    async with endpoint(loop) as (transport, protocol):
        sock = transport.get_extra_info("socket")
        with sock.dup() as thief, datagram_socket() as peer:
            thief.setblocking(False)
            peer.sendto(b"stolen", sock.getsockname())
            loop.call_soon(thief.recv, 100)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert protocol.calls == ["connection_made"]
            peer.sendto(b"left alone", sock.getsockname())
            assert await protocol.arrived(1) == [b"left alone"]


async def test_the_largest_datagram_arrives_whole(loop):
    async with endpoint_and_peer(loop) as (transport, protocol, peer):
        data = bytes(range(256)) * 255 + b"x" * (65507 - 256 * 255)
        peer.sendto(data, transport.get_extra_info("sockname"))
        assert await protocol.arrived(1) == [data]
        transport.sendto(data)
        assert await received(loop, peer) == [data]


async def test_another_protocol_takes_over_in_the_middle(loop):
    class Handover(Datagrams):
        def datagram_received(self, data, addr):
            super().datagram_received(data, addr)
            if data == b"3":
                self.transport.set_protocol(other)

    other = Datagrams()
    async with endpoint_and_peer(loop, protocol=Handover) as (transport, protocol, peer):
        assert transport.get_protocol() is protocol
        for number in range(40):
            peer.sendto(b"%d" % number, transport.get_extra_info("sockname"))
        assert await other.arrived(36) == [b"%d" % number for number in range(4, 40)]
        assert protocol.contents == [b"0", b"1", b"2", b"3"]
        assert transport.get_protocol() is other


async def test_an_exception_in_datagram_received_is_reported_and_nothing_is_lost(loop, errors):
    class Picky(Datagrams):
        def datagram_received(self, data, addr):
            super().datagram_received(data, addr)
            if len(self.datagrams) % 3 == 0:
                raise ValueError(data)

    async with endpoint_and_peer(loop, protocol=Picky) as (transport, protocol, peer):
        for number in range(30):
            peer.sendto(b"%d" % number, transport.get_extra_info("sockname"))
        assert await protocol.arrived(30) == [b"%d" % number for number in range(30)]
        await asyncio.sleep(0)
        assert not transport.is_closing()
    contexts = errors.take()
    assert [context["exception"].args[0] for context in contexts] == [b"%d" % n for n in range(2, 30, 3)]
    assert all(context["message"].startswith("Exception in callback") for context in contexts)


def test_an_interrupt_in_datagram_received_leaves_the_loop_and_loses_nothing(loop):
    class Interrupting(Datagrams):
        def datagram_received(self, data, addr):
            super().datagram_received(data, addr)
            if data in (b"10", b"11", b"29"):
                raise KeyboardInterrupt

    async def start():
        return await loop.create_datagram_endpoint(Interrupting, local_addr=("127.0.0.1", 0))

    transport, protocol = loop.run_until_complete(start())
    with datagram_socket() as peer:
        for number in range(30):
            peer.sendto(b"%d" % number, transport.get_extra_info("sockname"))
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            loop.run_forever()
    assert protocol.contents == [b"%d" % number for number in range(30)]
    transport.close()
    loop.run_until_complete(protocol.lost())
    turn(loop)


async def test_reading_can_be_paused_and_resumed_and_nothing_is_lost(loop):
    class Pausing(Datagrams):
        def datagram_received(self, data, addr):
            super().datagram_received(data, addr)
            if len(self.datagrams) in (9, 10, 25):
                self.transport.pause_reading()
                loop.call_soon(loop.call_soon, self.transport.resume_reading)

    async with endpoint_and_peer(loop, protocol=Pausing) as (transport, protocol, peer):
        assert transport.is_reading()
        for number in range(30):
            peer.sendto(b"%d" % number, transport.get_extra_info("sockname"))
        await protocol.arrived(9)
        assert not transport.is_reading()
        assert len(protocol.datagrams) == 9
        assert await protocol.arrived(30) == [b"%d" % number for number in range(30)]
        transport.resume_reading()


async def test_datagrams_are_delivered_in_one_context_that_is_the_creator_s(loop):
    import contextvars

    variable = contextvars.ContextVar("variable", default=0)

    class Counting(Datagrams):
        def datagram_received(self, data, addr):
            variable.set(variable.get() + 1)
            self.seen = variable.get()
            super().datagram_received(data, addr)

    variable.set(10)
    async with endpoint_and_peer(loop, protocol=Counting) as (transport, protocol, peer):
        for _ in range(20):
            peer.sendto(b"data", transport.get_extra_info("sockname"))
        await protocol.arrived(20)
        assert protocol.seen == 30
        assert variable.get() == 10


async def test_two_sockets_share_a_port(loop):
    async with endpoint(loop, local_addr=("127.0.0.1", 0), reuse_port=True) as (left, one):
        address = left.get_extra_info("sockname")
        async with endpoint(loop, local_addr=address, reuse_port=True) as (_, two):
            peers = [datagram_socket() for _ in range(50)]
            for peer in peers:
                peer.sendto(b"data", address)
                peer.close()
            while len(one.datagrams) + len(two.datagrams) < 50:
                await asyncio.sleep(0)


async def test_broadcasting_has_to_be_allowed(loop):
    async with endpoint(loop, local_addr=("127.0.0.1", 0), allow_broadcast=True) as (transport, _):
        sock = transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST) == 1
    async with endpoint(loop, local_addr=("0.0.0.0", 0)) as (transport, protocol):
        assert transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST) == 0
        transport.sendto(b"data", ("255.255.255.255", 9))
        (failure,) = protocol.failures
        assert isinstance(failure, PermissionError)


async def test_the_socket_of_a_transport_is_nobody_else_s(loop):
    async with endpoint(loop) as (transport, _):
        sock = transport.get_extra_info("socket")
        with pytest.raises(RuntimeError, match="is used by transport"):
            loop.add_reader(sock, print)
        with pytest.raises(RuntimeError, match="is used by transport"):
            await loop.sock_recvfrom(sock._sock, 100)


async def test_sendfile_and_start_tls_are_not_for_datagrams(loop, tmp_path):
    import ssl

    (tmp_path / "file").write_bytes(b"content")
    async with endpoint_and_peer(loop) as (transport, protocol, _):
        with open(tmp_path / "file", "rb") as file:
            with pytest.raises(RuntimeError, match="sendfile is not supported for transport"):
                await loop.sendfile(transport, file)
        with pytest.raises(TypeError, match="is not supported by start_tls"):
            await loop.start_tls(transport, protocol, ssl.create_default_context())


async def test_a_socket_of_a_subclass_is_used_by_its_methods(loop):
    class Shouting(socket.socket):
        def recvfrom(self, *args):
            data, address = super().recvfrom(*args)
            return data.upper(), address

        def sendto(self, data, *args):
            return super().sendto(data + b"!", *args)

    sock = Shouting(type=socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    async with endpoint(loop, sock=sock) as (transport, protocol):
        with datagram_socket() as peer:
            peer.sendto(b"data", sock.getsockname())
            assert await protocol.arrived(1) == [b"DATA"]
            transport.sendto(b"data", peer.getsockname())
            assert await received(loop, peer) == [b"data!"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="netlink is Linux's")
async def test_other_families_work_by_the_socket_s_own_methods(loop):
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 0)
    sock.bind((0, 0))
    sock.setblocking(False)
    async with endpoint(loop, sock=sock) as (transport, protocol):
        # A request of no known type, which the kernel (whose address is 0) answers with an error message.
        for number in range(1, 11):
            transport.sendto(struct.pack("=LHHLL", 16, 16, 5, number, 0), (0, 0))
            await protocol.arrived(number)
        assert {addr for _, addr in protocol.datagrams} == {(0, 0)}


async def test_endpoints_come_and_go_without_a_trace(loop):
    references = []
    for _ in range(50):
        async with endpoint_and_peer(loop) as (transport, protocol, peer):
            transport.sendto(b"data")
            peer.sendto(b"data", transport.get_extra_info("sockname"))
            await protocol.arrived(1)
            references += [weakref.ref(transport), weakref.ref(protocol)]
    del transport, protocol, peer
    await asyncio.sleep(0)
    gc.collect()
    assert not [reference for reference in references if reference() is not None]
