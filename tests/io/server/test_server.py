"""The server object: its attributes, and its connections."""

import asyncio
import socket
import weakref

import pytest

from tests.harness import Made, connect, finish, serve


async def test_a_server_is_an_abstract_server_of_its_loop(loop):
    server, _, _ = await serve(loop)
    assert isinstance(server, asyncio.AbstractServer)
    assert server.get_loop() is loop
    server.close()
    await server.wait_closed()
    assert server.get_loop() is loop


async def test_a_server_takes_attributes_and_can_be_referenced_weakly(loop):
    server, _, _ = await serve(loop)
    async with server:
        assert weakref.ref(server)() is server
        server.some_library = "its mark"
        assert server.some_library == "its mark"


async def test_it_serves_from_the_start(loop):
    server, made, address = await serve(loop)
    assert server.is_serving() is True
    client = await connect(loop, address)
    await made.connected(1)
    await finish(client, *made)
    server.close()
    await server.wait_closed()


async def test_its_sockets_are_transport_sockets_until_it_is_closed(loop):
    server, _, address = await serve(loop)
    assert isinstance(server.sockets, tuple)
    (sock,) = server.sockets
    assert isinstance(sock, asyncio.trsock.TransportSocket)
    assert (sock.family, sock.type, sock.getsockname()) == (socket.AF_INET, socket.SOCK_STREAM, address)
    assert sock.fileno() >= 0
    assert "sockets=(<asyncio.TransportSocket fd=" in repr(server)
    server.close()
    assert server.sockets == ()
    assert "sockets=()" in repr(server)
    await server.wait_closed()


@pytest.mark.parametrize("false", [False, 0, None])
async def test_it_can_be_told_to_wait_with_serving(loop, false):
    server, made, address = await serve(loop, start_serving=false)
    assert server.is_serving() is False
    with pytest.raises(ConnectionRefusedError):
        await connect(loop, address)
    assert await server.start_serving() is None
    assert server.is_serving() is True
    await server.start_serving()
    client = await connect(loop, address)
    await made.connected(1)
    await finish(client, *made)
    server.close()
    await server.wait_closed()


async def test_every_connection_gets_a_protocol_of_its_own(loop):
    server, made, address = await serve(loop)
    clients = [await connect(loop, address) for _ in range(10)]
    await made.connected(10)
    assert len({id(protocol) for protocol in made}) == 10
    assert len({id(protocol.transport) for protocol in made}) == 10
    for number, client in enumerate(clients):
        client.transport.write(b"%d" % number)
    assert sorted([await protocol.got(1) for protocol in made]) == [b"%d" % number for number in range(10)]
    await finish(*clients, *made)
    server.close()
    await server.wait_closed()


async def test_connections_and_data_that_came_before_serving_are_served(loop):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = sock.getsockname()
        clients = [socket.create_connection(address) for _ in range(3)]
        for client in clients:
            client.sendall(b"early")
            client.shutdown(socket.SHUT_WR)
        made = Made()
        server = await loop.create_server(made, sock=sock)
        await made.connected(3)
        for protocol in made:
            await protocol.lost()
            assert protocol.received == b"early"
            assert protocol.order == ["connection_made", "data_received", "eof_received", "connection_lost"]
        for client in clients:
            client.close()
        server.close()
        await server.wait_closed()


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the standard library's
@pytest.mark.parametrize("debug", [False, True])
async def test_a_factory_that_fails_costs_only_that_connection(loop, loop_name, errors, debug):
    made = Made()
    failures = [LookupError("argument")]

    def factory():
        if failures:
            raise failures.pop()
        return made()

    loop.set_debug(debug)
    server = await loop.create_server(factory, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    refused, served = await connect(loop, address), await connect(loop, address)
    await made.connected(1)
    if debug or loop_name == "ferrio":  # asyncio says nothing outside debug mode
        context = errors.take_one()
        assert context["message"] == "Error on transport creation for incoming connection"
        assert isinstance(context.pop("exception"), LookupError)
    assert await refused.lost() is None
    await finish(served, *made)
    server.close()
    await server.wait_closed()
