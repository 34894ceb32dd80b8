"""sock_connect() and sock_accept()."""

import asyncio
import errno
import socket
import ssl

import pytest

from tests.harness import Recorder, socket_pair, unused_port


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture
def client():
    with socket.socket() as sock:
        sock.setblocking(False)
        yield sock


async def test_a_connection_is_made(loop, listener, client):
    assert await loop.sock_connect(client, listener.getsockname()) is None
    assert client.getpeername() == listener.getsockname()


async def test_a_host_name_is_resolved(loop, listener, client):
    await loop.sock_connect(client, ("localhost", listener.getsockname()[1]))
    assert client.getpeername() == listener.getsockname()


async def test_a_number_is_not_resolved(loop, listener, client, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", None)
    await loop.sock_connect(client, listener.getsockname())
    assert client.getpeername() == listener.getsockname()


async def test_a_service_name_is_resolved(loop, client, monkeypatch, listener):
    address = listener.getsockname()
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: answer if args[1] == "service" else None)
    await loop.sock_connect(client, ("127.0.0.1", "service"))
    assert client.getpeername() == address


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
async def test_the_resolver_is_asked_for_what_the_socket_is(loop, listener, monkeypatch, kind):
    asked = []

    def resolve(*args):
        asked.append(args)
        return [(socket.AF_INET, kind, 0, "", listener.getsockname())]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("host.invalid", 80))
        assert asked == [("host.invalid", 80, socket.AF_INET, kind, sock.proto, 0)]


async def test_a_refused_connection_tells_the_address(loop, client):
    address = ("127.0.0.1", unused_port())
    with pytest.raises(ConnectionRefusedError) as caught:
        await loop.sock_connect(client, address)
    assert caught.value.errno == errno.ECONNREFUSED
    assert str(caught.value) == f"[Errno {errno.ECONNREFUSED}] Connect call failed {address}"
    assert loop.remove_writer(client) is False


async def test_ipv6_is_connected(loop):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        with socket.socket(socket.AF_INET6) as client:
            client.setblocking(False)
            await loop.sock_connect(client, listener.getsockname())
            assert client.getpeername()[:2] == listener.getsockname()[:2]


async def test_a_unix_socket_is_connected_and_a_missing_one_is_an_error(loop, tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        with pytest.raises(FileNotFoundError):
            await loop.sock_connect(client, path)
        listener.bind(path)
        with pytest.raises(ConnectionRefusedError):
            await loop.sock_connect(client, path)
        listener.listen()
        await loop.sock_connect(client, path)
        assert client.getpeername() == path


async def test_a_datagram_socket_is_connected(loop):
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as two:
        one.setblocking(False)
        two.bind(("127.0.0.1", 0))
        await loop.sock_connect(one, two.getsockname())
        assert one.getpeername() == two.getsockname()


async def test_a_wrong_address_is_an_error(loop, client):
    with pytest.raises((TypeError, ValueError)):
        await loop.sock_connect(client, ("127.0.0.1",))
    with pytest.raises(OverflowError):
        await loop.sock_connect(client, ("127.0.0.1", 70_000))


async def pending_connection(loop):
    """A listener whose queue is full, and a task that waits to be connected to it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    sockets = [listener]
    while True:
        sockets.append(socket.socket())
        sockets[-1].setblocking(False)
        task = loop.create_task(loop.sock_connect(sockets[-1], listener.getsockname()))
        for _ in range(5):
            await asyncio.sleep(0)
        if not task.done():
            return sockets, task
        await task


async def test_a_cancelled_connect_leaves_no_writer(loop):
    sockets, task = await pending_connection(loop)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert loop.remove_writer(sockets[-1]) is False
    for sock in sockets:
        sock.close()


async def test_a_waiting_connect_is_made_when_there_is_room(loop):
    sockets, task = await pending_connection(loop)
    listener = sockets[0]
    listener.setblocking(False)
    while not task.done():
        connection, _ = await loop.sock_accept(listener)
        sockets.append(connection)
        await asyncio.wait([task], timeout=0.05)
    await task
    for sock in sockets:
        sock.close()


async def test_accept_returns_a_non_blocking_socket_and_its_address(loop, listener):
    with socket.create_connection(listener.getsockname()) as client:
        connection, address = await loop.sock_accept(listener)
        with connection:
            assert isinstance(connection, socket.socket)
            assert connection.gettimeout() == 0
            assert address == client.getsockname()
            assert connection.get_inheritable() is False


async def test_accept_waits_for_a_connection(loop, listener, client):
    accepting = loop.create_task(loop.sock_accept(listener))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not accepting.done()
    await loop.sock_connect(client, listener.getsockname())
    connection, address = await accepting
    assert address == client.getsockname()
    connection.close()
    assert loop.remove_reader(listener) is False


async def test_several_connections_are_accepted_in_turn(loop, listener):
    clients = [socket.create_connection(listener.getsockname()) for _ in range(10)]
    accepted = [await loop.sock_accept(listener) for _ in clients]
    assert [address for _, address in accepted] == [client.getsockname() for client in clients]
    for sock in [*clients, *[connection for connection, _ in accepted]]:
        sock.close()


async def test_a_cancelled_accept_leaves_the_connection_for_the_next(loop, listener):
    accepting = loop.create_task(loop.sock_accept(listener))
    await asyncio.sleep(0)
    accepting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await accepting
    assert loop.remove_reader(listener) is False
    with socket.create_connection(listener.getsockname()) as client:
        connection, address = await loop.sock_accept(listener)
        assert address == client.getsockname()
        connection.close()


async def test_a_socket_that_does_not_listen_is_an_os_error(loop, client):
    with pytest.raises(OSError, match="Invalid argument"):
        await loop.sock_accept(client)


@pytest.mark.parametrize("call", ["connect", "accept"])
async def test_a_closed_socket_is_an_os_error(loop, client, call):
    client.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await (loop.sock_connect(client, ("127.0.0.1", 1)) if call == "connect" else loop.sock_accept(client))


@pytest.mark.parametrize("call", ["connect", "accept"])
async def test_a_blocking_socket_is_refused_in_debug_mode(loop, listener, call):
    loop.set_debug(True)
    listener.setblocking(True)
    with pytest.raises(ValueError, match=r"^the socket must be non-blocking$"):
        if call == "connect":
            await loop.sock_connect(listener, listener.getsockname())
        else:
            await loop.sock_accept(listener)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda loop, sock: loop.sock_recv(sock, 1), id="recv"),
        pytest.param(lambda loop, sock: loop.sock_recv_into(sock, bytearray(1)), id="recv_into"),
        pytest.param(lambda loop, sock: loop.sock_sendall(sock, b"x"), id="sendall"),
        pytest.param(lambda loop, sock: loop.sock_connect(sock, ("127.0.0.1", 1)), id="connect"),
        pytest.param(lambda loop, sock: loop.sock_accept(sock), id="accept"),
    ],
)
async def test_an_ssl_socket_is_a_type_error(loop, call):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    with context.wrap_socket(socket.socket()) as sock:
        with pytest.raises(TypeError, match=r"^Socket cannot be of type SSLSocket$"):
            await call(loop, sock)


async def test_the_socket_of_a_transport_is_refused_when_it_would_have_to_wait(loop):
    with socket_pair() as (ours, _):
        transport, protocol = await loop.create_connection(Recorder, sock=ours)
        with pytest.raises(RuntimeError, match="is used by transport"):
            await loop.sock_recv(ours, 1)
        transport.close()
        await protocol.lost()
