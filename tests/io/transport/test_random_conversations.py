"""Random conversations over a transport go the same way, call by call, on both loops."""

import asyncio
import contextlib
import random
import socket

import pytest

from tests.harness import Buffered, Recorder, turn

STEPS = 25


class Conversation:
    """What a seed determines a transport's user and its peer to do, one thing an iteration."""

    def __init__(self, loop, seed):
        self.loop = loop
        self.random = random.Random(seed)
        self.trace = []
        ours, self.peer = socket.socketpair()
        self.peer.setblocking(False)
        kind = self.random.choice((Recorder, Buffered))
        self.protocol = kind(keep_open=self.random.random() < 0.5)
        self.transport, _ = loop.run_until_complete(loop.create_connection(lambda: self.protocol, sock=ours))
        self.actions = [name for name in dir(self) if name.startswith("do_")]

    def do_write(self):
        self.transport.write(b"w" * self.random.randrange(200))

    def do_writelines(self):
        pieces = [b"l" * self.random.randrange(1, 50) for _ in range(3)]
        if not self.transport.is_closing():  # several versions of asyncio fail afterwards
            self.transport.writelines(pieces)

    def do_pause(self):
        self.transport.pause_reading()

    def do_resume(self):
        self.transport.resume_reading()

    def do_limits(self):
        self.transport.set_write_buffer_limits(high=self.random.randrange(100))

    def do_write_eof(self):
        if self.random.random() < 0.3:
            self.transport.write_eof()

    def do_close(self):
        if self.random.random() < 0.2:
            self.transport.close()

    def do_abort(self):
        if self.random.random() < 0.1:
            self.transport.abort()

    def do_nothing(self):
        pass

    def do_peer_send(self):
        self.peer.send(b"p" * self.random.randrange(1, 6000))

    def do_peer_shutdown(self):
        if self.random.random() < 0.2:
            self.peer.shutdown(socket.SHUT_WR)

    def do_peer_close(self):
        if self.random.random() < 0.1:
            self.peer.close()

    def received(self):
        try:
            return len(self.peer.recv(1 << 20))
        except BlockingIOError:
            return None
        except OSError as exc:
            return type(exc).__name__

    def step(self):
        name = self.random.choice(self.actions)
        try:
            result = getattr(self, name)()
        except (RuntimeError, OSError) as exc:
            result = type(exc)
        turn(self.loop)
        closing = self.transport.is_closing()
        self.trace.append(
            (name, result, closing, not closing and self.transport.is_reading(), self.received())
        )
        self.trace.append(
            (tuple(self.protocol.calls), len(self.protocol.received), type(self.protocol.reason))
        )

    def run(self):
        for _ in range(STEPS):
            self.step()
        self.peer.close()
        if not self.transport.is_closing():
            self.transport.abort()
        for _ in range(3):
            turn(self.loop)
        self.trace.append(tuple(self.protocol.calls))
        return self.trace


@pytest.mark.parametrize("hundred", range(4))
def test_it_goes_as_on_the_standard_librarys_loop(loop_factory, process_state, hundred):
    for seed in range(100 * hundred, 100 * hundred + 100):
        with contextlib.closing(asyncio.SelectorEventLoop()) as model:
            expected = Conversation(model, seed).run()
        with contextlib.closing(loop_factory()) as loop:
            assert Conversation(loop, seed).run() == expected, f"seed {seed}"
