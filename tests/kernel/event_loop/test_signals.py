"""add_signal_handler(), remove_signal_handler(), and signals that meet a sleeping loop."""

import asyncio
import os
import signal
import threading

import pytest

from tests.harness import turn, wait_until_asleep


@pytest.fixture(autouse=True)
def dispositions():
    """Every test starts with the default handlers and may leave none of its own behind."""
    defaults = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGUSR1: signal.SIG_DFL,
        signal.SIGUSR2: signal.SIG_DFL,
        signal.SIGTERM: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, default) for number, default in defaults.items()}
    yield
    after = {number: signal.signal(number, handler) for number, handler in before.items()}
    assert after == defaults


def test_a_handler_runs_in_the_loop_with_its_arguments(loop):
    got = []
    assert loop.add_signal_handler(signal.SIGUSR1, lambda *args: got.append(args), 1, "two") is None
    signal.raise_signal(signal.SIGUSR1)
    assert got == []
    turn(loop)
    turn(loop)
    assert got == [(1, "two")]


def test_a_signal_wakes_a_sleeping_loop(loop):
    me = threading.get_native_id()
    loop.add_signal_handler(signal.SIGUSR1, loop.stop)

    def wake():
        wait_until_asleep(me)
        os.kill(os.getpid(), signal.SIGUSR1)

    thread = threading.Thread(target=wake)
    loop.call_soon(thread.start)
    loop.run_forever()
    thread.join()


def test_handlers_of_several_signals_are_kept_apart(loop):
    got = []
    numbers = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, got.append, number)
    for number in numbers:
        signal.raise_signal(number)
        turn(loop)
        turn(loop)
    assert got == list(numbers)


def test_a_signal_raised_again_and_again_is_handled_each_time(loop):
    got = []
    loop.add_signal_handler(signal.SIGUSR1, got.append, 1)
    for count in range(1, 21):
        signal.raise_signal(signal.SIGUSR1)
        turn(loop)
        turn(loop)
        assert len(got) == count


def test_signals_raised_before_the_loop_runs_are_handled_in_their_order(loop):
    got = []
    loop.add_signal_handler(signal.SIGUSR1, got.append, 1)
    loop.add_signal_handler(signal.SIGUSR2, got.append, 2)
    for number in (signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR1, signal.SIGUSR2):
        signal.raise_signal(number)
    turn(loop)
    turn(loop)
    assert got == [2, 1, 1, 2]


def test_a_handler_added_again_replaces_the_first(loop):
    got = []
    loop.add_signal_handler(signal.SIGUSR1, got.append, "first")
    loop.add_signal_handler(signal.SIGUSR1, got.append, "second")
    signal.raise_signal(signal.SIGUSR1)
    turn(loop)
    turn(loop)
    assert got == ["second"]


def test_the_number_may_be_a_plain_int(loop):
    got = []
    loop.add_signal_handler(int(signal.SIGUSR1), got.append, 1)
    signal.raise_signal(signal.SIGUSR1)
    turn(loop)
    turn(loop)
    assert got == [1]
    assert loop.remove_signal_handler(int(signal.SIGUSR1)) is True


def test_removing_says_whether_there_was_a_handler(loop):
    assert loop.remove_signal_handler(signal.SIGUSR1) is False
    loop.add_signal_handler(signal.SIGUSR1, print)
    assert loop.remove_signal_handler(signal.SIGUSR1) is True
    assert loop.remove_signal_handler(signal.SIGUSR1) is False


def test_removing_puts_the_default_disposition_back(loop):
    for number, default in ((signal.SIGUSR1, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
        loop.add_signal_handler(number, print)
        assert signal.getsignal(number) not in (default, print)
        loop.remove_signal_handler(number)
        assert signal.getsignal(number) == default


def test_a_handler_can_remove_itself(loop):
    got = []

    def handler():
        got.append(loop.remove_signal_handler(signal.SIGUSR1))

    loop.add_signal_handler(signal.SIGUSR1, handler)
    signal.raise_signal(signal.SIGUSR1)
    turn(loop)
    turn(loop)
    assert got == [True]
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL


def test_a_handler_removed_after_the_signal_came_does_not_run(loop):
    got = []
    loop.add_signal_handler(signal.SIGUSR1, got.append, 1)
    signal.raise_signal(signal.SIGUSR1)
    loop.remove_signal_handler(signal.SIGUSR1)
    turn(loop)
    turn(loop)
    assert got == []


def test_close_removes_every_handler(loop):
    loop.add_signal_handler(signal.SIGUSR1, print)
    loop.add_signal_handler(signal.SIGINT, print)
    loop.close()
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    assert signal.set_wakeup_fd(-1) == -1


def test_the_error_of_a_handler_goes_to_the_exception_handler(loop, errors):
    loop.add_signal_handler(signal.SIGUSR1, lambda: 1 / 0)
    for _ in range(2):
        signal.raise_signal(signal.SIGUSR1)
        turn(loop)
        turn(loop)
        assert isinstance(errors.take_one()["exception"], ZeroDivisionError)


@pytest.mark.parametrize("number", [0, -1, 10_000, signal.NSIG])
def test_a_number_that_is_no_signal_is_a_value_error(loop, number):
    with pytest.raises(ValueError, match=rf"^invalid signal number {number}$"):
        loop.add_signal_handler(number, print)
    with pytest.raises(ValueError, match=rf"^invalid signal number {number}$"):
        loop.remove_signal_handler(number)


@pytest.mark.parametrize("number", ["SIGUSR1", None, 1.0])
def test_a_signal_that_is_no_int_is_a_type_error(loop, number):
    with pytest.raises(TypeError, match=r"^sig must be an int, not "):
        loop.add_signal_handler(number, print)
    with pytest.raises(TypeError, match=r"^sig must be an int, not "):
        loop.remove_signal_handler(number)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_signal_that_cannot_be_caught_is_a_runtime_error(loop, number):
    with pytest.raises(RuntimeError, match=rf"^sig {int(number)} cannot be caught$"):
        loop.add_signal_handler(number, print)
    assert loop.remove_signal_handler(number) is False


def test_a_coroutine_function_is_refused(loop):
    async def handler():
        pass

    with pytest.raises(TypeError, match=r"^coroutines cannot be used with add_signal_handler\(\)$"):
        loop.add_signal_handler(signal.SIGUSR1, handler)
    coroutine = handler()
    with pytest.raises(TypeError, match=r"^coroutines cannot be used with add_signal_handler\(\)$"):
        loop.add_signal_handler(signal.SIGUSR1, coroutine)
    coroutine.close()


def test_handlers_can_only_be_added_in_the_main_thread(loop):
    async def main():
        with pytest.raises(RuntimeError, match="main thread"):
            await asyncio.to_thread(loop.add_signal_handler, signal.SIGUSR1, print)

    loop.run_until_complete(main())
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL


def test_an_ordinary_python_handler_runs_while_the_loop_sleeps(loop):
    me = threading.get_native_id()
    got = []

    def handler(number, frame):
        got.append(number)
        loop.call_soon_threadsafe(loop.stop)

    before = signal.signal(signal.SIGUSR1, handler)
    try:

        def wake():
            wait_until_asleep(me)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

        thread = threading.Thread(target=wake)
        loop.call_soon(thread.start)
        loop.run_forever()
        thread.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert got == [signal.SIGUSR1]


def test_an_exception_of_an_ordinary_python_handler_leaves_the_sleeping_loop(loop):
    def handler(number, frame):
        raise LookupError("from the handler")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(LookupError, match="from the handler"):
            loop.call_soon(signal.setitimer, signal.ITIMER_REAL, 0.01)
            loop.run_forever()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert loop.run_until_complete(asyncio.sleep(0, "still works")) == "still works"


def test_a_signal_without_a_handler_of_ours_does_not_wake_the_callbacks(loop):
    got = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: got.append("signal"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        loop.call_later(0.03, loop.stop)
        start = loop.time()
        loop.run_forever()
        assert loop.time() - start >= 0.03
    finally:
        signal.signal(signal.SIGALRM, before)
    assert got == ["signal"]
