"""A cancelled connection attempt closes its own descriptors, each once, and no others."""

import asyncio
import contextlib
import os
import socket

import pytest

from tests.harness import Recorder, descriptor_count, finish, socket_pair


@pytest.fixture
def address():
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        yield listener.getsockname()


@pytest.fixture
def silent():
    """Where connecting waits: the queue of the listener is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(10):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()


class Watched(socket.socket):
    """A socket that writes down when it is closed."""

    made: list["Watched"] = []

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.closed = []
        self.made.append(self)

    def close(self):
        if self.fileno() != -1:
            self.closed.append(self.fileno())
        super().close()


async def cancel_after(task, iterations):
    """Cancel the task after so many iterations; whether it was still running then."""
    for _ in range(iterations):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await finish((await task)[1])
        return False
    return True


@pytest.mark.parametrize("iterations", range(6))
async def test_its_socket_is_closed_once(loop, monkeypatch, address, iterations):
    monkeypatch.setattr(socket, "socket", Watched)
    monkeypatch.setattr(Watched, "made", [])
    task = loop.create_task(loop.create_connection(Recorder, *address))
    await cancel_after(task, iterations)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(Watched.made) <= 1
    for sock in Watched.made:
        assert sock.fileno() == -1
        assert len(sock.closed) == 1


@pytest.mark.parametrize("options", [{}, {"happy_eyeballs_delay": 0.001}])
async def test_numbers_that_are_used_again_belong_to_somebody_else(loop, silent, options):
    """What another part of the program opens right after the cancellation gets the numbers that have become free."""
    before = descriptor_count()
    opened = []
    for _ in range(20):
        task = loop.create_task(loop.create_connection(Recorder, *silent, **options))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        opened += os.pipe()
        for _ in range(3):
            await asyncio.sleep(0)
    for reading, writing in zip(opened[::2], opened[1::2], strict=True):
        os.write(writing, b"x")
        assert os.read(reading, 1) == b"x"
    for fd in opened:
        os.close(fd)
    assert descriptor_count() == before


async def test_a_socket_that_was_given_to_sock_connect_stays_open(loop, silent):
    with socket.socket() as sock:
        sock.setblocking(False)
        number = sock.fileno()
        task = loop.create_task(loop.sock_connect(sock, silent))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sock.fileno() == number
        assert loop.remove_writer(sock) is False


@pytest.mark.parametrize("iterations", range(4))
async def test_a_connected_socket_that_was_given_is_closed_with_its_transport_or_not_at_all(loop, iterations):
    with socket_pair() as (ours, theirs):
        task = loop.create_task(loop.create_connection(Recorder, sock=ours))
        await cancel_after(task, iterations)
        for _ in range(3):
            await asyncio.sleep(0)
        if ours.fileno() == -1:
            assert theirs.recv(1) == b""
        else:
            ours.send(b"x")
            assert theirs.recv(1) == b"x"
        assert loop.remove_reader(theirs) is False
