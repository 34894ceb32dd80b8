"""sendfile() over a transport."""

import array
import asyncio
import io

import pytest

from tests.harness import Recorder, receive_all, receive_exactly, reset, transport_and_peer


@pytest.fixture
def file(tmp_path):
    """An open file, and its content."""
    content = array.array("I", range(1 << 20)).tobytes()
    (tmp_path / "file").write_bytes(content)
    with open(tmp_path / "file", "rb") as file:
        yield file, content


async def test_a_file_is_sent_after_what_was_written_before(loop, file):
    file, content = file
    async with transport_and_peer(loop) as (transport, protocol, peer):
        transport.write(b"before" + bytes(1 << 20))
        sending = loop.create_task(loop.sendfile(transport, file))
        expected = b"before" + bytes(1 << 20) + content
        assert await receive_exactly(loop, peer, len(expected)) == expected
        assert await sending == len(content)
        assert file.tell() == len(content)
        transport.write(b"after")
        transport.close()
        assert await receive_all(loop, peer) == b"after"
        assert await protocol.lost() is None


async def test_a_part_of_a_file_is_sent(loop, file):
    file, content = file
    async with transport_and_peer(loop) as (transport, _, peer):
        assert await loop.sendfile(transport, file, 1000, 500) == 500
        assert await receive_exactly(loop, peer, 500) == content[1000:1500]
        assert file.tell() == 1500
        assert await loop.sendfile(transport, file, offset=len(content) - 3, count=1000) == 3
        assert await receive_exactly(loop, peer, 3) == content[-3:]
        assert await loop.sendfile(transport, file, offset=len(content)) == 0


async def test_something_like_a_file_is_sent_by_reading_it(loop):
    async with transport_and_peer(loop) as (transport, protocol, peer):
        assert await loop.sendfile(transport, io.BytesIO(b"0123456789"), 2, 5) == 5
        assert await receive_exactly(loop, peer, 5) == b"23456"
        with pytest.raises(asyncio.SendfileNotAvailableError):
            await loop.sendfile(transport, io.BytesIO(b"0123456789"), fallback=False)
        peer.send(b"still connected")
        assert await protocol.got(15) == b"still connected"


async def test_writing_meanwhile_is_a_runtime_error(loop, file):
    file, content = file
    async with transport_and_peer(loop) as (transport, _, peer):
        sending = loop.create_task(loop.sendfile(transport, file))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not sending.done()
        with pytest.raises(RuntimeError, match=r"^unable to write; sendfile is in progress$"):
            transport.write(b"data")
        await receive_exactly(loop, peer, len(content))
        await sending
        transport.write(b"data")
        assert await receive_exactly(loop, peer, 4) == b"data"


async def test_reading_is_paused_meanwhile_and_goes_on_afterwards(loop, file):
    file, content = file
    async with transport_and_peer(loop) as (transport, protocol, peer):
        peer.send(b"early")
        sending = loop.create_task(loop.sendfile(transport, file))
        await receive_exactly(loop, peer, len(content))
        await sending
        assert transport.is_reading()
        assert await protocol.got(5) == b"early"


async def test_a_transport_that_is_closing_is_a_runtime_error(loop, file):
    async with transport_and_peer(loop) as (transport, _, _):
        transport.close()
        with pytest.raises(RuntimeError, match=r"^Transport is closing$"):
            await loop.sendfile(transport, file[0])


async def test_a_transport_of_another_kind_is_a_runtime_error(loop, file):
    class Other(asyncio.Transport):
        def is_closing(self):
            return False

    with pytest.raises(RuntimeError, match=r"^sendfile is not supported for transport "):
        await loop.sendfile(Other(), file[0])


async def test_a_peer_that_goes_meanwhile_is_an_error(loop, file):
    file, _ = file
    async with transport_and_peer(loop, Recorder()) as (transport, _, peer):
        sending = loop.create_task(loop.sendfile(transport, file))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not sending.done()
        reset(peer)
        with pytest.raises(ConnectionError):
            await sending


async def test_a_cancelled_sendfile_leaves_the_transport_usable(loop, file):
    file, content = file
    async with transport_and_peer(loop) as (transport, protocol, peer):
        sending = loop.create_task(loop.sendfile(transport, file))
        for _ in range(3):
            await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        transport.write(b"the end")
        transport.close()
        received = await receive_all(loop, peer)
        assert received.endswith(b"the end")
        assert content.startswith(received[: -len(b"the end")])
        assert await protocol.lost() is None
