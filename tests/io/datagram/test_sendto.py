"""DatagramTransport.sendto(): addresses, errors, what is sent at once."""

import asyncio
import socket

import pytest

from tests.harness import PY
from tests.io.datagram.endpoints import Datagrams, datagram_socket, endpoint, endpoint_and_peer, received


@pytest.mark.parametrize(
    "data", [b"data", bytearray(b"data"), memoryview(b"data"), memoryview(b"XdataX")[1:5]]
)
async def test_bytes_like_objects_are_sent_at_once(loop, data):
    async with endpoint_and_peer(loop) as (transport, _, peer):
        transport.sendto(data)
        assert peer.recv(100) == b"data"
        assert transport.get_write_buffer_size() == 0


@pytest.mark.parametrize("data", ["text", None, 1, [b"x"]])
async def test_other_objects_are_refused(loop, data):
    async with endpoint_and_peer(loop) as (transport, _, _):
        name = type(data).__name__
        with pytest.raises(TypeError, match=f"^data argument must be a bytes-like object, not '{name}'$"):
            transport.sendto(data)


async def test_empty_datagrams_are_sent_since_python_3_13(loop):
    async with endpoint_and_peer(loop) as (transport, _, peer):
        transport.sendto(b"")
        transport.sendto(b"next")
        assert await received(loop, peer) == ([b""] if PY >= (3, 13) else [b"next"])


async def test_a_connected_endpoint_takes_its_own_address_or_none(loop):
    async with endpoint_and_peer(loop) as (transport, _, peer):
        host, port = peer.getsockname()
        for address in (None, (host, port), (*peer.getsockname(),)):
            transport.sendto(b"data", address)
            assert await received(loop, peer) == [b"data"]
        transport.sendto(addr=None, data=b"by name")
        assert await received(loop, peer) == [b"by name"]


@pytest.mark.parametrize("address", [("127.0.0.1", 1), "path", ()])
async def test_a_connected_endpoint_refuses_any_other_address(loop, address):
    async with endpoint_and_peer(loop) as (transport, _, peer):
        with pytest.raises(ValueError, match=r"^Invalid address: must be None or \('127.0.0.1', ") as caught:
            transport.sendto(b"data", address)
        assert str(caught.value) == f"Invalid address: must be None or {peer.getsockname()}"
        assert not transport.is_closing()


async def test_an_unconnected_endpoint_sends_anywhere(loop):
    async with endpoint(loop) as (transport, _):
        with datagram_socket() as one, datagram_socket() as two:
            for _ in range(3):
                transport.sendto(b"one", one.getsockname())
                transport.sendto(b"two", two.getsockname())
            assert await received(loop, one, 3) == [b"one"] * 3
            assert await received(loop, two, 3) == [b"two"] * 3


async def test_an_endpoint_with_broadcast_is_not_connected_but_has_its_address(loop):
    with datagram_socket() as peer:
        options = {"remote_addr": peer.getsockname(), "allow_broadcast": True}
        async with endpoint(loop, **options) as (transport, _):
            assert transport.get_extra_info("peername") is None
            transport.sendto(b"data")
            assert await received(loop, peer) == [b"data"]
            with pytest.raises(ValueError, match="Invalid address"):
                transport.sendto(b"data", ("127.0.0.1", 1))


async def test_a_connected_socket_that_was_given_ignores_addresses(loop):
    with datagram_socket() as peer, datagram_socket() as other:
        sock = datagram_socket()
        sock.connect(peer.getsockname())
        async with endpoint(loop, sock=sock) as (transport, _):
            transport.sendto(b"one")
            transport.sendto(b"two", other.getsockname())
            assert await received(loop, peer, 2) == [b"one", b"two"]


@pytest.mark.parametrize("host", ["localhost", "127.1", "<broadcast>", ""])
async def test_hosts_that_are_not_plain_figures_are_the_socket_s_to_resolve(loop, host):
    async with endpoint(loop, local_addr=("127.0.0.1", 0)) as (transport, protocol):
        with datagram_socket() as peer:
            transport.sendto(b"data", (host, peer.getsockname()[1]))
            if host == "<broadcast>":
                assert isinstance(protocol.failures[0], PermissionError)
            else:
                assert await received(loop, peer) == [b"data"]
        assert not transport.is_closing()


@pytest.mark.parametrize(
    "address",
    [None, "text", ("127.0.0.1",), ("127.0.0.1", "1"), ("127.0.0.1", 70000), (1, 1), ("127.0.0.1", 1, 2)],
)
async def test_an_address_that_is_none_ends_the_transport(loop, errors, address):
    async with endpoint(loop) as (transport, protocol):
        transport.sendto(b"data", address)
        reason = await protocol.lost()
        assert isinstance(reason, (TypeError, OverflowError))
        context = errors.take_one()
        assert context["message"] == "Fatal write error on datagram transport"
        assert context["exception"] is reason


async def test_a_list_is_no_address(loop, errors):
    async with endpoint(loop) as (transport, protocol):
        transport.sendto(b"data", ["127.0.0.1", 9])
        assert isinstance(await protocol.lost(), TypeError)
        errors.take_one()


async def test_a_datagram_that_is_too_long_is_the_protocol_s_error(loop):
    async with endpoint_and_peer(loop) as (transport, protocol, peer):
        transport.sendto(b"x" * 70000)
        (failure,) = protocol.failures
        assert isinstance(failure, OSError)
        transport.sendto(b"fits")
        assert await received(loop, peer) == [b"fits"]


async def test_a_peer_that_is_not_there_is_the_protocol_s_error(loop):
    with datagram_socket() as nobody:
        address = nobody.getsockname()
    async with endpoint(loop, remote_addr=address) as (transport, protocol):
        transport.sendto(b"data")
        await protocol.called("error_received")
        (failure,) = protocol.failures
        assert isinstance(failure, ConnectionRefusedError)
        assert failure.errno is not None
        assert not transport.is_closing()
        with datagram_socket(address) as peer:
            transport.sendto(b"data")
            assert await received(loop, peer) == [b"data"]


async def test_an_error_may_also_come_with_the_next_datagram(loop):
    with datagram_socket() as nobody:
        address = nobody.getsockname()
    async with endpoint(loop, remote_addr=address) as (transport, protocol):
        transport.sendto(b"one")
        transport.sendto(b"two")
        assert [type(failure) for failure in protocol.failures] == [ConnectionRefusedError]


async def test_an_exception_in_error_received_reaches_who_sends(loop):
    class Failing(Datagrams):
        def error_received(self, exc):
            raise ValueError("error_received") from exc

    async with endpoint_and_peer(loop, protocol=Failing) as (transport, _, _):
        with pytest.raises(ValueError, match="error_received"):
            transport.sendto(b"x" * 70000)
        assert not transport.is_closing()


async def test_an_exception_in_error_received_while_reading_is_reported(loop, errors):
    class Failing(Datagrams):
        def error_received(self, exc):
            super().error_received(exc)
            raise ValueError("error_received")

    with datagram_socket() as nobody:
        address = nobody.getsockname()
    async with endpoint(loop, remote_addr=address, protocol=Failing) as (transport, protocol):
        transport.sendto(b"data")
        await protocol.called("error_received")
        await asyncio.sleep(0)
        assert not transport.is_closing()
    assert str(errors.take_one()["exception"]) == "error_received"


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
@pytest.mark.parametrize("address", [("::1", 9, 1 << 20, 0), ("::1", 9, 0, 0, 0), ("::1", 9, "0")])
async def test_an_ipv6_address_that_is_none_ends_the_transport(loop, errors, address):
    async with endpoint(loop, local_addr=("::1", 0)) as (transport, protocol):
        transport.sendto(b"data", address)
        assert isinstance(await protocol.lost(), (TypeError, OverflowError))
        errors.take_one()
