"""sock_recvfrom(), sock_recvfrom_into() and sock_sendto()."""

import asyncio
import socket

import pytest

from tests.io.datagram.endpoints import datagram_socket, endpoint, unix_socket


@pytest.fixture
def pair():
    with datagram_socket() as left, datagram_socket() as right:
        yield left, right


async def waiting(loop, coroutine):
    task = loop.create_task(coroutine)
    await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_a_cancelled_receive_loses_no_datagram(loop, pair):
    left, right = pair
    for number in range(20):
        task = await waiting(loop, loop.sock_recvfrom(left, 100))
        if number % 2:
            right.sendto(b"%d" % number, left.getsockname())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if not number % 2:
            right.sendto(b"%d" % number, left.getsockname())
        assert await loop.sock_recvfrom(left, 100) == (b"%d" % number, right.getsockname())
    assert not loop.remove_reader(left)


async def test_a_receive_into_a_buffer_that_is_cancelled_leaves_it_alone(loop, pair):
    left, right = pair
    buffer = bytearray(10)
    task = await waiting(loop, loop.sock_recvfrom_into(left, buffer))
    right.sendto(b"data", left.getsockname())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert buffer == bytes(10)
    assert await loop.sock_recvfrom_into(left, buffer) == (4, right.getsockname())


@pytest.mark.parametrize("wait", [False, True])
async def test_a_part_of_a_buffer_is_filled(loop, pair, wait):
    left, right = pair
    buffer = bytearray(b"........")
    task = loop.create_task(loop.sock_recvfrom_into(left, memoryview(buffer)[2:6], 3))
    if wait:
        await asyncio.sleep(0)
    right.sendto(b"abcdef", left.getsockname())
    assert await task == (3, right.getsockname())
    assert buffer == b"..abc..."


@pytest.mark.parametrize(
    ("buffer", "size", "kind"),
    [(bytearray(4), -1, ValueError), (bytearray(4), 5, ValueError), (b"four", 0, TypeError)],
)
async def test_a_buffer_that_does_not_fit_is_refused(loop, pair, buffer, size, kind):
    with pytest.raises((kind, BufferError)):
        await loop.sock_recvfrom_into(pair[0], buffer, size)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_sending_returns_how_much(loop, pair, kind):
    left, right = pair
    assert await loop.sock_sendto(left, kind(b"data"), right.getsockname()) == 4
    assert await loop.sock_recvfrom(right, 100) == (b"data", left.getsockname())
    assert await loop.sock_sendto(left, kind(b""), right.getsockname()) == 0
    assert await loop.sock_recvfrom(right, 100) == (b"", left.getsockname())


@pytest.mark.parametrize("address", [("localhost", None), ("127.1", None)])
async def test_sending_to_a_host_by_name(loop, pair, address):
    left, right = pair
    assert await loop.sock_sendto(left, b"data", (address[0], right.getsockname()[1])) == 4
    assert await loop.sock_recvfrom(right, 100) == (b"data", left.getsockname())


@pytest.mark.parametrize(
    ("data", "address", "kind"),
    [
        ("text", ("127.0.0.1", 9), TypeError),
        (b"data", None, TypeError),
        (b"data", ("127.0.0.1", 70000), OverflowError),
        (b"data", "path", TypeError),
        (bytes(70000), ("127.0.0.1", 9), OSError),
    ],
)
async def test_what_cannot_be_sent_is_an_error(loop, pair, data, address, kind):
    with pytest.raises(kind):
        await loop.sock_sendto(pair[0], data, address)


async def test_sending_waits_for_room(loop, tmp_path):
    path = str(tmp_path / "target")
    with unix_socket(path) as target, unix_socket(str(tmp_path / "source")) as source:
        source.connect(path)
        sent = 0
        with pytest.raises(BlockingIOError):
            while True:
                source.send(b"filler")
                sent += 1
        task = await waiting(loop, loop.sock_sendto(source, b"last", path))
        for _ in range(sent):
            assert await loop.sock_recvfrom(target, 100) == (b"filler", str(tmp_path / "source"))
        assert await task == 4
        assert await loop.sock_recvfrom(target, 100) == (b"last", str(tmp_path / "source"))
        assert not loop.remove_writer(source)


async def test_a_datagram_longer_than_the_loop_s_buffer_is_not_cut(loop, tmp_path):
    path = str(tmp_path / "target")
    with unix_socket(path) as target, unix_socket(str(tmp_path / "source")) as source:
        source.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 400_000)
        data = bytes(100_000)
        assert await loop.sock_sendto(source, data, path) == len(data)
        assert await loop.sock_recvfrom(target, 1 << 20) == (data, str(tmp_path / "source"))


async def test_a_stream_has_no_address(loop):
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.send(b"data")
        assert await loop.sock_recvfrom(left, 100) == (b"data", None)


async def test_a_refused_datagram_is_raised_in_the_waiting_receive(loop):
    with datagram_socket() as nobody:
        address = nobody.getsockname()
    with datagram_socket() as sock:
        sock.connect(address)
        task = await waiting(loop, loop.sock_recvfrom(sock, 100))
        sock.send(b"data")
        with pytest.raises(ConnectionRefusedError):
            await task


async def test_the_socket_of_a_transport_is_refused_when_it_has_to_wait(loop):
    async with endpoint(loop) as (transport, _):
        sock = transport.get_extra_info("socket")._sock
        with pytest.raises(RuntimeError, match="is used by transport"):
            await loop.sock_recvfrom(sock, 100)
        with pytest.raises(RuntimeError, match="is used by transport"):
            await loop.sock_recvfrom_into(sock, bytearray(10))
