"""The wake-up descriptor of signals: the loop sets it while it has handlers, and restores it afterwards.

A loop without handlers sets it only while a poll blocks (before Python 3.13, while it runs). In it ferrio does more: every
signal ends the poll.
"""

import asyncio
import ctypes
import os
import signal
import socket
import threading

import pytest

from tests.harness import PY, wait_until_asleep


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


def is_shown(loop_name):
    """Whether Python code sees the descriptor that a loop without handlers has set."""
    return PY < (3, 13) and loop_name == "ferrio"


def test_callbacks_do_not_see_it_in_a_loop_without_handlers(loop, loop_name):
    seen = []

    async def main():
        for delay in (0, 0.001, 0.001):
            await asyncio.sleep(delay)
            seen.append(wakeup_fd())

    loop.call_soon(lambda: seen.append(wakeup_fd()))
    loop.run_until_complete(main())
    assert [fd != -1 for fd in seen] == [is_shown(loop_name)] * 4
    assert wakeup_fd() == -1


def test_a_descriptor_that_is_set_while_the_loop_runs_stays(loop):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        before = signal.signal(signal.SIGUSR2, lambda *_: None)

        async def main():
            signal.set_wakeup_fd(ours.fileno(), warn_on_full_buffer=False)
            for _ in range(3):
                await asyncio.sleep(0.001)
                os.kill(os.getpid(), signal.SIGUSR2)
            return signal.set_wakeup_fd(-1)

        assert loop.run_until_complete(main()) == ours.fileno()
        assert theirs.recv(10) == bytes([signal.SIGUSR2] * 3)
        signal.signal(signal.SIGUSR2, before)


def test_the_last_handler_to_go_unsets_it_while_the_loop_runs(loop, loop_name):
    async def main():
        loop.add_signal_handler(signal.SIGUSR1, print)
        await asyncio.sleep(0.001)
        set_before = wakeup_fd() != -1
        loop.remove_signal_handler(signal.SIGUSR1)
        await asyncio.sleep(0.001)
        return set_before, wakeup_fd() != -1

    assert loop.run_until_complete(main()) == (True, is_shown(loop_name))
    assert wakeup_fd() == -1


def test_a_loop_runs_after_the_descriptor_of_somebody_else_was_closed(loop):
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setblocking(False)
        signal.set_wakeup_fd(ours.fileno())
        ours.close()
        assert loop.run_until_complete(asyncio.sleep(0.001, "ran")) == "ran"
    signal.set_wakeup_fd(-1)


@pytest.fixture
def python_handler():
    """Installs a Python function as handler of SIGUSR2."""

    def install(handler):
        return signal.signal(signal.SIGUSR2, lambda *_: handler())

    before = signal.getsignal(signal.SIGUSR2)
    yield install
    signal.signal(signal.SIGUSR2, before)


def raise_in_c(loop):
    """Have C code raise SIGUSR2 in the next iteration, after which no Python code runs that would look for signals."""
    function = ctypes.PyDLL(None)["raise"]
    function.argtypes = [ctypes.c_int]
    loop.call_soon(function, signal.SIGUSR2)


class TestASignalThatArrivesJustBeforeThePoll:
    @pytest.fixture(autouse=True, params=["nobody's descriptor", "somebody's descriptor"])
    def descriptor(self, request, loop):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            if request.param == "somebody's descriptor":
                signal.set_wakeup_fd(ours.fileno())
            yield
            signal.set_wakeup_fd(-1)

    @pytest.mark.parametrize("timer", [None, 30])
    def test_ends_it(self, loop, python_handler, timer):
        python_handler(loop.stop if timer else lambda: loop.call_soon_threadsafe(loop.stop))
        if timer:
            loop.call_later(timer, pytest.fail, "the signal did not end the poll")
        raise_in_c(loop)
        loop.run_forever()

    def test_may_schedule_a_callback_from_its_handler(self, loop, python_handler):
        python_handler(lambda: loop.call_soon(loop.stop))
        raise_in_c(loop)
        loop.run_forever()

    def test_may_schedule_a_timer_from_its_handler(self, loop, python_handler):
        python_handler(lambda: loop.call_later(0.001, loop.stop))
        raise_in_c(loop)
        loop.run_forever()

    def test_may_add_a_handler_of_the_loop_from_its_handler(self, loop, python_handler):
        python_handler(lambda: loop.add_signal_handler(signal.SIGUSR1, loop.stop))
        raise_in_c(loop)
        loop.call_later(0.001, signal.raise_signal, signal.SIGUSR1)
        loop.run_forever()
        assert wakeup_fd() != -1
        loop.remove_signal_handler(signal.SIGUSR1)
        assert wakeup_fd() == -1

    @pytest.mark.ferrio_only
    def test_leaves_the_loop_with_what_its_handler_raises(self, loop, python_handler):
        """The handler runs in asyncio's own code, which reports the error as that of the callback."""

        def handler():
            raise LookupError("from the handler")

        python_handler(handler)
        before = wakeup_fd()
        raise_in_c(loop)
        with pytest.raises(LookupError, match="from the handler"):
            loop.run_forever()
        assert wakeup_fd() == before
        assert loop.run_until_complete(asyncio.sleep(0.001, "still works")) == "still works"


# asyncio's loop sleeps on, and the handler runs when something else has woken it up.
@pytest.mark.ferrio_only
class TestASignalInAnotherThread:
    @pytest.fixture
    def send(self):
        """A thread, to be started, that sends itself SIGUSR2 as soon as this one is asleep."""
        me = threading.get_native_id()

        def send():
            wait_until_asleep(me)
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR2)

        thread = threading.Thread(target=send)
        yield thread
        thread.join()

    def test_ends_the_poll(self, loop, python_handler, send):
        python_handler(loop.stop)
        loop.call_soon(send.start)
        loop.call_later(30, pytest.fail, "the signal did not end the poll")
        loop.run_forever()

    def test_ends_a_selectors_wait(self, loop, python_handler, send):
        got = []
        python_handler(lambda: got.append(1))

        async def main():
            send.start()
            return loop._selector.select(30)

        assert loop.run_until_complete(main()) == []
        assert got == [1]
