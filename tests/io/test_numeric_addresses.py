"""Addresses in figures: which are taken as they are, and which are still the resolver's business."""

import socket

import pytest

from tests.harness import Made, Recorder, finish


class Asked(Exception):
    """The resolver was asked."""


@pytest.fixture
def resolver(monkeypatch):
    """A resolver that must not be asked, or whose being asked a test expects."""

    def ask(*args, **kwargs):
        raise Asked(args)

    monkeypatch.setattr(socket, "getaddrinfo", ask)


@pytest.mark.parametrize("host", ["127.0.0.1", b"127.0.0.1"])
@pytest.mark.parametrize("port", [int, str, lambda port: str(port).encode()], ids=["int", "str", "bytes"])
async def test_a_client_takes_figures_of_every_type(loop, resolver, host, port):
    made = Made()
    async with await loop.create_server(made, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        _, client = await loop.create_connection(Recorder, host, port(address[1]))
        await made.connected(1)
        assert client.transport.get_extra_info("peername") == address
        await finish(client, *made)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
@pytest.mark.parametrize("family", [0, socket.AF_INET6])
async def test_ipv6_figures_are_taken_too(loop, resolver, family):
    made = Made()
    async with await loop.create_server(made, "::1", 0, family=family) as server:
        port = server.sockets[0].getsockname()[1]
        _, client = await loop.create_connection(Recorder, "::1", port, family=family)
        await made.connected(1)
        assert client.transport.get_extra_info("peername") == ("::1", port, 0, 0)
        await finish(client, *made)


@pytest.mark.parametrize("port", [None, "", b"", 0, "0"])
async def test_a_server_s_port_that_is_missing_is_any(loop, resolver, port):
    async with await loop.create_server(Recorder, "127.0.0.1", port) as server:
        host, number = server.sockets[0].getsockname()
        assert host == "127.0.0.1"
        assert number > 0


async def test_the_local_address_is_taken_too(loop, resolver):
    made = Made()
    async with await loop.create_server(made, "127.0.0.1", 0) as server:
        _, client = await loop.create_connection(
            Recorder, *server.sockets[0].getsockname(), local_addr=("127.0.0.2", 0)
        )
        await made.connected(1)
        assert client.transport.get_extra_info("sockname")[0] == "127.0.0.2"
        await finish(client, *made)


@pytest.mark.parametrize(
    ("host", "port", "family"),
    [
        ("localhost", 80, 0),
        ("127.0.0.1", "http", 0),
        ("127.0.0.1", b"http", 0),
        ("::1%lo", 80, 0),
        ("127.0.0.1", 80, socket.AF_INET6),
        ("::1", 80, socket.AF_INET),
        ("127.1", 80, 0),
        ("127.0.0.1 ", 80, 0),
        (None, 80, 0),
    ],
)
@pytest.mark.parametrize("method", ["create_connection", "create_server"])
async def test_everything_else_is_the_resolver_s(loop, resolver, method, host, port, family):
    with pytest.raises(Asked):
        await getattr(loop, method)(Recorder, host, port, family=family)
