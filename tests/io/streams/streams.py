"""Readers that are fed by hand, and connections whose streams are those under test."""

import asyncio
import contextlib

from tests.harness import tcp_pair


class Transport:
    def __init__(self):
        self.calls = []

    def pause_reading(self):
        self.calls.append("pause")

    def resume_reading(self):
        self.calls.append("resume")


def full(aio, loop, data, limit=2**16):
    """A reader at whose end all of the data has arrived."""
    reader = aio.StreamReader(limit, loop)
    reader.feed_data(data)
    reader.feed_eof()
    return reader


async def fed(reader, *pieces):
    """Feed pieces, one an iteration, and the end."""
    for piece in pieces:
        await asyncio.sleep(0)
        reader.feed_data(piece)
    await asyncio.sleep(0)
    reader.feed_eof()


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
