"""create_server(): what it can be told to listen on, and what it refuses."""

import errno
import socket

import pytest

from tests.harness import PY, Recorder

IP4, IP6 = socket.AF_INET, socket.AF_INET6


async def families(loop, *args, **options):
    """The families and addresses that a server listens on, after each has accepted a connection."""
    made = []

    def factory():
        made.append(Recorder())
        return made[-1]

    async with await loop.create_server(factory, *args, **options) as server:
        found = []
        for sock in server.sockets:
            address = sock.getsockname()
            found.append((sock.family, address[0]))
            host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])
            _, client = await loop.create_connection(Recorder, host, address[1])
            client.transport.close()
            await client.lost()
            await made[-1].lost()
        assert len(made) == len(server.sockets)
    return sorted(found)


@pytest.mark.parametrize("host", [None, ""])
async def test_no_host_means_every_interface_of_both_families(loop, host):
    assert await families(loop, host, 0) == [(IP4, "0.0.0.0"), (IP6, "::")]


async def test_a_family_restricts_it(loop):
    assert await families(loop, None, 0, family=IP4) == [(IP4, "0.0.0.0")]
    assert await families(loop, "", 0, family=IP6) == [(IP6, "::")]


async def test_a_host_is_an_address_or_a_name(loop):
    assert await families(loop, "127.0.0.1", 0) == [(IP4, "127.0.0.1")]
    assert await families(loop, "::1", 0) == [(IP6, "::1")]
    assert (IP4, "127.0.0.1") in await families(loop, "localhost", 0)


async def test_several_hosts_make_several_sockets(loop):
    assert await families(loop, ["127.0.0.1", "::1"], 0) == [(IP4, "127.0.0.1"), (IP6, "::1")]
    assert await families(loop, ("127.0.0.2", "127.0.0.1"), 0) == [(IP4, "127.0.0.1"), (IP4, "127.0.0.2")]


async def test_a_host_named_twice_is_bound_once(loop):
    assert await families(loop, ["127.0.0.1", "127.0.0.1"], 0) == [(IP4, "127.0.0.1")]


async def test_the_port_may_be_text_or_the_name_of_a_service(loop):
    assert await families(loop, "127.0.0.1", "0") == [(IP4, "127.0.0.1")]


async def test_a_port_zero_is_one_that_was_free(loop):
    async with await loop.create_server(Recorder, "127.0.0.1", 0) as one:
        async with await loop.create_server(Recorder, "127.0.0.1", 0) as two:
            ports = {server.sockets[0].getsockname()[1] for server in (one, two)}
            assert len(ports) == 2
            assert 0 not in ports


async def test_a_socket_that_is_bound_is_used(loop):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(10)
        address = sock.getsockname()
        assert await families(loop, sock=sock) == [(IP4, "127.0.0.1")]
        assert sock.fileno() == -1
    with socket.create_server(address):
        pass


async def test_a_socket_that_listens_already_is_used(loop):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        assert await families(loop, sock=sock) == [(IP4, "127.0.0.1")]


async def test_the_socket_is_made_non_blocking(loop):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        async with await loop.create_server(Recorder, sock=sock):
            assert sock.gettimeout() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"^Neither host/port nor sock were specified$"),
        ({"ssl_handshake_timeout": 1.0}, r"^ssl_handshake_timeout is only meaningful with ssl$"),
        ({"ssl_shutdown_timeout": 1.0}, r"^ssl_shutdown_timeout is only meaningful with ssl$"),
    ],
)
async def test_options_that_do_not_fit_together_are_a_value_error(loop, options, message):
    with pytest.raises(ValueError, match=message):
        await loop.create_server(Recorder, **options)


async def test_an_address_and_a_socket_are_a_value_error(loop):
    with socket.socket() as sock:
        for options in ({"host": "127.0.0.1"}, {"port": 0}, {"host": "127.0.0.1", "port": 0}):
            with pytest.raises(
                ValueError, match=r"^host/port and sock can not be specified at the same time$"
            ):
                await loop.create_server(Recorder, sock=sock, **options)


async def test_a_datagram_socket_is_a_value_error(loop):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        with pytest.raises(ValueError, match=r"^A Stream Socket was expected, got <socket"):
            await loop.create_server(Recorder, sock=sock)


@pytest.mark.parametrize("ssl", [True, False])
async def test_a_flag_instead_of_an_ssl_context_is_a_type_error(loop, ssl):
    with pytest.raises(TypeError, match=r"^ssl argument must be an SSLContext or None$"):
        await loop.create_server(Recorder, "127.0.0.1", 0, ssl=ssl)


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
async def test_a_port_in_use_tells_the_address_and_the_reason(loop, ip):
    family = IP6 if ":" in ip else IP4
    with socket.create_server((ip, 0), family=family) as taken:
        address = taken.getsockname()
        with pytest.raises(OSError, match="address already in use") as caught:
            await loop.create_server(Recorder, ip, address[1])
    assert caught.value.errno == errno.EADDRINUSE
    prefix = f"error while attempting to bind on address {address!r}: "
    reason = f"[errno {errno.EADDRINUSE}] " if PY >= (3, 13) else ""
    assert caught.value.strerror == f"{prefix}{reason}address already in use"


async def test_a_port_in_use_closes_the_sockets_that_were_bound_before(loop):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="already in use"):
            await loop.create_server(Recorder, ["127.0.0.2", "127.0.0.1", "127.0.0.3"], port)


async def test_an_address_that_is_not_ours_is_an_os_error(loop):
    with pytest.raises(OSError) as caught:
        await loop.create_server(Recorder, "192.0.2.1", 0)
    if PY >= (3, 13):
        assert str(caught.value) == "could not bind on any address out of [('192.0.2.1', 0)]"
    else:
        assert caught.value.errno == errno.EADDRNOTAVAIL


async def test_a_name_without_addresses_is_an_os_error(loop, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: [])
    with pytest.raises(OSError, match=r"^getaddrinfo\('example'\) returned empty list$"):
        await loop.create_server(Recorder, "example", 0)


async def test_a_name_that_cannot_be_resolved_is_a_gaierror(loop):
    with pytest.raises(socket.gaierror):
        await loop.create_server(Recorder, "not a number", 0, flags=socket.AI_NUMERICHOST)


def option(server, name, level=socket.SOL_SOCKET):
    return server.sockets[0].getsockopt(level, name)


async def test_addresses_are_reused_unless_told_otherwise(loop):
    async with await loop.create_server(Recorder, "127.0.0.1", 0) as server:
        assert option(server, socket.SO_REUSEADDR)
    async with await loop.create_server(Recorder, "127.0.0.1", 0, reuse_address=False) as server:
        assert not option(server, socket.SO_REUSEADDR)


async def test_a_port_can_be_shared_by_two_servers(loop):
    async with await loop.create_server(Recorder, "127.0.0.1", 0, reuse_port=True) as one:
        port = one.sockets[0].getsockname()[1]
        async with await loop.create_server(Recorder, "127.0.0.1", port, reuse_port=True) as two:
            assert option(one, socket.SO_REUSEPORT)
            assert option(two, socket.SO_REUSEPORT)
        with pytest.raises(OSError, match="already in use"):
            await loop.create_server(Recorder, "127.0.0.1", port)


@pytest.mark.skipif(PY < (3, 13), reason="new in 3.13")
async def test_keep_alive_is_set_if_asked_for(loop):
    async with await loop.create_server(Recorder, "127.0.0.1", 0, keep_alive=True) as server:
        assert option(server, socket.SO_KEEPALIVE)
    async with await loop.create_server(Recorder, "127.0.0.1", 0) as server:
        assert not option(server, socket.SO_KEEPALIVE)


async def test_an_ipv6_socket_does_not_listen_for_ipv4(loop):
    async with await loop.create_server(Recorder, "::", 0) as server:
        assert option(server, socket.IPV6_V6ONLY, socket.IPPROTO_IPV6)


async def test_the_backlog_is_what_listen_is_told(loop):
    async with await loop.create_server(Recorder, "127.0.0.1", 0, backlog=1) as server:
        address = server.sockets[0].getsockname()
        _, client = await loop.create_connection(Recorder, *address)
        client.transport.close()
        await client.lost()


async def test_only_the_first_three_arguments_may_be_positional(loop):
    with pytest.raises(TypeError):
        await loop.create_server(Recorder, "127.0.0.1", 0, IP4)
