"""sock_sendall(), sock_sendto() and sock_sendfile()."""

import array
import asyncio
import io
import socket

import pytest

from tests.harness import fill, receive_exactly, reset, small_buffers, socket_pair, tcp_pair

MEGABYTE = 1 << 20


@pytest.fixture
def pair():
    with socket_pair() as sockets:
        yield sockets


async def test_a_little_data_is_sent_at_once(loop, pair):
    ours, theirs = pair
    ran = []
    loop.call_soon(ran.append, 1)
    assert await loop.sock_sendall(ours, b"data") is None
    assert ran == []
    assert theirs.recv(100) == b"data"


@pytest.mark.parametrize(
    "data", [b"data", bytearray(b"data"), memoryview(b"data"), memoryview(b".data.")[1:-1]]
)
async def test_any_bytes_like_object_can_be_sent(loop, pair, data):
    ours, theirs = pair
    await loop.sock_sendall(ours, data)
    assert theirs.recv(100) == b"data"


async def test_nothing_to_send_is_sent_at_once(loop, pair):
    await loop.sock_sendall(pair[0], b"")
    pair[0].close()
    assert pair[1].recv(100) == b""


@pytest.mark.parametrize("data", ["text", None, 42])
async def test_what_is_not_bytes_is_a_type_error(loop, pair, data):
    with pytest.raises(TypeError):
        await loop.sock_sendall(pair[0], data)


async def test_sixty_four_megabytes_arrive_whole_at_a_slow_reader(loop, pair):
    ours, theirs = pair
    pattern = bytes(range(256)) * 257
    data = pattern * (64 * MEGABYTE // len(pattern))
    sender = loop.create_task(loop.sock_sendall(ours, data))
    received = bytearray()
    while len(received) < len(data):
        assert not sender.done() or len(data) - len(received) < 4 * MEGABYTE
        received += await loop.sock_recv(theirs, MEGABYTE)
        await asyncio.sleep(0)
    await sender
    assert received == data


async def test_sending_waits_while_nobody_reads(loop, pair):
    ours, theirs = pair
    taken = fill(ours)
    sender = loop.create_task(loop.sock_sendall(ours, b"last"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not sender.done()
    assert (await receive_exactly(loop, theirs, taken + 4)).endswith(b"xlast")
    await sender
    assert loop.remove_writer(ours) is False


async def test_both_directions_can_be_full_at_once(loop, pair):
    left, right = pair
    data = bytes(MEGABYTE) + b"end"
    results = await asyncio.gather(
        loop.sock_sendall(left, data),
        loop.sock_sendall(right, data),
        receive_exactly(loop, left, len(data)),
        receive_exactly(loop, right, len(data)),
    )
    assert results == [None, None, data, data]


async def test_a_buffer_that_waits_cannot_be_resized(loop, pair):
    ours, theirs = pair
    data = bytearray(4 * MEGABYTE)
    sender = loop.create_task(loop.sock_sendall(ours, data))
    await asyncio.sleep(0)
    with pytest.raises(BufferError):
        data.clear()
    await receive_exactly(loop, theirs, len(data))
    await sender
    del sender
    await asyncio.sleep(0)


async def test_a_cancelled_send_stops_sending_and_leaves_no_writer(loop, pair):
    ours, theirs = pair
    sender = loop.create_task(loop.sock_sendall(ours, bytes(8 * MEGABYTE)))
    await asyncio.sleep(0)
    sender.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sender
    assert loop.remove_writer(ours) is False
    ours.close()
    received = 0
    while data := await loop.sock_recv(theirs, MEGABYTE):
        received += len(data)
    assert received < 8 * MEGABYTE


async def test_a_send_cancelled_before_it_starts_sends_nothing(loop, pair):
    ours, theirs = pair
    sender = loop.create_task(loop.sock_sendall(ours, b"data"))
    sender.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sender
    with pytest.raises(BlockingIOError):
        theirs.recv(100)


async def test_a_peer_that_goes_while_we_send_is_an_error(loop):
    ours, theirs = tcp_pair()
    small_buffers(ours)
    with ours:
        sender = loop.create_task(loop.sock_sendall(ours, bytes(16 * MEGABYTE)))
        await asyncio.sleep(0)
        assert not sender.done()
        reset(theirs)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            await sender
        assert loop.remove_writer(ours) is False


async def test_a_peer_that_is_gone_is_an_error(loop, pair):
    ours, theirs = pair
    theirs.close()
    with pytest.raises(BrokenPipeError):
        await loop.sock_sendall(ours, b"data")


async def test_a_closed_socket_is_an_os_error(loop, pair):
    pair[0].close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await loop.sock_sendall(pair[0], b"data")


async def test_a_blocking_socket_is_refused_in_debug_mode(loop, pair):
    ours, _ = pair
    ours.setblocking(True)
    loop.set_debug(True)
    with pytest.raises(ValueError, match=r"^the socket must be non-blocking$"):
        await loop.sock_sendall(ours, b"data")
    with pytest.raises(ValueError, match=r"^the socket must be non-blocking$"):
        await loop.sock_sendto(ours, b"data", ("127.0.0.1", 1))
    with pytest.raises(ValueError, match=r"^the socket must be non-blocking$"):
        await loop.sock_sendfile(ours, io.BytesIO())


async def test_sendto_sends_a_datagram_and_tells_its_length(loop):
    with socket.socket(type=socket.SOCK_DGRAM) as left, socket.socket(type=socket.SOCK_DGRAM) as right:
        for sock in (left, right):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        for data in (b"data", bytearray(b"more"), b""):
            assert await loop.sock_sendto(left, data, right.getsockname()) == len(data)
            assert await loop.sock_recvfrom(right, 100) == (data, left.getsockname())


async def test_a_datagram_that_is_too_long_is_an_os_error(loop):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        with pytest.raises(OSError, match="too long"):
            await loop.sock_sendto(sock, bytes(100_000), ("127.0.0.1", 9))


@pytest.fixture
def file(tmp_path):
    content = array.array("I", range(MEGABYTE // 4)).tobytes()
    (tmp_path / "file").write_bytes(content)
    with open(tmp_path / "file", "rb") as file:
        yield file, content


async def test_a_file_is_sent_and_its_position_moves(loop, file):
    file, content = file
    ours, theirs = tcp_pair()
    with ours, theirs:
        sender = loop.create_task(loop.sock_sendfile(ours, file))
        assert await receive_exactly(loop, theirs, len(content)) == content
        assert await sender == len(content)
        assert file.tell() == len(content)


async def test_a_part_of_a_file_is_sent(loop, file):
    file, content = file
    ours, theirs = tcp_pair()
    with ours, theirs:
        assert await loop.sock_sendfile(ours, file, 1000, 2000) == 2000
        assert await receive_exactly(loop, theirs, 2000) == content[1000:3000]
        assert file.tell() == 3000
        assert await loop.sock_sendfile(ours, file, len(content) - 5, 1000) == 5
        assert await receive_exactly(loop, theirs, 5) == content[-5:]


async def test_something_like_a_file_is_sent_by_reading_it(loop):
    ours, theirs = tcp_pair()
    with ours, theirs:
        assert await loop.sock_sendfile(ours, io.BytesIO(b"0123456789"), 2, 5) == 5
        assert theirs.recv(100) == b"23456"
        with pytest.raises(asyncio.SendfileNotAvailableError):
            await loop.sock_sendfile(ours, io.BytesIO(b"0123456789"), fallback=False)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"offset": -1}, ValueError),
        ({"offset": "1"}, TypeError),
        ({"count": 0}, ValueError),
        ({"count": -1}, ValueError),
        ({"count": 1.5}, TypeError),
    ],
)
async def test_offsets_and_counts_that_make_no_sense_are_refused(loop, pair, options, kind):
    with pytest.raises(kind, match=r"must be a (non-negative|positive) integer"):
        await loop.sock_sendfile(pair[0], io.BytesIO(b"data"), **options)


async def test_a_text_file_and_a_datagram_socket_are_refused(loop, pair, tmp_path):
    (tmp_path / "file").write_text("text")
    with open(tmp_path / "file") as text:
        with pytest.raises(ValueError, match="file should be opened in binary mode"):
            await loop.sock_sendfile(pair[0], text)
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        with pytest.raises(ValueError, match="only SOCK_STREAM type sockets are supported"):
            await loop.sock_sendfile(sock, io.BytesIO(b"data"))
