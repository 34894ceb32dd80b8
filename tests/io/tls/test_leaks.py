"""A connection that is over leaves nothing behind."""

import asyncio
import gc
import weakref

import pytest

from tests.harness import PY, Recorder


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


@pytest.mark.timeout(120)
async def test_a_thousand_connections(loop, server_context, client_context):
    server = await loop.create_server(Echo, "127.0.0.1", 0, ssl=server_context)
    address = server.sockets[0].getsockname()

    async def talk(number):
        _, client = await loop.create_connection(
            Recorder, *address, ssl=client_context, server_hostname="localhost"
        )
        client.transport.write(b"x" * 100)
        await client.got(100)
        # Each third in another way.
        (client.transport.close, client.transport.abort, client.transport._ssl_protocol._transport.abort)[
            number % 3
        ]()
        await client.lost()

    async def count():
        for _ in range(5):
            await asyncio.sleep(0.01)
        gc.collect()
        return len(gc.get_objects())

    for number in range(30):
        await talk(number)
    before = await count()
    for number in range(0, 1000, 10):
        await asyncio.gather(*(talk(number + more) for more in range(10)))
    assert await count() < before + 200
    server.close()


@pytest.mark.stock_bug(PY < (3, 12), reason="the selector transport is in a cycle")
async def test_a_closed_connection_needs_no_garbage_collection(loop, server_context, client_context):
    server = await loop.create_server(Echo, "127.0.0.1", 0, ssl=server_context)
    gc.collect()
    gc.disable()
    try:
        _, client = await loop.create_connection(
            Recorder, *server.sockets[0].getsockname(), ssl=client_context, server_hostname="localhost"
        )
        tls = client.transport._ssl_protocol
        watched = [weakref.ref(tls), weakref.ref(tls._transport), weakref.ref(client.transport)]
        del tls
        client.transport.close()
        await client.lost()
        client.transport = None
        for _ in range(5):
            await asyncio.sleep(0)
        assert [reference() for reference in watched] == [None, None, None]
    finally:
        gc.enable()
    server.close()
