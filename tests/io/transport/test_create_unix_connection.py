"""create_unix_connection() and the streams over it: making connections, what they know, what is refused."""

import asyncio
import os
import pathlib
import socket

import pytest

from tests.harness import Made, Recorder, finish, receive_exactly, socket_pair

NOT_A_STREAM = r"^A UNIX Domain Stream Socket was expected, got <socket"


@pytest.fixture
def path(tmp_path):
    """The path of a listener that lets connections wait in its queue."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        yield str(tmp_path / "socket")


@pytest.mark.parametrize("kind", [str, os.fsencode, pathlib.Path])
async def test_a_path_is_text_or_bytes_or_path_like(loop, path, kind):
    transport, protocol = await loop.create_unix_connection(Recorder, kind(path))
    assert protocol.transport is transport
    assert protocol.calls == ["connection_made"]
    assert isinstance(transport, asyncio.Transport)
    await finish(protocol)


async def test_each_side_knows_the_path(loop, tmp_path):
    made = Made()
    path = str(tmp_path / "socket")
    async with await loop.create_unix_server(made, path):
        transport, client = await loop.create_unix_connection(Recorder, path)
        await made.connected(1)
        assert transport.get_extra_info("peername") == path
        assert transport.get_extra_info("sockname") == ""
        assert transport.get_extra_info("socket").family == socket.AF_UNIX
        accepted = made[0].transport
        assert accepted.get_extra_info("sockname") == path
        assert accepted.get_extra_info("peername") == ""
        await finish(client, *made)


async def test_an_abstract_name_is_known_as_bytes(loop):
    made = Made()
    name = f"\0ferrio-{os.getpid()}"
    async with await loop.create_unix_server(made, name):
        transport, client = await loop.create_unix_connection(Recorder, name)
        await made.connected(1)
        assert transport.get_extra_info("peername") == name.encode()
        assert made[0].transport.get_extra_info("sockname") == name.encode()
        await finish(client, *made)


async def test_a_client_that_bound_its_socket_has_a_name_at_the_server(loop, tmp_path):
    made = Made()
    async with await loop.create_unix_server(made, tmp_path / "server"):
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(tmp_path / "client"))
        sock.connect(str(tmp_path / "server"))
        transport, client = await loop.create_unix_connection(Recorder, sock=sock)
        await made.connected(1)
        assert made[0].transport.get_extra_info("peername") == str(tmp_path / "client")
        assert transport.get_extra_info("sockname") == str(tmp_path / "client")
        await finish(client, *made)


async def test_a_connected_socket_is_used_and_made_non_blocking(loop):
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    with theirs:
        assert ours.gettimeout() is None
        transport, protocol = await loop.create_unix_connection(Recorder, sock=ours)
        assert ours.gettimeout() == 0
        theirs.send(b"hello")
        assert await protocol.got(5) == b"hello"
        transport.write(b"answer")
        assert await receive_exactly(loop, theirs, 6) == b"answer"
        await finish(protocol)


async def test_a_path_at_which_nothing_is_is_file_not_found(loop, tmp_path):
    with pytest.raises(FileNotFoundError):
        await loop.create_unix_connection(Recorder, tmp_path / "nothing")


async def test_a_path_at_which_nobody_listens_refuses(loop, tmp_path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "socket"))
    (tmp_path / "file").touch()
    for name in ("socket", "file"):
        with pytest.raises(ConnectionRefusedError):
            await loop.create_unix_connection(Recorder, tmp_path / name)


async def test_a_path_that_is_too_long_is_an_os_error(loop, tmp_path):
    with pytest.raises(OSError, match="AF_UNIX path too long"):
        await loop.create_unix_connection(Recorder, tmp_path / ("long" * 50))


@pytest.mark.parametrize("path", [1, 1.5, ["path"]])
async def test_what_is_no_path_is_a_type_error(loop, path):
    with pytest.raises(TypeError, match=r"os\.PathLike"):
        await loop.create_unix_connection(Recorder, path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"^no path and sock were specified$"),
        ({"path": "p", "server_hostname": "h"}, r"^server_hostname is only meaningful with ssl$"),
        (
            {"path": "p", "ssl_handshake_timeout": 1.0},
            r"^ssl_handshake_timeout is only meaningful with ssl$",
        ),
        ({"path": "p", "ssl_shutdown_timeout": 1.0}, r"^ssl_shutdown_timeout is only meaningful with ssl$"),
        ({"path": "p", "ssl": True}, r"^you have to pass server_hostname when using ssl$"),
    ],
)
async def test_options_that_do_not_fit_together_are_a_value_error(loop, options, message):
    with pytest.raises(ValueError, match=message):
        await loop.create_unix_connection(Recorder, **options)


async def test_a_path_and_a_socket_are_a_value_error(loop, path):
    with socket_pair() as (ours, theirs):
        with pytest.raises(ValueError, match=r"^path and sock can not be specified at the same time$"):
            await loop.create_unix_connection(Recorder, path, sock=ours)
        assert theirs.send(b"untouched") == 9


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (socket.AF_INET, socket.SOCK_STREAM),
        (socket.AF_UNIX, socket.SOCK_DGRAM),
        (socket.AF_UNIX, socket.SOCK_SEQPACKET),
    ],
)
async def test_a_socket_of_another_kind_is_a_value_error(loop, family, kind):
    with socket.socket(family, kind) as sock:
        with pytest.raises(ValueError, match=NOT_A_STREAM):
            await loop.create_unix_connection(Recorder, sock=sock)


async def test_streams_talk_over_a_path(loop, tmp_path):
    async def shout(reader, writer):
        writer.write((await reader.readline()).upper())
        writer.close()
        await writer.wait_closed()
        served.set_result(None)

    served = loop.create_future()
    async with await asyncio.start_unix_server(shout, tmp_path / "socket"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "socket")
        writer.write(b"hello\n")
        assert await reader.read() == b"HELLO\n"
        writer.close()
        await writer.wait_closed()
        await served
