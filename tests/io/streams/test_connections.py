"""open_connection, start_server and the like: streams over TCP, Unix sockets, TLS, pipes and processes."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from unittest import mock

import pytest
import trustme

from tests.harness import unused_port
from tests.io.streams.streams import connected, served


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_the_streams_are_those_of_the_module(loop, aio):
    async with served(aio, echo) as address, connected(aio, address) as (reader, writer):
        assert (type(reader), type(writer)) == (aio.StreamReader, aio.StreamWriter)
        assert type(writer.transport.get_protocol()) is aio.StreamReaderProtocol


async def test_ten_megabytes_come_back_whole(loop, aio):
    data = bytes(range(256)) * 40_000
    async with served(aio, echo) as address, connected(aio, address) as (reader, writer):

        async def send():
            writer.write(data)
            await writer.drain()
            writer.write_eof()

        sending = loop.create_task(send())
        assert await reader.read() == data
        await sending


async def test_a_small_limit_gives_the_same_with_back_pressure(loop, aio):
    data = bytes(range(256)) * 4_000
    async with served(aio, echo, limit=100) as address, connected(aio, address, limit=7) as (reader, writer):
        writer.write(data)
        writer.write_eof()
        received = bytearray()
        while piece := await reader.read(1000):
            received += piece
        assert received == data


async def test_a_connection_that_is_refused_raises(loop, aio):
    with pytest.raises(ConnectionRefusedError):
        await aio.open_connection("127.0.0.1", unused_port())


async def test_options_reach_the_loop_and_nonsense_is_refused(loop, aio):
    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await aio.open_connection(sock=ours, limit=5)
        assert reader._limit == 5
        writer.close()
        await writer.wait_closed()
    with pytest.raises(TypeError):
        await aio.open_connection("127.0.0.1", 1, nonsense=True)


async def test_they_work_over_unix_sockets(loop, aio, tmp_path):
    path = str(tmp_path / "socket")
    server = await aio.start_unix_server(echo, path, limit=1000)
    reader, writer = await aio.open_unix_connection(path, limit=2000)
    assert (type(reader), reader._limit) == (aio.StreamReader, 2000)
    writer.write(b"line\n")
    assert await reader.readline() == b"line\n"
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


@pytest.fixture(scope="module")
def contexts():
    """TLS contexts of a server and of a client that trusts it."""
    import ssl

    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    return server, client


async def test_they_work_over_tls(loop, aio, contexts):
    server, client = contexts
    options = {"ssl": client, "server_hostname": "localhost"}
    async with (
        served(aio, echo, ssl=server) as address,
        connected(aio, address, **options) as (reader, writer),
    ):
        assert not writer.can_write_eof()
        assert writer.transport.get_protocol()._over_ssl
        writer.write(b"x" * 1_000_000)
        assert await reader.readexactly(1_000_000) == b"x" * 1_000_000


async def test_a_connection_can_go_on_with_tls(loop, aio, contexts):
    server, client = contexts

    async def handler(reader, writer):
        assert await reader.readline() == b"STARTTLS\n"
        writer.write(b"go on\n")
        await writer.start_tls(server)
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    async with served(aio, handler) as address, connected(aio, address) as (reader, writer):
        writer.write(b"STARTTLS\n")
        assert await reader.readline() == b"go on\n"
        before = writer.transport
        await writer.start_tls(client, server_hostname="localhost", ssl_handshake_timeout=20)
        assert writer.transport is not before
        assert writer.get_extra_info("sslcontext") is client
        writer.write(b"secret\n")
        assert await reader.readline() == b"secret\n"
        assert await reader.read() == b""


async def test_going_on_with_tls_may_fail(loop, aio, contexts):
    async def handler(reader, writer):
        await reader.read(1)
        writer.close()

    async with served(aio, handler) as address:
        _, writer = await aio.open_connection(*address)
        with pytest.raises(TypeError):
            await writer.start_tls(contexts[1], nonsense=True)
        with pytest.raises(ConnectionError):
            await writer.start_tls(contexts[1], server_hostname="localhost")
        writer.transport.abort()


async def test_a_process_is_fed_and_read_by_streams(loop, aio):
    code = "import sys\nfor line in sys.stdin: print(line.strip().upper(), flush=True)\nprint('end', file=sys.stderr)"
    process = await aio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        limit=1000,
    )
    assert type(process.stdin) is aio.StreamWriter
    assert type(process.stdout) is type(process.stderr) is aio.StreamReader
    assert process.stdout._limit == 1000
    for word in (b"one", b"two"):
        process.stdin.write(word + b"\n")
        await process.stdin.drain()
        assert await process.stdout.readline() == word.upper() + b"\n"
    process.stdin.close()
    await process.stdin.wait_closed()
    assert await process.stderr.read() == b"end\n"
    assert await process.wait() == process.returncode == 0


@pytest.mark.parametrize("fd", [1, 2])
async def test_a_reader_in_the_place_of_a_processs_own_gets_what_arrives(loop, aio, fd):
    class Reader(aio.StreamReader):
        def feed_data(self, data):
            fed.append(data)
            super().feed_data(data)

    fed = []
    process = await aio.create_subprocess_shell(
        f"cat >&{fd}", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    first = process.stdout if fd == 1 else process.stderr
    process.stdin.write(b"one\n")
    assert await first.readline() == b"one\n"
    second = Reader(loop=loop)
    setattr(process._protocol, {1: "stdout", 2: "stderr"}[fd], second)
    process.stdin.write(b"two\n")
    assert await second.readline() == b"two\n"
    assert fed == [b"two\n"]
    process.stdin.close()
    assert await second.read() == b""
    await process.wait()


async def read_over_a_socket(aio, contexts):
    async with served(aio, echo) as address, connected(aio, address) as (reader, writer):
        while True:
            writer.write(b"data\n")
            yield await reader.readline()


async def read_over_tls(aio, contexts):
    server, client = contexts
    options = {"ssl": client, "server_hostname": "localhost"}
    async with (
        served(aio, echo, ssl=server) as address,
        connected(aio, address, **options) as (reader, writer),
    ):
        while True:
            writer.write(b"data\n")
            yield await reader.readline()


async def read_from_a_pipe(aio, contexts):
    loop = asyncio.get_running_loop()
    reader = aio.StreamReader()
    end, other = os.pipe()
    protocol = aio.StreamReaderProtocol(reader)
    transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(end, "rb", 0))
    try:
        while True:
            os.write(other, b"data\n")
            yield await reader.readline()
    finally:
        os.close(other)
        assert await reader.read() == b""
        transport.close()
        await asyncio.sleep(0)


async def read_from_a_process(aio, contexts):
    process = await aio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    while True:
        process.stdin.write(b"data\n")
        try:
            yield await process.stdout.readline()
        except GeneratorExit:
            process.stdin.close()
            await process.wait()
            raise


WAYS = [read_over_a_socket, read_over_tls, read_from_a_pipe, read_from_a_process]


REPLACED = [(way, "StreamReader.feed_data") for way in WAYS]
# Another protocol reads from a process.
REPLACED += [(way, "StreamReaderProtocol.data_received") for way in WAYS if way is not read_from_a_process]


@pytest.mark.parametrize(("way", "method"), REPLACED, ids=lambda value: getattr(value, "__name__", value))
async def test_a_method_that_is_put_into_the_class_later_gets_what_arrives(loop, aio, contexts, way, method):
    class_name, name = method.split(".")
    cls = getattr(aio, class_name)
    own = vars(cls)[name]
    got = []

    def replacement(self, data):
        got.append(data)
        return own(self, data)

    lines = way(aio, contexts)
    async with contextlib.aclosing(lines):
        assert await anext(lines) == b"data\n"
        assert got == []
        with mock.patch.object(cls, name, replacement):
            assert await anext(lines) == b"data\n"
            assert await anext(lines) == b"data\n"
        assert b"".join(got).count(b"data\n") >= 2
        assert vars(cls)[name] is own
        got.clear()
        assert await anext(lines) == b"data\n"
        assert got == []


async def test_communicate_gives_everything_in_both_directions(loop, aio):
    process = await aio.create_subprocess_shell(
        "cat; echo problem >&2; exit 3",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    data = b"x" * 1_000_000
    assert await process.communicate(data) == (data, b"problem\n")
    assert process.returncode == 3


async def test_communicate_does_without_pipes_and_input(loop, aio):
    process = await aio.create_subprocess_shell("exit 0")
    assert process.stdin is process.stdout is process.stderr is None
    assert await process.communicate() == (None, None)
    process = await aio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert await process.communicate(b"") == (b"", None)


async def test_communicate_does_not_mind_a_process_that_does_not_read(loop, aio):
    process = await aio.create_subprocess_exec("true", stdin=subprocess.PIPE)
    assert await process.communicate(b"x" * 1_000_000) == (None, None)
    assert process.returncode == 0


async def test_a_killed_process_ends_its_streams(loop, aio):
    process = await aio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    reading = loop.create_task(process.stdout.read())
    process.kill()
    assert await process.wait() == -9
    assert await reading == b""
    process.stdin.close()


async def test_a_cancelled_communicate_leaves_a_process_that_can_be_ended(loop, aio):
    process = await aio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(process.stdout.read(), 0.01)
    process.stdin.close()
    assert await process.communicate() == (b"", None)


async def test_a_program_that_is_not_there_raises(loop, aio):
    with pytest.raises(FileNotFoundError):
        await aio.create_subprocess_exec("/no/such/program")


async def test_a_pipe_feeds_a_reader(loop, aio):
    ours, theirs = os.pipe()
    reader = aio.StreamReader(loop=loop)
    transport, protocol = await loop.connect_read_pipe(
        lambda: aio.StreamReaderProtocol(reader, loop=loop),
        open(ours, "rb", 0),  # noqa: SIM115
    )
    assert type(protocol) is aio.StreamReaderProtocol
    os.write(theirs, b"one\ntwo")
    assert await reader.readline() == b"one\n"
    os.close(theirs)
    assert await reader.read() == b"two"
    transport.close()


async def test_a_pipe_takes_from_a_writer(loop, aio):
    theirs, ours = os.pipe()
    with open(theirs, "rb", 0) as end:
        transport, protocol = await loop.connect_write_pipe(
            lambda: aio.StreamReaderProtocol(aio.StreamReader(loop=loop), loop=loop),
            open(ours, "wb", 0),  # noqa: SIM115
        )
        writer = aio.StreamWriter(transport, protocol, None, loop)
        writer.write(b"data")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert end.read() == b"data"
