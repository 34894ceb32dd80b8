"""create_unix_server(): paths, existing files at the path, and wrong arguments."""

import errno
import logging
import os
import pathlib
import socket

import pytest

from tests.harness import Made, Recorder, finish

NOT_A_STREAM = r"^A UNIX Domain Stream Socket was expected, got <socket"


def stale_socket(path):
    """Leave behind the file of a socket that no longer listens."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


async def talk(loop, path):
    """Connect to the path, and have one message go there."""
    _, client = await loop.create_unix_connection(Recorder, path)
    client.transport.write(b"hello")
    return client


@pytest.mark.parametrize("kind", [str, os.fsencode, pathlib.Path])
async def test_a_path_is_text_or_bytes_or_path_like(loop, tmp_path, kind):
    made = Made()
    path = kind(str(tmp_path / "socket"))
    async with await loop.create_unix_server(made, path) as server:
        assert server.sockets[0].getsockname() == str(tmp_path / "socket")
        client = await talk(loop, path)
        await made.connected(1)
        assert await made[0].got(5) == b"hello"
        await finish(client, *made)


async def test_a_path_need_not_be_text_in_any_encoding(loop, tmp_path):
    made = Made()
    path = os.fsencode(tmp_path) + b"/\xff\xfe"
    async with await loop.create_unix_server(made, path) as server:
        assert server.sockets[0].getsockname() == os.fsdecode(path)
        client = await talk(loop, os.fsdecode(path))
        await made.connected(1)
        assert await made[0].got(5) == b"hello"
        await finish(client, *made)


@pytest.mark.parametrize("kind", [str, str.encode])
async def test_an_abstract_name_needs_no_file(loop, kind):
    made = Made()
    name = f"\0ferrio-{os.getpid()}"
    async with await loop.create_unix_server(made, kind(name)) as server:
        assert server.sockets[0].getsockname() == name.encode()
        client = await talk(loop, kind(name))
        await made.connected(1)
        assert await made[0].got(5) == b"hello"
        await finish(client, *made)


async def test_the_file_of_a_server_that_is_gone_is_replaced(loop, tmp_path):
    stale_socket(tmp_path / "socket")
    before = os.stat(tmp_path / "socket").st_ino
    holder = os.open(tmp_path / "socket", os.O_PATH)  # or the new file may get the number of the old one
    try:
        async with await loop.create_unix_server(Made(), tmp_path / "socket"):
            assert os.stat(tmp_path / "socket").st_ino != before
    finally:
        os.close(holder)


async def test_even_the_file_of_a_server_that_listens_is_replaced(loop, tmp_path):
    first, second = Made(), Made()
    async with await loop.create_unix_server(first, tmp_path / "socket"):
        async with await loop.create_unix_server(second, tmp_path / "socket"):
            client = await talk(loop, tmp_path / "socket")
            await second.connected(1)
            assert await second[0].got(5) == b"hello"
            assert first == []
            await finish(client, *second)


@pytest.mark.parametrize("make", [pathlib.Path.touch, pathlib.Path.mkdir])
async def test_what_is_no_socket_is_left_alone_and_in_the_way(loop, tmp_path, make):
    path = tmp_path / "thing"
    make(path)
    with pytest.raises(OSError) as caught:
        await loop.create_unix_server(Made(), path)
    assert caught.value.errno == errno.EADDRINUSE
    assert caught.value.strerror == f"Address {str(path)!r} is already in use"
    assert caught.value.__suppress_context__
    assert path.exists()


async def test_an_abstract_name_in_use_is_an_os_error(loop):
    name = f"\0ferrio-{os.getpid()}"
    async with await loop.create_unix_server(Made(), name):
        with pytest.raises(OSError, match="is already in use") as caught:
            await loop.create_unix_server(Made(), name)
    assert caught.value.errno == errno.EADDRINUSE


async def test_a_symbolic_link_to_nothing_is_in_the_way(loop, tmp_path):
    path = tmp_path / "link"
    path.symlink_to(tmp_path / "nothing")
    with pytest.raises(OSError, match="is already in use"):
        await loop.create_unix_server(Made(), path)
    assert path.is_symlink()


async def test_a_folder_that_does_not_exist_is_an_os_error(loop, tmp_path):
    with pytest.raises(FileNotFoundError):
        await loop.create_unix_server(Made(), tmp_path / "folder" / "socket")


async def test_a_path_that_cannot_be_looked_at_is_logged_before_binding_fails(loop, tmp_path, caplog):
    (tmp_path / "file").touch()
    path = str(tmp_path / "file" / "socket")
    with caplog.at_level(logging.ERROR, "asyncio"), pytest.raises(NotADirectoryError):
        await loop.create_unix_server(Made(), path)
    (message,) = caplog.messages
    assert message.startswith(f"Unable to check or remove stale UNIX socket {path!r}: NotADirectoryError(")


async def test_a_path_that_is_too_long_is_an_os_error(loop, tmp_path):
    with pytest.raises(OSError, match="AF_UNIX path too long"):
        await loop.create_unix_server(Made(), tmp_path / ("long" * 50))


@pytest.mark.parametrize("path", [1, 1.5, ["path"]])
async def test_what_is_no_path_is_a_type_error(loop, path):
    with pytest.raises(TypeError, match=r"os\.PathLike"):
        await loop.create_unix_server(Made(), path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"^path was not specified, and no sock specified$"),
        (
            {"path": "p", "ssl_handshake_timeout": 1.0},
            r"^ssl_handshake_timeout is only meaningful with ssl$",
        ),
        ({"path": "p", "ssl_shutdown_timeout": 1.0}, r"^ssl_shutdown_timeout is only meaningful with ssl$"),
    ],
)
async def test_options_that_do_not_fit_together_are_a_value_error(loop, options, message):
    with pytest.raises(ValueError, match=message):
        await loop.create_unix_server(Made(), **options)


async def test_a_path_and_a_socket_are_a_value_error(loop, tmp_path):
    with socket.socket(socket.AF_UNIX) as sock:
        with pytest.raises(ValueError, match=r"^path and sock can not be specified at the same time$"):
            await loop.create_unix_server(Made(), tmp_path / "socket", sock=sock)
    assert not (tmp_path / "socket").exists()


@pytest.mark.parametrize("ssl", [True, False])
async def test_a_flag_instead_of_an_ssl_context_is_a_type_error(loop, tmp_path, ssl):
    with pytest.raises(TypeError, match=r"^ssl argument must be an SSLContext or None$"):
        await loop.create_unix_server(Made(), tmp_path / "socket", ssl=ssl)
    assert not (tmp_path / "socket").exists()


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
            await loop.create_unix_server(Made(), sock=sock)


async def test_a_bound_socket_is_used_and_made_non_blocking(loop, tmp_path):
    made = Made()
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(tmp_path / "socket"))
    async with await loop.create_unix_server(made, sock=sock):
        assert sock.gettimeout() == 0
        client = await talk(loop, tmp_path / "socket")
        await made.connected(1)
        assert await made[0].got(5) == b"hello"
        await finish(client, *made)


@pytest.mark.skipif(not hasattr(socket, "SOCK_NONBLOCK"), reason="no SOCK_NONBLOCK")
async def test_a_socket_made_with_flags_is_a_stream_socket_too(loop, tmp_path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    sock.bind(str(tmp_path / "socket"))
    async with await loop.create_unix_server(Made(), sock=sock) as server:
        assert server.is_serving()


async def test_a_server_told_not_to_start_refuses_until_it_does(loop, tmp_path):
    made = Made()
    server = await loop.create_unix_server(made, tmp_path / "socket", start_serving=False)
    async with server:
        assert not server.is_serving()
        with pytest.raises(ConnectionRefusedError):
            await loop.create_unix_connection(Recorder, tmp_path / "socket")
        await server.start_serving()
        client = await talk(loop, tmp_path / "socket")
        await made.connected(1)
        await finish(client, *made)


async def test_fifty_clients_are_served_at_once(loop, tmp_path):
    made = Made()
    async with await loop.create_unix_server(made, tmp_path / "socket"):
        clients = [await talk(loop, tmp_path / "socket") for _ in range(50)]
        await made.connected(50)
        for protocol in made:
            assert await protocol.got(5) == b"hello"
        await finish(*clients, *made)
