"""What a program does with a socket that `make` makes its own: asynchronous generators of what it sees."""

import asyncio
import socket
import tempfile
from unittest import mock

from tests.harness import Buffered, Recorder, settle
from tests.io.tls.conftest import Certificates

DATA = b"0123456789" * 1000


def pair(make, kind=socket.SOCK_STREAM):
    ours, theirs = socket.socketpair(type=kind)
    for sock in (ours, theirs):
        sock.setblocking(False)
    return make(ours), theirs


def udp(make):
    ours, theirs = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)
    for sock in (ours, theirs):
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
    return make(ours), theirs


def listener(make):
    return make(socket.create_server(("127.0.0.1", 0)))


async def later(loop, coroutine, peer, data=DATA):
    """The result of what waits at first."""
    task = loop.create_task(coroutine)
    assert not await settle(task)
    peer.send(data)
    return await task


async def sock_recv(loop, make):
    ours, theirs = pair(make)
    with theirs:
        theirs.send(DATA)
        yield await loop.sock_recv(ours, 10)
        yield await loop.sock_recv(ours, 1 << 20)
        yield await later(loop, loop.sock_recv(ours, 100), theirs)
        ours.close()


async def sock_recv_into(loop, make):
    ours, theirs = pair(make)
    with theirs:
        buffer = bytearray(100)
        yield await later(loop, loop.sock_recv_into(ours, buffer), theirs)
        yield buffer
        yield await loop.sock_recv_into(ours, memoryview(buffer)[:7])
        ours.close()


async def sock_recvfrom(loop, make):
    ours, theirs = pair(make, socket.SOCK_DGRAM)
    with theirs:
        buffer = bytearray(100)
        yield await later(loop, loop.sock_recvfrom(ours, 100), theirs)
        yield await later(loop, loop.sock_recvfrom_into(ours, buffer), theirs)
        yield await later(loop, loop.sock_recvfrom_into(ours, buffer, 5), theirs)
        yield buffer
        ours.close()


async def sock_sendall(loop, make):
    ours, theirs = pair(make)
    with theirs:
        yield await loop.sock_sendall(ours, DATA)
        sending = loop.create_task(loop.sock_sendall(ours, bytes(1 << 20)))
        received = 0
        while received < len(DATA) + (1 << 20):
            received += len(await loop.sock_recv(theirs, 1 << 20))
        yield await sending
        ours.close()


async def sock_sendto(loop, make):
    ours, theirs = udp(make)
    with theirs:
        yield await loop.sock_sendto(ours, DATA, theirs.getsockname())
        yield await loop.sock_recv(theirs, 1 << 16)
        ours.close()


async def sock_connect(loop, make):
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.socket()
        ours.setblocking(False)
        ours = make(ours)
        yield await loop.sock_connect(ours, server.getsockname())
        ours.close()


async def sock_accept(loop, make):
    server = listener(make)
    server.setblocking(False)
    accepting = loop.create_task(loop.sock_accept(server))
    await settle(accepting)
    with socket.create_connection(server.getsockname()):
        accepted, _ = await accepting
        yield accepted.gettimeout()
        accepted.close()
    server.close()


async def sock_sendfile(loop, make):
    ours, theirs = pair(make)
    with theirs, tempfile.TemporaryFile() as file:
        file.write(DATA)
        file.seek(0)
        yield await loop.sock_sendfile(ours, file)
        yield await loop.sock_recv(theirs, 1 << 20)
        ours.close()


async def talk(loop, transport, protocol, peer):
    """What a transport does in its life."""
    peer.send(b"hello")
    yield await protocol.got(5)
    transport.write(b"one")
    transport.write(bytearray(b"two"))
    transport.writelines([b"three", b"four"])
    yield transport.get_write_buffer_size()
    yield await loop.sock_recv(peer, 1 << 20)
    transport.pause_reading()
    transport.resume_reading()
    transport.write_eof()
    yield await loop.sock_recv(peer, 10)
    peer.close()
    yield await protocol.lost()
    yield protocol.order


async def connection(loop, make):
    ours, theirs = pair(make)
    transport, protocol = await loop.create_connection(Recorder, sock=ours)
    async for result in talk(loop, transport, protocol, theirs):
        yield result


async def buffered_connection(loop, make):
    ours, theirs = pair(make)
    transport, protocol = await loop.create_connection(Buffered, sock=ours)
    async for result in talk(loop, transport, protocol, theirs):
        yield result


async def unix_connection(loop, make):
    ours, theirs = pair(make)
    transport, protocol = await loop.create_unix_connection(Recorder, sock=ours)
    async for result in talk(loop, transport, protocol, theirs):
        yield result


async def accepted_connection(loop, make):
    ours, theirs = pair(make)
    transport, protocol = await loop.connect_accepted_socket(Recorder, ours)
    async for result in talk(loop, transport, protocol, theirs):
        yield result


async def server(loop, make):
    sock = listener(make)
    made = []
    serving = await loop.create_server(lambda: made.append(Recorder()) or made[-1], sock=sock)
    client = socket.create_connection(sock.getsockname())
    client.setblocking(False)
    while not (made and made[0].transport):
        await asyncio.sleep(0)
    async for result in talk(loop, made[0].transport, made[0], client):
        yield result
    serving.close()
    yield await serving.wait_closed()


async def server_of_own(loop, make):
    """A server whose accept() gives sockets of the program's."""
    sock = listener(make)
    accept = sock.accept
    made = []

    def own_accept():
        connection, address = accept()
        connection.setblocking(False)
        return make(connection), address

    with mock.patch.object(type(sock), "accept", side_effect=own_accept):
        serving = await loop.create_server(lambda: made.append(Recorder()) or made[-1], sock=sock)
        client = socket.create_connection(sock.getsockname())
        client.setblocking(False)
        while not (made and made[0].transport):
            await asyncio.sleep(0)
        serving.close()
        waiting = loop.create_task(serving.wait_closed())
        async for result in talk(loop, made[0].transport, made[0], client):
            yield result
        yield await waiting


async def streams(loop, make):
    ours, theirs = pair(make)
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(DATA)
        await writer.drain()
        yield await loop.sock_recv(theirs, 1 << 20)
        theirs.send(b"line\nrest")
        yield await reader.readline()
        theirs.close()
        yield await reader.read()
        writer.close()
        await writer.wait_closed()


async def slow_reader(loop, make):
    """More than the kernel takes at once."""
    ours, theirs = pair(make)
    transport, protocol = await loop.create_connection(Recorder, sock=ours)
    transport.write(bytes(1 << 20))
    transport.write(b"end")
    transport.close()
    received = b""
    with theirs:
        while data := await loop.sock_recv(theirs, 1 << 16):
            received += data
    yield received
    yield await protocol.lost()
    yield protocol.order


async def file(loop, make):
    ours, theirs = pair(make)
    transport, protocol = await loop.create_connection(Recorder, sock=ours)
    with theirs, tempfile.TemporaryFile() as file:
        file.write(DATA)
        file.seek(0)
        yield await loop.sendfile(transport, file)
        yield await loop.sock_recv(theirs, 1 << 20)
        transport.close()
        yield await protocol.lost()


def contexts():
    certificates = Certificates()
    return certificates.server_context(), certificates.client_context()


async def tls(loop, make):
    """TLS from the beginning on one side, and from later on on the other."""
    server_context, client_context = contexts()
    ours, theirs = pair(make)
    accepting = loop.create_task(loop.connect_accepted_socket(Recorder, theirs, ssl=server_context))
    client = Recorder()
    transport, _ = await loop.create_connection(Recorder, sock=ours)
    transport = await loop.start_tls(transport, client, client_context, server_hostname="localhost")
    transport.write(DATA)
    _, peer = await accepting
    yield await peer.got(len(DATA))
    peer.transport.write(DATA)
    yield await client.got(len(DATA))
    transport.close()
    yield await peer.lost()
    yield await client.lost()


async def accepted_tls(loop, make):
    server_context, client_context = contexts()
    ours, theirs = pair(make)
    options = {"ssl": client_context, "server_hostname": "localhost"}
    accepting = loop.create_task(loop.connect_accepted_socket(Recorder, ours, ssl=server_context))
    transport, client = await loop.create_connection(Recorder, sock=theirs, **options)
    _, peer = await accepting
    transport.write(DATA)
    yield await peer.got(len(DATA))
    peer.transport.write(DATA)
    yield await client.got(len(DATA))
    transport.close()
    yield await peer.lost()
    yield await client.lost()


class Datagrams(Recorder):
    def datagram_received(self, data, address):
        self.data_received(data)

    def error_received(self, error):
        self.note(repr(error))


async def datagrams(loop, make):
    ours, theirs = udp(make)
    with theirs:
        transport, protocol = await loop.create_datagram_endpoint(Datagrams, sock=ours)
        transport.sendto(DATA, theirs.getsockname())
        yield await loop.sock_recv(theirs, 1 << 16)
        theirs.sendto(DATA, ours.getsockname())
        yield await protocol.got(len(DATA))
        transport.close()
        yield await protocol.lost()


async def connected_datagrams(loop, make):
    ours, theirs = udp(make)
    with theirs:
        ours.connect(theirs.getsockname())
        transport, protocol = await loop.create_datagram_endpoint(Datagrams, sock=ours)
        transport.sendto(DATA)
        yield await loop.sock_recv(theirs, 1 << 16)
        transport.abort()
        yield await protocol.lost()
        yield protocol.order


# What a program does with a socket: asynchronous generators of what it sees.
USES = {
    function.__name__: function
    for function in (
        sock_recv,
        sock_recv_into,
        sock_recvfrom,
        sock_sendall,
        sock_sendto,
        sock_connect,
        sock_accept,
        sock_sendfile,
        connection,
        buffered_connection,
        unix_connection,
        accepted_connection,
        server,
        server_of_own,
        streams,
        slow_reader,
        file,
        tls,
        accepted_tls,
        datagrams,
        connected_datagrams,
    )
}
