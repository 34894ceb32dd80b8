"""What is left of a Unix server's file when the server is closed: nothing since Python 3.13, all before."""

import logging
import os
import socket

import pytest

from tests.harness import PY, Made, Recorder

REMOVES = PY >= (3, 13)
removes = pytest.mark.skipif(not REMOVES, reason="cleanup_socket is new in 3.13")


async def close(server):
    server.close()
    await server.wait_closed()


async def test_close_removes_the_file_since_python_3_13(loop, tmp_path):
    path = tmp_path / "socket"
    server = await loop.create_unix_server(Made(), path)
    assert path.is_socket()
    await close(server)
    assert path.exists() is not REMOVES


@removes
async def test_close_removes_the_file_at_once(loop, tmp_path):
    path = tmp_path / "socket"
    server = await loop.create_unix_server(Made(), path)
    server.close()
    assert not path.exists()
    server.close()
    await server.wait_closed()


@removes
async def test_the_file_of_a_socket_that_was_given_is_removed_too(loop, tmp_path):
    path = tmp_path / "socket"
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    await close(await loop.create_unix_server(Made(), sock=sock))
    assert not path.exists()


@removes
async def test_the_file_stays_if_that_is_asked_for(loop, tmp_path):
    path = tmp_path / "socket"
    await close(await loop.create_unix_server(Made(), path, cleanup_socket=False))
    assert path.is_socket()


@pytest.mark.skipif(REMOVES, reason="cleanup_socket is new in 3.13")
async def test_the_option_is_unknown_before_python_3_13(loop, tmp_path):
    with pytest.raises(TypeError, match="cleanup_socket"):
        await loop.create_unix_server(Made(), tmp_path / "socket", cleanup_socket=True)


async def test_a_file_that_took_the_place_of_ours_stays(loop, tmp_path):
    path = tmp_path / "socket"
    server = await loop.create_unix_server(Made(), path)
    path.rename(tmp_path / "ours")  # so that its inode number is not used again
    path.write_text("somebody else's")
    await close(server)
    assert path.read_text() == "somebody else's"


async def test_the_file_of_a_second_server_survives_the_first(loop, tmp_path):
    path = tmp_path / "socket"
    first = await loop.create_unix_server(Made(), path)
    os.link(path, tmp_path / "first")  # so that its inode number is not used again
    made = Made()
    async with await loop.create_unix_server(made, path):
        await close(first)
        assert path.is_socket()
        transport, client = await loop.create_unix_connection(Recorder, path)
        await made.connected(1)
        transport.close()
        await client.lost()
        await made[0].lost()


async def test_a_file_that_is_gone_already_is_no_error(loop, tmp_path, caplog):
    path = tmp_path / "socket"
    with caplog.at_level(logging.DEBUG, "asyncio"):
        server = await loop.create_unix_server(Made(), path)
        path.unlink()
        await close(server)
    assert caplog.messages == []


@removes
async def test_a_file_that_cannot_be_looked_at_is_logged(loop, tmp_path, caplog):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = str(folder / "socket")
    server = await loop.create_unix_server(Made(), path)
    folder.rename(tmp_path / "moved")
    folder.touch()
    with caplog.at_level(logging.ERROR, "asyncio"):
        await close(server)
    (message,) = caplog.messages
    assert message.startswith(f"Unable to clean up listening UNIX socket {path!r}: NotADirectoryError(")


async def test_connections_outlive_the_file(loop, tmp_path):
    path = tmp_path / "socket"
    made = Made()
    server = await loop.create_unix_server(made, path)
    transport, client = await loop.create_unix_connection(Recorder, path)
    await made.connected(1)
    server.close()
    path.unlink(missing_ok=True)
    transport.write(b"still here")
    assert await made[0].got(10) == b"still here"
    made[0].transport.close()
    await client.lost()
    await made[0].lost()
    await server.wait_closed()
