"""create_connection() and connect_accepted_socket(): making connections, and what is refused."""

import asyncio
import errno
import socket
import ssl

import pytest

from tests.harness import PY, Recorder, connect, descriptor_count, finish, serve, socket_pair, unused_port


@pytest.fixture
def address():
    """The address of a listener that lets connections wait in its queue."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()


async def test_it_returns_the_transport_and_the_protocol(loop, address):
    made = []

    def factory():
        made.append(Recorder())
        return made[-1]

    transport, protocol = await loop.create_connection(factory, *address)
    assert made == [protocol]
    assert protocol.transport is transport
    assert protocol.calls == ["connection_made"]
    assert isinstance(transport, asyncio.Transport)
    await finish(protocol)


async def test_it_returns_before_data_that_is_already_there_is_received(loop):
    with socket_pair() as (ours, theirs):
        theirs.send(b"early")
        transport, protocol = await loop.create_connection(Recorder, sock=ours)
        assert protocol.calls == ["connection_made"]
        await protocol.got(5)
        assert protocol.calls == ["connection_made", "data_received"]
        transport.close()
        await protocol.lost()


async def test_a_host_name_and_a_service_are_resolved(loop, address):
    _, protocol = await loop.create_connection(Recorder, "localhost", str(address[1]))
    assert protocol.transport.get_extra_info("peername")[1] == address[1]
    await finish(protocol)


async def test_an_address_is_not_resolved(loop, address, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", None)
    for host, port in (address, (address[0].encode(), address[1]), (address[0], str(address[1]))):
        await finish(await connect(loop, (host, port)))


async def test_ipv6_is_connected(loop):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        client = await connect(loop, listener.getsockname()[:2])
        assert client.transport.get_extra_info("peername") == listener.getsockname()
        await finish(client)


async def test_small_writes_are_not_held_back_by_the_kernel(loop, address):
    client = await connect(loop, address)
    sock = client.transport.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    await finish(client)


async def test_a_refused_connection_tells_the_address(loop):
    address = ("127.0.0.1", unused_port())
    with pytest.raises(ConnectionRefusedError) as caught:
        await connect(loop, address)
    assert caught.value.errno == errno.ECONNREFUSED
    assert str(caught.value) == f"[Errno {errno.ECONNREFUSED}] Connect call failed {address}"


def resolve_to(monkeypatch, *addresses):
    infos = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: infos)


async def test_the_addresses_of_a_name_are_tried_in_order(loop, address, monkeypatch):
    resolve_to(monkeypatch, ("127.0.0.1", unused_port()), ("127.0.0.1", unused_port()), address)
    client = await connect(loop, ("example", 80))
    assert client.transport.get_extra_info("peername") == address
    await finish(client)


async def test_several_failures_are_told_together(loop, monkeypatch):
    addresses = [("127.0.0.1", unused_port()), ("127.0.0.2", unused_port())]
    resolve_to(monkeypatch, *addresses)
    with pytest.raises(OSError) as caught:
        await connect(loop, ("example", 80))
    reasons = ", ".join(
        f"[Errno {errno.ECONNREFUSED}] Connect call failed {address}" for address in addresses
    )
    assert str(caught.value) == f"Multiple exceptions: {reasons}"


async def test_failures_of_one_kind_are_told_once(loop, monkeypatch):
    address = ("127.0.0.1", unused_port())
    resolve_to(monkeypatch, address, address)
    with pytest.raises(ConnectionRefusedError) as caught:
        await connect(loop, ("example", 80))
    assert str(caught.value).endswith(f"Connect call failed {address}")


@pytest.mark.skipif(PY < (3, 12), reason="new in 3.12")
async def test_all_errors_raises_a_group_with_every_failure(loop, monkeypatch):
    resolve_to(monkeypatch, ("127.0.0.1", unused_port()), ("127.0.0.2", unused_port()))
    with pytest.raises(ExceptionGroup, match="create_connection failed") as caught:
        await loop.create_connection(Recorder, "example", 80, all_errors=True)
    assert [type(exc) for exc in caught.value.exceptions] == [ConnectionRefusedError] * 2


async def test_a_name_without_addresses_is_an_os_error(loop, monkeypatch):
    resolve_to(monkeypatch)
    with pytest.raises(OSError, match=r"^getaddrinfo\(\) returned empty list$"):
        await connect(loop, ("example", 80))


async def test_a_local_address_is_bound(loop, address):
    port = unused_port()
    _, client = await loop.create_connection(Recorder, *address, local_addr=("127.0.0.1", port))
    assert client.transport.get_extra_info("sockname") == ("127.0.0.1", port)
    await finish(client)


async def test_a_local_address_in_use_tells_the_address_and_the_reason(loop, address):
    with pytest.raises(OSError, match="address already in use") as caught:
        await loop.create_connection(Recorder, *address, local_addr=address)
    assert caught.value.errno == errno.EADDRINUSE
    assert f"error while attempting to bind on address {address!r}: " in str(caught.value)


async def test_a_local_address_of_another_family_is_an_os_error(loop, address):
    with pytest.raises(OSError, match="no matching local address with family="):
        await loop.create_connection(Recorder, *address, local_addr=("::1", 0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"^host and port was not specified and no sock specified$"),
        ({"host": "h", "port": 1, "server_hostname": "h"}, r"^server_hostname is only meaningful with ssl$"),
        ({"host": "h", "ssl_handshake_timeout": 1.0}, r"^ssl_handshake_timeout is only meaningful with ssl$"),
        ({"host": "h", "ssl_shutdown_timeout": 1.0}, r"^ssl_shutdown_timeout is only meaningful with ssl$"),
        ({"port": 1, "ssl": True}, r"^You must set server_hostname when using ssl without a host$"),
    ],
)
async def test_options_that_do_not_fit_together_are_a_value_error(loop, options, message):
    with pytest.raises(ValueError, match=message):
        await loop.create_connection(Recorder, **options)


async def test_an_address_and_a_socket_are_a_value_error(loop):
    with socket_pair() as (ours, _):
        for options in ({"host": "127.0.0.1"}, {"port": 0}):
            with pytest.raises(
                ValueError, match=r"^host/port and sock can not be specified at the same time$"
            ):
                await loop.create_connection(Recorder, sock=ours, **options)


async def test_a_datagram_socket_is_a_value_error(loop):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        with pytest.raises(ValueError, match=r"^A Stream Socket was expected, got <socket"):
            await loop.create_connection(Recorder, sock=sock)
        with pytest.raises(ValueError, match=r"^A Stream Socket was expected, got <socket"):
            await loop.connect_accepted_socket(Recorder, sock)


async def test_an_ssl_socket_is_a_type_error(loop):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    with context.wrap_socket(socket.socket()) as sock:
        with pytest.raises(TypeError, match=r"^Socket cannot be of type SSLSocket$"):
            await loop.create_connection(Recorder, sock=sock)
        with pytest.raises(TypeError, match=r"^Socket cannot be of type SSLSocket$"):
            await loop.connect_accepted_socket(Recorder, sock)
        with pytest.raises(TypeError, match=r"^Socket cannot be of type SSLSocket$"):
            await loop.create_server(Recorder, sock=sock)


async def test_a_connected_socket_is_used_and_made_non_blocking(loop):
    with socket_pair() as (ours, theirs):
        ours.settimeout(10)
        transport, protocol = await loop.create_connection(Recorder, sock=ours)
        assert ours.gettimeout() == 0
        theirs.send(b"data")
        await protocol.got(4)
        transport.close()
        await protocol.lost()
        await asyncio.sleep(0)
        assert ours.fileno() == -1


async def test_an_accepted_socket_is_used(loop, address):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as peer:
            accepted, _ = listener.accept()
            transport, protocol = await loop.connect_accepted_socket(Recorder, accepted)
            assert transport.get_extra_info("peername") == peer.getsockname()
            peer.sendall(b"data")
            assert await protocol.got(4) == b"data"
            await finish(protocol)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the standard library's
async def test_the_error_of_a_factory_is_raised_and_the_connection_dropped(loop):
    server, made, address = await serve(loop)

    def factory():
        raise LookupError("argument")

    with pytest.raises(LookupError, match="argument"):
        await loop.create_connection(factory, *address)
    await made.connected(1)
    assert await made[0].lost() is None
    server.close()
    await server.wait_closed()


async def test_a_connection_that_fails_or_is_cancelled_leaks_no_descriptor(loop, address):
    await finish(await connect(loop, address))
    await asyncio.sleep(0)
    before = descriptor_count()
    refused = ("127.0.0.1", unused_port())
    for iterations in range(8):
        with pytest.raises(ConnectionRefusedError):
            await connect(loop, refused)
        task = loop.create_task(connect(loop, address))
        for _ in range(iterations):
            await asyncio.sleep(0)
        if not task.cancel():
            await finish(task.result())
        else:
            with pytest.raises(asyncio.CancelledError):
                await task
        for _ in range(3):
            await asyncio.sleep(0)
    assert descriptor_count() == before
