"""sock_sendfile(): empty files, files that the kernel does not send, cancellation, errors."""

import asyncio
import errno
import os

import pytest

from tests.harness import fill, receive_all, receive_exactly, small_buffers, socket_pair, tcp_pair

CONTENT = bytes(range(256)) * 8192


@pytest.fixture
def file(tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    with open(tmp_path / "file", "rb") as file:
        yield file


class NotAFile:
    """What has a `fileno` that is no descriptor, but can be read."""

    mode = "rb"

    def __init__(self, number):
        self.number = number
        self.rest = b"0123456789"

    def fileno(self):
        return self.number

    def readinto(self, buffer):
        data, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


async def test_an_empty_file_is_sent_at_once(loop, tmp_path):
    (tmp_path / "empty").touch()
    with socket_pair() as (ours, _), open(tmp_path / "empty", "rb") as empty:
        assert await loop.sock_sendfile(ours, empty, fallback=False) == 0


async def test_what_has_no_descriptor_is_read_instead_if_allowed(loop):
    with socket_pair() as (ours, theirs):
        with pytest.raises(asyncio.SendfileNotAvailableError, match=r"^not a regular file$"):
            await loop.sock_sendfile(ours, NotAFile(-1), fallback=False)
        assert await loop.sock_sendfile(ours, NotAFile(-1)) == 10
        assert await receive_exactly(loop, theirs, 10) == b"0123456789"


async def test_a_blocking_socket_is_refused_in_debug_mode(loop, file):
    loop.set_debug(True)
    with socket_pair() as (ours, _):
        ours.setblocking(True)
        with pytest.raises(ValueError, match="the socket must be non-blocking"):
            await loop.sock_sendfile(ours, file)


async def test_a_cancelled_sendfile_leaves_no_writer_and_sends_no_more(loop, file):
    ours, theirs = tcp_pair()
    with ours, theirs:
        small_buffers(ours)
        small_buffers(theirs)
        sending = loop.create_task(loop.sock_sendfile(ours, file))
        first = await receive_exactly(loop, theirs, 1000)
        assert not sending.done()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert loop.remove_writer(ours) is False
        ours.close()
        received = first + await receive_all(loop, theirs)
        assert len(received) < len(CONTENT)
        assert CONTENT.startswith(received)


async def test_a_sendfile_cancelled_before_there_was_room_sends_nothing(loop, file):
    with socket_pair() as (ours, theirs):
        filled = fill(ours)
        sending = loop.create_task(loop.sock_sendfile(ours, file, 100))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert loop.remove_writer(ours) is False
        await receive_exactly(loop, theirs, filled)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)


async def test_a_peer_that_goes_meanwhile_is_an_error(loop, file):
    with socket_pair() as (ours, theirs):
        fill(ours)
        sending = loop.create_task(loop.sock_sendfile(ours, file))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        theirs.close()
        with pytest.raises(ConnectionError):
            await sending
        assert loop.remove_writer(ours) is False
        os.fstat(file.fileno())


async def test_a_file_that_the_kernel_will_not_send_is_read_instead_if_allowed(loop, file, monkeypatch):
    def refuse(*args):
        raise OSError(errno.EINVAL, "refused")

    monkeypatch.setattr(os, "sendfile", refuse)
    with socket_pair() as (ours, theirs):
        with pytest.raises(asyncio.SendfileNotAvailableError, match=r"^os\.sendfile call failed$"):
            await loop.sock_sendfile(ours, file, fallback=False)
        assert file.tell() == 0
        sending = loop.create_task(loop.sock_sendfile(ours, file))
        assert await receive_exactly(loop, theirs, len(CONTENT)) == CONTENT
        assert await sending == len(CONTENT)


async def test_an_error_in_the_middle_is_raised_and_the_position_is_behind_what_was_sent(
    loop, file, monkeypatch
):
    real, calls = os.sendfile, []

    def once(out, source, offset, count):
        calls.append(offset)
        if len(calls) > 1:
            raise OSError(errno.EIO, "broken")
        return real(out, source, offset, 1000)

    monkeypatch.setattr(os, "sendfile", once)
    with socket_pair() as (ours, theirs):
        with pytest.raises(OSError, match="broken"):
            await loop.sock_sendfile(ours, file)
        assert calls == [0, 1000]
        assert file.tell() == 1000
        assert await receive_exactly(loop, theirs, 1000) == CONTENT[:1000]
        assert loop.remove_writer(ours) is False
