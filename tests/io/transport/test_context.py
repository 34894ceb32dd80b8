"""The context in which a protocol is called: that in which the connection or the server was made (PEP 567)."""

import asyncio
import contextvars
import socket
import struct

import pytest

who = contextvars.ContextVar("who", default="nobody")

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() resets the connection


class Watcher(asyncio.Protocol):
    """Records the calls, and the value of the context variable in each."""

    def __init__(self):
        self.calls = []
        self.lost = asyncio.get_running_loop().create_future()

    def note(self, name):
        if (name, who.get()) not in self.calls:
            self.calls.append((name, who.get()))

    def connection_made(self, transport):
        self.note("made")
        self.transport = transport
        transport.set_write_buffer_limits(1000)

    def data_received(self, data):
        self.note("data")

    def eof_received(self):
        self.note("eof")

    def pause_writing(self):
        self.note("pause")

    def resume_writing(self):
        self.note("resume")

    def connection_lost(self, exc):
        self.note("lost")
        self.lost.set_result(exc)


class BufferedWatcher(Watcher, asyncio.BufferedProtocol):
    """The same with a buffer of its own."""

    def get_buffer(self, sizehint):
        self.note("buffer")
        return bytearray(100)

    def buffer_updated(self, nbytes):
        self.note("data")


async def connected(loop, protocol, as_server):
    """A connection that "the maker" makes; returns the protocol and the other end."""
    maker = contextvars.copy_context()
    maker.run(who.set, "the maker")
    if as_server:
        made = loop.create_future()

        def factory():
            made.set_result(protocol())
            return made.result()

        server = await asyncio.Task(loop.create_server(factory, "127.0.0.1", 0), loop=loop, context=maker)
        theirs = socket.create_connection(server.sockets[0].getsockname())
        theirs.setblocking(False)
        watcher = await made
        server.close()
    else:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        task = asyncio.Task(loop.create_connection(protocol, sock=ours), loop=loop, context=maker)
        _, watcher = await task
    return watcher, theirs


@pytest.mark.parametrize("as_server", [False, True], ids=["client", "server"])
@pytest.mark.parametrize("protocol", [Watcher, BufferedWatcher])
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_all_callbacks_run_in_the_maker_s_context(loop, protocol, as_server, reset):
    watcher, theirs = await connected(loop, protocol, as_server)
    with theirs:
        await loop.sock_sendall(theirs, b"data")
        while "data" not in dict(watcher.calls):
            await asyncio.sleep(0.001)
        if reset:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            if theirs.family == socket.AF_UNIX:
                watcher.transport.write(b"never read")  # or else its end is an orderly one
                await asyncio.sleep(0)
    await watcher.lost
    assert {who for _, who in watcher.calls} == {"the maker"}
    assert watcher.calls[0][0] == "made"
    assert watcher.calls[-1][0] == "lost"
    assert ("data", "the maker") in watcher.calls


async def test_flow_control_is_told_in_the_maker_s_context(loop):
    watcher, theirs = await connected(loop, Watcher, as_server=False)
    with theirs:
        maker = contextvars.copy_context()
        maker.run(who.set, "the maker")
        size = 4_000_000
        maker.run(watcher.transport.write, bytes(size))
        while size:
            size -= len(await loop.sock_recv(theirs, 2**20))
    await watcher.lost
    assert watcher.calls == [
        ("made", "the maker"),
        ("pause", "the maker"),
        ("resume", "the maker"),
        ("eof", "the maker"),
        ("lost", "the maker"),
    ]


async def test_the_handler_of_a_stream_server_runs_in_the_maker_s_context(loop):
    seen = loop.create_future()

    async def handler(reader, writer):
        seen.set_result((who.get(), await reader.readline(), who.get()))
        writer.close()

    maker = contextvars.copy_context()
    maker.run(who.set, "the maker")
    starting = asyncio.start_server(handler, "127.0.0.1", 0)
    server = await asyncio.Task(starting, loop=loop, context=maker)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"a line\n")
        assert await seen == ("the maker", b"a line\n", "the maker")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
