"""Connections whose streams are those under test."""

import asyncio
import contextlib

from harness import tcp_pair


@contextlib.asynccontextmanager
async def stream_and_peer(aio, **options):
    """A reader and a writer, and the plain socket at the other end."""
    ours, peer = tcp_pair()
    with peer:
        reader, writer = await aio.open_connection(sock=ours, **options)
        try:
            yield reader, writer, peer
        finally:
            if not writer.is_closing():
                writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def served(aio, handler, **options):
    """A server whose connections are handled by `handler(reader, writer)`; gives its address."""
    server = await aio.start_server(handler, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        await server.wait_closed()
        # Which does not wait for anything before Python 3.12.
        if handlers := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(handlers, timeout=10)


@contextlib.asynccontextmanager
async def connected(aio, address, **options):
    """A reader and a writer of a connection to a server."""
    reader, writer = await aio.open_connection(*address, **options)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
