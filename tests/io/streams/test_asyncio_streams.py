"""The standard library's streams on top of the loop's transports."""

import asyncio
import contextlib
import socket

import pytest

from tests.harness import PY, reset, unused_port


@contextlib.asynccontextmanager
async def served(handler, **options):
    """A server whose connections are handled by `handler(reader, writer)`; gives its address."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        await server.wait_closed()
        if handlers := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(handlers)


@contextlib.asynccontextmanager
async def connected(address, **options):
    reader, writer = await asyncio.open_connection(*address, **options)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_what_is_written_comes_back(loop):
    async with served(echo) as address, connected(address) as (reader, writer):
        for number in range(100):
            writer.write(b"%03d" % number)
            await writer.drain()
            assert await reader.readexactly(3) == b"%03d" % number
        writer.write_eof()
        assert await reader.read() == b""
        assert reader.at_eof()


async def test_ten_megabytes_come_back_whole(loop):
    data = bytes(range(256)) * 40_000
    async with served(echo) as address, connected(address) as (reader, writer):

        async def send():
            writer.write(data)
            await writer.drain()
            writer.write_eof()

        sending = loop.create_task(send())
        assert await reader.read() == data
        await sending


async def test_lines_and_separators_are_found_across_pieces(loop):
    async def handler(reader, writer):
        for piece in (b"first li", b"ne\nsecond", b" line\nkey", b"=val", b"ue;rest"):
            writer.write(piece)
            await reader.readexactly(1)
        writer.close()

    async with served(handler) as address, connected(address) as (reader, writer):
        writer.write(b"....")
        assert await reader.readline() == b"first line\n"
        assert await reader.readline() == b"second line\n"
        assert await reader.readuntil(b"=") == b"key="
        writer.write(b".")
        assert await reader.readuntil(b";") == b"value;"
        assert await reader.readline() == b"rest"
        assert await reader.readline() == b""


async def test_a_stream_that_ends_too_early_gives_what_there_was(loop):
    async def handler(reader, writer):
        writer.write(b"partial")
        writer.close()

    async with served(handler) as address, connected(address) as (reader, _):
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await reader.readexactly(100)
        assert (caught.value.partial, caught.value.expected) == (b"partial", 100)
    async with served(handler) as address, connected(address) as (reader, _):
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await reader.readuntil(b"\n")
        assert (caught.value.partial, caught.value.expected) == (b"partial", None)


async def test_a_line_longer_than_the_limit_is_refused(loop):
    async def handler(reader, writer):
        writer.write(b"x" * 100 + b"\nshort\n")
        await reader.read()
        writer.close()

    async with served(handler) as address, connected(address, limit=50) as (reader, writer):
        with pytest.raises(ValueError, match="limit"):
            await reader.readline()
        assert await reader.readline() == b"short\n"
        writer.write_eof()


async def test_the_lines_can_be_iterated(loop):
    async def handler(reader, writer):
        writer.writelines([b"one\n", b"two\n", b"three"])
        writer.close()

    async with served(handler) as address, connected(address) as (reader, _):
        assert [line async for line in reader] == [b"one\n", b"two\n", b"three"]


async def test_a_reader_that_is_not_read_holds_the_writer_back(loop):
    accepted = loop.create_future()
    release = asyncio.Event()
    received = 0

    async def handler(reader, writer):
        nonlocal received
        accepted.set_result(reader)
        await release.wait()
        while data := await reader.read(1 << 16):
            received += len(data)
        writer.close()

    async with served(handler) as address, connected(address) as (reader, writer):

        async def pump():
            for _ in range(200):
                writer.write(bytes(100_000))
                await writer.drain()

        pumping = loop.create_task(pump())
        held_back = await accepted
        while not (held_back._paused and writer.transport.get_write_buffer_size()):
            await asyncio.sleep(0)
        assert not pumping.done()
        release.set()
        await pumping
        writer.write_eof()
        assert await reader.read() == b""
        assert received == 20_000_000


async def test_several_tasks_may_wait_in_drain(loop):
    async def handler(reader, writer):
        while await reader.read(1 << 20):
            pass
        writer.close()

    async with served(handler) as address, connected(address) as (reader, writer):
        writer.write(bytes(10_000_000))
        await asyncio.gather(*[writer.drain() for _ in range(10)])
        writer.write_eof()
        await reader.read()


async def test_a_reset_is_raised_by_read_and_by_drain(loop):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with connected(listener.getsockname()) as (reader, writer):
            accepted, _ = listener.accept()
            reset(accepted)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            with pytest.raises(ConnectionResetError):
                writer.write(b"data")
                await writer.drain()


async def test_only_one_task_may_read(loop):
    async with served(echo) as address, connected(address) as (reader, writer):
        reading = loop.create_task(reader.read(1))
        await asyncio.sleep(0)
        with pytest.raises(
            RuntimeError, match="while another coroutine is already waiting for incoming data"
        ):
            await reader.read(1)
        writer.write(b"x")
        assert await reading == b"x"
        writer.write_eof()
        await reader.read()


async def test_a_cancelled_read_loses_nothing(loop):
    async with served(echo) as address, connected(address) as (reader, writer):
        for number in range(10):
            reading = loop.create_task(reader.readexactly(2))
            await asyncio.sleep(0)
            writer.write(b"%d" % number)
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            writer.write(b"!")
            assert await reader.readexactly(2) == b"%d!" % number
        writer.write_eof()
        await reader.read()


async def test_the_writer_tells_about_its_connection(loop):
    async with served(echo) as address, connected(address) as (reader, writer):
        assert writer.get_extra_info("peername") == address
        assert writer.can_write_eof()
        assert isinstance(writer.transport, asyncio.Transport)
        assert not writer.is_closing()
        writer.close()
        assert writer.is_closing()
        await writer.wait_closed()
        await reader.read()


@pytest.mark.skipif(PY < (3, 12), reason="earlier the transport is not closed")
async def test_the_error_of_a_handler_is_reported_and_its_connection_closed(loop, errors):
    async def handler(reader, writer):
        raise LookupError("argument")

    async with served(handler) as address, connected(address) as (reader, _):
        assert await reader.read() == b""
        context = errors.take_one()
        assert context["message"] == "Unhandled exception in client_connected_cb"
        assert isinstance(context["exception"], LookupError)
        assert isinstance(context["transport"], asyncio.Transport)


async def test_a_plain_function_can_handle_connections(loop):
    accepted = loop.create_future()
    async with served(lambda reader, writer: accepted.set_result((reader, writer))) as address:
        async with connected(address) as (_, writer):
            server_reader, server_writer = await accepted
            writer.write(b"data")
            assert await server_reader.readexactly(4) == b"data"
            server_writer.close()
            await server_writer.wait_closed()


async def test_open_connection_raises_what_create_connection_raises(loop):
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", unused_port())


async def test_sockets_can_be_given(loop):
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    other_reader, other_writer = await asyncio.open_connection(sock=theirs)
    writer.write(b"question\n")
    assert await other_reader.readline() == b"question\n"
    other_writer.write(b"answer\n")
    assert await reader.readline() == b"answer\n"
    for each in (writer, other_writer):
        each.close()
        await each.wait_closed()


async def test_a_hundred_clients_talk_at_once(loop):
    async def client(number):
        async with connected(address) as (reader, writer):
            for turn in range(10):
                line = b"%d/%d\n" % (number, turn)
                writer.write(line)
                assert await reader.readline() == line
            writer.write_eof()
            assert await reader.read() == b""

    async with served(echo) as address:
        await asyncio.gather(*[client(number) for number in range(100)])
