"""The wake-up descriptor of signals: the loop sets it while it has handlers, and restores it afterwards."""

import asyncio
import signal
import socket

import pytest


@pytest.fixture(autouse=True)
def disposition():
    before = signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    yield
    assert signal.signal(signal.SIGUSR1, before) == signal.SIG_DFL


def wakeup_fd():
    fd = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(fd)
    return fd


def test_the_first_handler_sets_it_and_the_last_to_go_unsets_it(loop):
    assert wakeup_fd() == -1
    loop.add_signal_handler(signal.SIGUSR1, print)
    loop.add_signal_handler(signal.SIGUSR2, print)
    fd = wakeup_fd()
    assert fd != -1
    loop.remove_signal_handler(signal.SIGUSR1)
    assert wakeup_fd() == fd
    loop.remove_signal_handler(signal.SIGUSR2)
    assert wakeup_fd() == -1


def test_a_signal_that_cannot_be_caught_leaves_it_as_it_was(loop):
    with pytest.raises(RuntimeError, match="cannot be caught"):
        loop.add_signal_handler(signal.SIGKILL, print)
    assert wakeup_fd() == -1
    loop.add_signal_handler(signal.SIGUSR1, print)
    fd = wakeup_fd()
    with pytest.raises(RuntimeError, match="cannot be caught"):
        loop.add_signal_handler(signal.SIGKILL, print)
    assert wakeup_fd() == fd


def test_a_bad_signal_or_handler_leaves_it_unset(loop):
    for number, error in ((0, ValueError), ("SIGUSR1", TypeError)):
        with pytest.raises(error):
            loop.add_signal_handler(number, print)
    assert wakeup_fd() == -1


def test_a_handler_takes_it_from_whoever_had_it(loop):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        signal.set_wakeup_fd(ours.fileno())
        got = []
        loop.add_signal_handler(signal.SIGUSR1, got.append, 1)
        assert wakeup_fd() != ours.fileno()
        signal.raise_signal(signal.SIGUSR1)
        for _ in range(3):
            loop.call_soon(loop.stop)
            loop.run_forever()
        assert got == [1]
        loop.remove_signal_handler(signal.SIGUSR1)
        assert wakeup_fd() == -1


def test_a_loop_without_handlers_leaves_it_to_whoever_had_it(loop):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        before = signal.signal(signal.SIGUSR2, lambda *_: loop.stop())
        signal.set_wakeup_fd(ours.fileno())
        seen = []
        loop.call_soon(lambda: seen.append(wakeup_fd()))
        loop.call_soon(signal.raise_signal, signal.SIGUSR2)
        loop.run_forever()
        assert seen == [ours.fileno()]
        assert signal.set_wakeup_fd(-1) == ours.fileno()
        assert theirs.recv(10) == bytes([signal.SIGUSR2])
        signal.signal(signal.SIGUSR2, before)


def test_it_is_as_before_when_the_runner_is_done(loop_factory, process_state):
    async def main():
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())
    assert wakeup_fd() == -1


def test_a_handler_can_be_set_after_the_descriptor_of_somebody_else_was_closed(loop):
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setblocking(False)
        signal.set_wakeup_fd(ours.fileno())
        ours.close()
        got = []
        loop.add_signal_handler(signal.SIGUSR1, got.append, 1)
        signal.raise_signal(signal.SIGUSR1)
        for _ in range(3):
            loop.call_soon(loop.stop)
            loop.run_forever()
        assert got == [1]
    loop.remove_signal_handler(signal.SIGUSR1)


def test_a_closed_loop_takes_no_handler(loop):
    loop.close()
    with pytest.raises(RuntimeError, match=r"^Event loop is closed$"):
        loop.add_signal_handler(signal.SIGUSR1, print)
    assert wakeup_fd() == -1
    assert loop.remove_signal_handler(signal.SIGUSR1) is False
