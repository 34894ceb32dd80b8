"""A program takes the `SSLObject` out of a transport and uses it in another thread."""

from __future__ import annotations

import asyncio
import ssl
import threading

import pytest

CHUNK = bytes(range(256)) * 64
CHUNKS = 400


@pytest.mark.ferrio_only  # With asyncio's loop the calls run into each other, and the connection breaks.
async def test_what_is_read_in_another_thread_is_not_read_by_the_transport(pair):
    """Between them they get everything, and no call runs into another: OpenSSL allows one at a time."""
    async with pair() as (client, server):
        connection = server.transport.get_extra_info("ssl_object")
        read_by_thread = 0
        stop = threading.Event()

        def read():
            nonlocal read_by_thread
            while not stop.is_set():
                try:
                    read_by_thread += len(connection.read(len(CHUNK)))
                except ssl.SSLWantReadError:
                    stop.wait(0.0002)

        thread = threading.Thread(target=read)
        thread.start()
        try:
            for _ in range(CHUNKS):
                client.transport.write(CHUNK)
                await asyncio.sleep(0)
            expected = len(CHUNK) * CHUNKS
            async with asyncio.timeout(20):
                while len(server.received) + read_by_thread < expected:
                    await asyncio.sleep(0.001)
        finally:
            stop.set()
            thread.join()
        assert len(server.received) + read_by_thread == expected
        client.transport.write(b"end")
        await server.got(len(server.received) + 3)
        assert server.received.endswith(b"end")


async def test_a_shared_object_is_used_as_before(pair, loop_name):
    async with pair() as (client, server):
        shared = client.transport.get_extra_info("ssl_object")
        assert type(shared) is ssl.SSLObject
        assert shared.version() == client.transport.get_extra_info("ssl_object").version()
        assert shared.cipher() == client.transport.get_extra_info("cipher")
        assert shared.server_hostname == "localhost"
        assert shared.session_reused is False
        assert shared.context is client.transport.get_extra_info("sslcontext")
        assert shared.pending() == 0
        shared.write(b"by the object, ")
        client.transport.write(b"by the transport")
        assert await server.got(31) == b"by the object, by the transport"


@pytest.mark.ferrio_only
async def test_an_object_that_a_callback_of_the_context_gets_is_shared(pair, server_context, loop_name):
    objects = []
    server_context.sni_callback = lambda ssl_object, name, context: objects.append(ssl_object)
    async with pair() as (client, server):
        (given,) = objects
        assert type(given._sslobj).__name__ == "SharedConnection"
        client.transport.write(b"data")
        assert await server.got(4) == b"data"
        assert server.transport.get_extra_info("ssl_object") is given
    server_context.sni_callback = None  # _ssl has cycles with callbacks that no collector finds
