"""Both ends of pipes for tests: one under a transport, one plain."""

import contextlib
import gc
import os
import pty
import socket
import tty

from tests.harness import Recorder


@contextlib.asynccontextmanager
async def reading(loop, protocol=None, *, ends=os.pipe):
    """A transport over a reading end, and the descriptor of the writing end."""
    read, write = ends()
    transport, protocol = await loop.connect_read_pipe(
        lambda: protocol or Recorder(), os.fdopen(read, "rb", 0)
    )
    with Descriptor(write) as peer:
        yield transport, protocol, peer
        transport.close()
        await protocol.lost()


@contextlib.asynccontextmanager
async def writing(loop, protocol=None, *, ends=os.pipe):
    """A transport over a writing end, and the descriptor of the reading end, which does not block."""
    read, write = ends()
    transport, protocol = await loop.connect_write_pipe(
        lambda: protocol or Recorder(), os.fdopen(write, "wb", 0)
    )
    os.set_blocking(read, False)
    with Descriptor(read) as peer:
        yield transport, protocol, peer
        if not transport.is_closing():
            transport.abort()
        await protocol.lost()


class Descriptor:
    """A descriptor that can be closed early."""

    def __init__(self, fd):
        self.fd = fd

    def fileno(self):
        return self.fd

    def close(self):
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()


def sockets():
    left, right = socket.socketpair()
    return left.detach(), right.detach()


def terminal_to_read():
    """The reading end is the program's side of a terminal, the writing end the emulator's."""
    emulator, program = pty.openpty()
    tty.setraw(program)
    return program, emulator


def terminal_to_write():
    """The writing end is the program's side of a terminal, the reading end the emulator's."""
    return terminal_to_read()[::-1]


def read_all(fd):
    """What there is to read from a descriptor that does not block."""
    received = bytearray()
    with contextlib.suppress(BlockingIOError):
        while data := os.read(fd, 1 << 16):
            received += data
    return bytes(received)


async def read_exactly(loop, fd, count):
    """Read `count` bytes, waiting for them."""
    received = bytearray()
    while len(received) < count:
        ready = loop.create_future()
        loop.add_reader(fd, lambda ready=ready: ready.done() or ready.set_result(None))
        await ready
        loop.remove_reader(fd)
        received += os.read(fd, count - len(received))
    return bytes(received)


def forget(references):
    """Drop the last references to what is in the list, and what hangs on it."""
    references.clear()
    gc.collect()
