"""Datagram endpoints on Unix sockets: paths, abstract names, senders without a name."""

import os
import socket
import sys

import pytest

from tests.io.datagram.endpoints import datagram_socket, endpoint, received, unix_socket

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="abstract names are Linux's")


async def test_a_path_is_text(loop, tmp_path):
    path = str(tmp_path / "endpoint")
    async with endpoint(loop, family=socket.AF_UNIX, local_addr=path) as (transport, protocol):
        assert transport.get_extra_info("sockname") == path
        with unix_socket(str(tmp_path / "peer")) as peer:
            peer.sendto(b"data", path)
            await protocol.arrived(1)
            assert protocol.datagrams == [(b"data", str(tmp_path / "peer"))]
            transport.sendto(b"text", str(tmp_path / "peer"))
            transport.sendto(b"bytes", os.fsencode(tmp_path / "peer"))
            assert await received(loop, peer, 2) == [b"text", b"bytes"]


async def test_a_stale_path_is_replaced(loop, tmp_path):
    path = str(tmp_path / "endpoint")
    unix_socket(path).close()
    async with endpoint(loop, family=socket.AF_UNIX, local_addr=path) as (transport, _):
        assert transport.get_extra_info("sockname") == path


async def test_a_path_outside_ascii_is_in_the_encoding_of_file_names(loop, tmp_path):
    names = ["péer", os.fsdecode(b"peer-\xff")]
    async with endpoint(loop, family=socket.AF_UNIX, local_addr=str(tmp_path / "a")) as (transport, protocol):
        for number, name in enumerate(names, 1):
            path = str(tmp_path / name)
            with unix_socket(path) as peer:
                peer.sendto(b"data", str(tmp_path / "a"))
                await protocol.arrived(number)
                assert protocol.datagrams[-1] == (b"data", path)
                transport.sendto(b"answer", path)
                assert await received(loop, peer) == [b"answer"]


@linux_only
async def test_an_abstract_name_is_bytes(loop):
    name = b"\0ferrio-test-%d" % os.getpid()
    async with endpoint(loop, sock=unix_socket(name)) as (transport, protocol):
        assert transport.get_extra_info("sockname") == name
        for address in (b"\0ferrio-peer-%d" % os.getpid(), b"\0with\0zeros\0%d\0" % os.getpid()):
            with unix_socket(address) as peer:
                peer.sendto(b"data", name)
                await protocol.arrived(1)
                assert protocol.datagrams.pop() == (b"data", address)
                transport.sendto(b"answer", address)
                assert await received(loop, peer) == [b"answer"]
                transport.sendto(b"answer", address.decode())
                assert await received(loop, peer) == [b"answer"]


async def test_a_sender_without_a_name_has_no_address(loop, tmp_path):
    path = str(tmp_path / "endpoint")
    async with endpoint(loop, sock=unix_socket(path)) as (_, protocol):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
            for _ in range(20):
                peer.sendto(b"data", path)
                await protocol.arrived(1)
                assert protocol.datagrams.pop() == (b"data", None)


async def test_a_connected_endpoint(loop, tmp_path):
    with unix_socket(str(tmp_path / "peer")) as peer:
        options = {"local_addr": str(tmp_path / "a"), "remote_addr": str(tmp_path / "peer")}
        async with endpoint(loop, family=socket.AF_UNIX, **options) as (transport, protocol):
            assert transport.get_extra_info("peername") == str(tmp_path / "peer")
            transport.sendto(b"data")
            assert await loop.sock_recvfrom(peer, 100) == (b"data", str(tmp_path / "a"))
            peer.sendto(b"answer", str(tmp_path / "a"))
            assert await protocol.arrived(1) == [b"answer"]


@pytest.mark.parametrize("name", ["missing", "x" * 200])
async def test_a_path_that_does_not_work_is_the_protocol_s_error(loop, tmp_path, name):
    async with endpoint(loop, sock=unix_socket(str(tmp_path / "endpoint"))) as (transport, protocol):
        transport.sendto(b"data", str(tmp_path / name))
        (failure,) = protocol.failures
        assert isinstance(failure, OSError)
        assert not transport.is_closing()


async def test_an_address_of_another_family_ends_the_transport(loop, tmp_path, errors):
    async with endpoint(loop, sock=unix_socket(str(tmp_path / "endpoint"))) as (transport, protocol):
        with datagram_socket() as other:
            transport.sendto(b"data", other.getsockname())
        assert isinstance(await protocol.lost(), TypeError)
        errors.take_one()


async def test_a_datagram_larger_than_any_of_the_internet_arrives_whole(loop, tmp_path):
    data = os.urandom(150_000)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 400_000)
        path = str(tmp_path / "endpoint")
        async with endpoint(loop, sock=unix_socket(path)) as (_, protocol):
            for number in range(1, 11):
                peer.sendto(data, path)
                assert (await protocol.arrived(number))[-1] == data


@pytest.fixture
def nameless_pair():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with theirs:
        theirs.setblocking(False)
        yield ours, theirs


@pytest.mark.stock_bug(True, reason="a peer without a name counts as none")
async def test_a_connected_peer_without_a_name_is_sent_to(loop, nameless_pair):
    ours, theirs = nameless_pair
    async with endpoint(loop, sock=ours) as (transport, protocol):
        transport.sendto(b"data")
        transport.sendto(b"more", None)
        assert await received(loop, theirs, 2) == [b"data", b"more"]
        theirs.send(b"answer")
        assert await protocol.arrived(1) == [b"answer"]
        assert protocol.failures == []


@pytest.mark.stock_bug(True, reason="a peer without a name counts as none")
async def test_datagrams_wait_for_a_peer_without_a_name(loop, nameless_pair):
    ours, theirs = nameless_pair
    async with endpoint(loop, sock=ours) as (transport, protocol):
        sent = 0
        while not transport.get_write_buffer_size():
            transport.sendto(b"%d" % sent)
            sent += 1
        transport.sendto(b"last")
        assert await received(loop, theirs, sent + 1) == [*(b"%d" % i for i in range(sent)), b"last"]
        assert protocol.failures == []


async def test_a_connected_socket_can_send_to_others_than_a_peer_without_a_name(
    loop, tmp_path, nameless_pair
):
    ours, _ = nameless_pair
    async with endpoint(loop, sock=ours) as (transport, protocol):
        with unix_socket(str(tmp_path / "other")) as other:
            transport.sendto(b"data", str(tmp_path / "other"))
            assert await received(loop, other) == [b"data"]
        assert protocol.failures == []
