"""How a server ends: close(), wait_closed(), serve_forever(), and its connections."""

import asyncio
import socket

import pytest

from tests.harness import PY, Recorder, connect, finish, serve, settle, unused_port


async def test_close_stops_accepting_and_keeps_the_connections(loop):
    server, made, address = await serve(loop)
    client = await connect(loop, address)
    await made.connected(1)
    assert server.close() is None
    assert server.is_serving() is False
    with pytest.raises(ConnectionRefusedError):
        await connect(loop, address)
    client.transport.write(b"still open")
    assert await made[0].got(10) == b"still open"
    await finish(client, *made)
    await server.wait_closed()


async def test_close_may_be_repeated(loop):
    server, _, _ = await serve(loop)
    server.close()
    server.close()
    await server.wait_closed()
    server.close()
    await server.wait_closed()


async def test_the_port_is_free_again_after_close(loop):
    server, _, address = await serve(loop)
    server.close()
    with socket.create_server(address, reuse_port=False):
        pass
    await server.wait_closed()


async def test_wait_closed_waits_for_close(loop):
    server, _, _ = await serve(loop)
    waiting = [asyncio.create_task(server.wait_closed()) for _ in range(2)]
    assert not await settle(waiting[0])
    server.close()
    assert await asyncio.gather(*waiting) == [None, None] or PY < (3, 12)


async def test_wait_closed_after_close_waits_for_the_connections_since_3_12(loop):
    server, made, address = await serve(loop)
    client = await connect(loop, address)
    await made.connected(1)
    server.close()
    waiting = asyncio.create_task(server.wait_closed())
    assert await settle(waiting) is (PY < (3, 12))
    await finish(client, *made)
    await waiting
    await server.wait_closed()


async def test_wait_closed_can_be_cancelled(loop):
    server, _, _ = await serve(loop)
    waiting = asyncio.create_task(server.wait_closed())
    assert not await settle(waiting)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    server.close()
    await server.wait_closed()


async def test_a_with_block_closes_the_server_at_its_end(loop):
    server, _, _ = await serve(loop)
    async with server as entered:
        assert entered is server
        assert server.is_serving()
    assert not server.is_serving()
    assert server.sockets == ()


async def test_a_with_block_closes_the_server_when_it_is_left_by_an_exception(loop):
    server, _, _ = await serve(loop)
    with pytest.raises(LookupError):
        async with server:
            raise LookupError
    assert not server.is_serving()


async def test_serve_forever_serves_until_it_is_cancelled_and_then_closes(loop):
    server, made, address = await serve(loop, start_serving=False)
    serving = asyncio.create_task(server.serve_forever())
    assert not await settle(serving)
    assert server.is_serving()
    client = await connect(loop, address)
    await made.connected(1)
    await finish(client, *made)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert not server.is_serving()
    assert server.sockets == ()


async def test_serve_forever_ends_when_the_server_is_closed(loop):
    server, _, _ = await serve(loop)
    serving = asyncio.create_task(server.serve_forever())
    assert not await settle(serving)
    server.close()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_serve_forever_twice_or_after_close_is_a_runtime_error(loop):
    server, _, _ = await serve(loop)
    serving = asyncio.create_task(server.serve_forever())
    assert not await settle(serving)
    with pytest.raises(RuntimeError, match=r"^server .* is already being awaited on serve_forever\(\)$"):
        await server.serve_forever()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    with pytest.raises(RuntimeError, match=r"^server .* is closed$"):
        await server.serve_forever()


@pytest.mark.skipif(PY < (3, 14), reason="new in 3.14")
async def test_serve_forever_closes_the_connections_when_it_is_cancelled(loop):
    server, made, address = await serve(loop)
    client = await connect(loop, address)
    await made.connected(1)
    serving = asyncio.create_task(server.serve_forever())
    assert not await settle(serving)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert await client.lost() is None
    assert await made[0].lost() is None


@pytest.mark.skipif(PY < (3, 13), reason="new in 3.13")
async def test_close_clients_closes_the_connections_after_flushing(loop):
    server, made, address = await serve(loop)
    clients = [await connect(loop, address) for _ in range(3)]
    await made.connected(3)
    for protocol in made:
        protocol.transport.write(b"x" * 1_000_000)
    server.close()
    assert server.close_clients() is None
    assert all(protocol.transport.is_closing() for protocol in made)
    for protocol in [*clients, *made]:
        assert await protocol.lost() is None
    assert [len(client.received) for client in clients] == [1_000_000] * 3
    await server.wait_closed()


@pytest.mark.skipif(PY < (3, 13), reason="new in 3.13")
async def test_abort_clients_drops_what_was_not_sent(loop):
    server, made, address = await serve(loop)
    client = await connect(loop, address)
    client.transport.pause_reading()
    await made.connected(1)
    made[0].transport.write(b"x" * 50_000_000)
    assert made[0].transport.get_write_buffer_size() > 0
    server.close()
    assert server.abort_clients() is None
    assert await made[0].lost() is None
    client.transport.resume_reading()
    await client.lost()
    assert len(client.received) < 50_000_000
    await server.wait_closed()


def test_closing_the_loop_with_a_server_open_frees_its_port(loop):
    port = unused_port()
    server = loop.run_until_complete(loop.create_server(Recorder, "127.0.0.1", port))
    server.close()
    loop.run_until_complete(server.wait_closed())
    loop.close()
    with socket.create_server(("127.0.0.1", port)):
        pass


async def test_a_closed_server_does_not_start_to_serve(loop):
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    server.close()
    with pytest.raises(TypeError, match="'NoneType' object is not iterable"):
        await server.start_serving()
