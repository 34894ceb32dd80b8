"""sock_recv(), sock_recv_into() and their datagram relatives."""

import asyncio
import socket

import pytest

from tests.harness import Recorder, receive_exactly, reset, socket_pair, tcp_pair


@pytest.fixture
def pair():
    with socket_pair() as sockets:
        yield sockets


@pytest.fixture
def datagram_pair():
    with socket.socket(type=socket.SOCK_DGRAM) as left, socket.socket(type=socket.SOCK_DGRAM) as right:
        for sock in (left, right):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        yield left, right


async def started(loop, coroutine):
    """A task for the coroutine that has already run up to its first wait."""
    task = loop.create_task(coroutine)
    await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_data_that_is_already_there_is_returned(loop, pair):
    ours, theirs = pair
    theirs.send(b"data")
    assert await loop.sock_recv(ours, 100) == b"data"


async def test_data_that_is_already_there_costs_no_iteration(loop, pair):
    ours, theirs = pair
    ran = []
    theirs.send(b"data")
    loop.call_soon(ran.append, 1)
    await loop.sock_recv(ours, 2)
    await loop.sock_recv_into(ours, bytearray(10))
    assert ran == []


async def test_data_that_comes_later_is_waited_for(loop, pair):
    ours, theirs = pair
    loop.call_soon(theirs.send, b"data")
    assert await loop.sock_recv(ours, 100) == b"data"


async def test_no_more_than_asked_is_read(loop, pair):
    ours, theirs = pair
    theirs.send(b"abcdef")
    assert await loop.sock_recv(ours, 4) == b"abcd"
    assert await loop.sock_recv(ours, 4) == b"ef"


async def test_the_end_of_the_stream_is_empty_bytes_every_time(loop, pair):
    ours, theirs = pair
    theirs.close()
    assert await loop.sock_recv(ours, 100) == b""
    assert await loop.sock_recv(ours, 100) == b""


async def test_the_end_of_the_stream_is_waited_for(loop, pair):
    ours, theirs = pair
    task = await started(loop, loop.sock_recv(ours, 100))
    theirs.shutdown(socket.SHUT_WR)
    assert await task == b""


async def test_a_large_read_returns_what_there_is(loop, pair):
    ours, theirs = pair
    theirs.send(b"x" * 1000)
    assert await loop.sock_recv(ours, 1 << 24) == b"x" * 1000


@pytest.mark.parametrize("size", [-1, "10", None, 1.5])
async def test_a_size_that_makes_no_sense_is_refused(loop, pair, size):
    with pytest.raises((ValueError, TypeError)):
        await loop.sock_recv(pair[0], size)


async def test_zero_bytes_are_read_at_once(loop, pair):
    pair[1].send(b"x")
    assert await loop.sock_recv(pair[0], 0) == b""


@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize("kind", [bytearray, lambda size: memoryview(bytearray(size))])
async def test_recv_into_fills_the_buffer_and_tells_how_much(loop, pair, wait, kind):
    ours, theirs = pair
    buffer = kind(10)
    if wait:
        loop.call_soon(theirs.send, b"data")
    else:
        theirs.send(b"data")
    assert await loop.sock_recv_into(ours, buffer) == 4
    assert bytes(buffer) == b"data" + bytes(6)


async def test_recv_into_a_part_of_a_buffer_leaves_the_rest_alone(loop, pair):
    ours, theirs = pair
    buffer = bytearray(b"........")
    loop.call_soon(theirs.send, b"abcdef")
    assert await loop.sock_recv_into(ours, memoryview(buffer)[2:5]) == 3
    assert buffer == b"..abc..."


@pytest.mark.parametrize("buffer", [b"read only", "text", None])
async def test_recv_into_something_that_cannot_be_written_is_refused(loop, pair, buffer):
    with pytest.raises((TypeError, BufferError)):
        await loop.sock_recv_into(pair[0], buffer)


@pytest.mark.parametrize("wait", [False, True])
async def test_recvfrom_returns_the_datagram_and_its_sender(loop, datagram_pair, wait):
    left, right = datagram_pair
    send = right.sendto, b"data", left.getsockname()
    task = loop.create_task(loop.sock_recvfrom(left, 100))
    if wait:
        await asyncio.sleep(0)
    loop.call_soon(*send)
    assert await task == (b"data", right.getsockname())


async def test_recvfrom_cuts_a_long_datagram_and_knows_empty_ones(loop, datagram_pair):
    left, right = datagram_pair
    for data in (b"abcdef", b"", b"next"):
        right.sendto(data, left.getsockname())
    assert (await loop.sock_recvfrom(left, 3))[0] == b"abc"
    assert (await loop.sock_recvfrom(left, 3))[0] == b""
    assert (await loop.sock_recvfrom(left, 10))[0] == b"next"


async def test_recvfrom_into_fills_the_buffer_up_to_the_number_given(loop, datagram_pair):
    left, right = datagram_pair
    buffer = bytearray(10)
    loop.call_soon(right.sendto, b"data", left.getsockname())
    assert await loop.sock_recvfrom_into(left, buffer) == (4, right.getsockname())
    assert buffer == b"data" + bytes(6)
    right.sendto(b"abcdef", left.getsockname())
    assert await loop.sock_recvfrom_into(left, buffer, 2) == (2, right.getsockname())
    assert buffer[:4] == b"abta"


async def test_a_cancelled_read_takes_nothing_from_the_next(loop, pair):
    ours, theirs = pair
    for number in range(10):
        task = await started(loop, loop.sock_recv(ours, 100))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        theirs.send(b"%d" % number)
        assert await loop.sock_recv(ours, 100) == b"%d" % number


async def test_a_read_cancelled_when_the_data_is_there_but_not_yet_read_loses_nothing(loop, pair):
    ours, theirs = pair
    task = await started(loop, loop.sock_recv(ours, 100))
    theirs.send(b"data")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await loop.sock_recv(ours, 100) == b"data"


@pytest.mark.ferrio_only
@pytest.mark.parametrize("iterations", range(5))
async def test_a_read_cancelled_at_any_moment_loses_nothing(loop, pair, iterations):
    ours, theirs = pair
    task = await started(loop, loop.sock_recv(ours, 100))
    theirs.send(b"data")
    for _ in range(iterations):
        await asyncio.sleep(0)
    if task.cancel():
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await loop.sock_recv(ours, 100) == b"data"
    else:
        assert task.result() == b"data"


async def test_a_cancelled_read_leaves_no_reader_behind(loop, pair):
    ours, _ = pair
    task = await started(loop, loop.sock_recv(ours, 100))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert loop.remove_reader(ours) is False


async def test_a_read_that_is_over_leaves_no_reader_behind(loop, pair):
    ours, theirs = pair
    loop.call_soon(theirs.send, b"data")
    await loop.sock_recv(ours, 100)
    assert loop.remove_reader(ours) is False


async def test_a_read_that_times_out_can_be_tried_again(loop, pair):
    ours, theirs = pair
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(loop.sock_recv(ours, 100), 0.001)
    theirs.send(b"data")
    assert await asyncio.wait_for(loop.sock_recv(ours, 100), 20) == b"data"


async def test_a_reset_is_raised_in_the_waiting_read(loop):
    ours, theirs = tcp_pair()
    with ours:
        task = await started(loop, loop.sock_recv(ours, 100))
        reset(theirs)
        with pytest.raises(ConnectionResetError):
            await task
        assert loop.remove_reader(ours) is False


async def test_a_socket_that_is_not_connected_is_an_os_error(loop):
    with socket.socket() as sock:
        sock.setblocking(False)
        with pytest.raises(OSError, match="not connected"):
            await loop.sock_recv(sock, 100)


@pytest.mark.parametrize("method", ["sock_recv", "sock_recv_into", "sock_recvfrom", "sock_recvfrom_into"])
async def test_a_closed_socket_is_an_os_error(loop, pair, method):
    ours, _ = pair
    ours.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await getattr(loop, method)(ours, bytearray(10) if method.endswith("into") else 10)


@pytest.mark.parametrize("method", ["sock_recv", "sock_recv_into", "sock_recvfrom", "sock_recvfrom_into"])
async def test_a_blocking_socket_is_refused_in_debug_mode(loop, pair, method):
    ours, theirs = pair
    theirs.send(b"data")
    ours.settimeout(1)
    argument = bytearray(10) if method.endswith("into") else 10
    loop.set_debug(True)
    with pytest.raises(ValueError, match=r"^the socket must be non-blocking$"):
        await getattr(loop, method)(ours, argument)
    loop.set_debug(False)
    await getattr(loop, method)(ours, argument)


async def test_the_socket_of_a_transport_is_refused(loop, pair):
    ours, _ = pair
    transport, protocol = await loop.create_connection(Recorder, sock=ours)
    with pytest.raises(RuntimeError, match="is used by transport"):
        await loop.sock_recv(ours, 100)
    transport.close()
    await protocol.lost()


async def test_reads_of_many_sockets_go_on_side_by_side(loop):
    pairs = [socket.socketpair() for _ in range(50)]
    for ours, theirs in pairs:
        ours.setblocking(False)
        theirs.setblocking(False)
    tasks = [loop.create_task(receive_exactly(loop, ours, 6)) for ours, _ in pairs]
    for part in (b"abc", b"def"):
        await asyncio.sleep(0)
        for _, theirs in reversed(pairs):
            theirs.send(part)
    assert await asyncio.gather(*tasks) == [b"abcdef"] * 50
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


async def test_nothing_is_received_at_once(loop, pair):
    ours, _ = pair
    assert await asyncio.wait_for(loop.sock_recv(ours, 0), 5) == b""
    assert await asyncio.wait_for(loop.sock_recv_into(ours, bytearray()), 5) == 0
