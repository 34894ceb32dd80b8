"""call_soon_threadsafe(): waking a sleeping loop, order, and what other threads may see."""

import asyncio
import concurrent.futures
import functools
import signal
import sys
import threading
import time

import pytest

from tests.harness import turn, wait_until_asleep


@pytest.fixture
def thread():
    """Starts threads and joins them when the test is over."""
    started = []

    def start(target, *args):
        started.append(threading.Thread(target=target, args=args))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.join(10)
        assert not each.is_alive()


def test_it_wakes_a_loop_that_sleeps_without_a_timer(loop, thread):
    me = threading.get_native_id()

    def wake():
        wait_until_asleep(me)
        loop.call_soon_threadsafe(loop.stop)

    loop.call_soon(thread, wake)
    loop.run_forever()


def test_it_wakes_a_loop_that_sleeps_until_a_distant_timer(loop, thread):
    me = threading.get_native_id()
    handle = loop.call_later(1000, print)

    def wake():
        wait_until_asleep(me)
        loop.call_soon_threadsafe(loop.stop)

    loop.call_soon(thread, wake)
    start = loop.time()
    loop.run_forever()
    assert loop.time() - start < 100
    handle.cancel()


def test_no_wake_up_is_lost_in_thousands_of_round_trips(loop, thread):
    count = 3000
    turns_taken = []

    def ping():
        for number in range(count):
            there = threading.Event()
            loop.call_soon_threadsafe(lambda n=number, e=there: (turns_taken.append(n), e.set()))
            assert there.wait(20)
        loop.call_soon_threadsafe(loop.stop)

    loop.call_soon(thread, ping)
    loop.run_forever()
    assert turns_taken == list(range(count))


def test_ten_threads_of_a_thousand_calls_all_arrive_in_order_per_thread(loop, thread):
    arrived = [[] for _ in range(10)]
    total = 0

    def arrive(number, value):
        nonlocal total
        arrived[number].append(value)
        total += 1
        if total == 10_000:
            loop.stop()

    barrier = threading.Barrier(10)

    def send(number):
        barrier.wait()
        for value in range(1000):
            loop.call_soon_threadsafe(arrive, number, value)

    for number in range(10):
        loop.call_soon(thread, send, number)
    loop.run_forever()
    assert arrived == [list(range(1000))] * 10


def test_it_runs_in_the_loops_thread(loop, thread):
    ran_in = []

    def from_thread():
        loop.call_soon_threadsafe(lambda: ran_in.append(threading.get_ident()))
        loop.call_soon_threadsafe(loop.stop)

    loop.call_soon(thread, from_thread)
    loop.run_forever()
    assert ran_in == [threading.get_ident()]


def test_it_returns_a_handle_that_can_be_cancelled(loop):
    ran = []
    handle = loop.call_soon_threadsafe(ran.append, 1)
    assert isinstance(handle, asyncio.Handle)
    handle.cancel()
    assert handle.cancelled()
    turn(loop)
    assert ran == []


def test_a_handle_cancelled_in_another_thread_does_not_run(loop, thread):
    ran = []
    handle = loop.call_soon_threadsafe(ran.append, 1)
    thread(handle.cancel).join()
    turn(loop)
    assert ran == []


@pytest.mark.skipif(sys.version_info < (3, 14), reason="handles are thread-safe since Python 3.14")
@pytest.mark.parametrize("ask", ["cancel", "cancelled", "_run"])
def test_another_thread_waits_for_the_end_of_a_callback_that_runs(loop, thread, ask):
    events = []

    def callback():
        events.append("begins")
        # The lock is reentrant.
        assert not handle.cancelled()
        if len(events) > 1:
            return
        others.extend(thread(other) for _ in range(3))
        for each in others:
            wait_until_asleep(each.native_id)
        events.append("ends")

    def other():
        getattr(handle, ask)()
        events.append("asked")

    others = []
    handle = loop.call_soon_threadsafe(callback)
    turn(loop)
    for each in others:
        each.join()
    asked = {"_run": ["begins", "asked"]}.get(ask, ["asked"])
    assert sorted(events[2:]) == sorted(asked * 3)
    assert events[:2] == ["begins", "ends"]
    assert handle.cancelled() == (ask == "cancel")


@pytest.mark.skipif(sys.version_info < (3, 14), reason="handles are thread-safe since Python 3.14")
def test_a_signal_handler_interrupts_waiting_for_a_callback_that_runs(loop, thread):
    class Interrupt(Exception):
        pass

    def handler(number, frame):
        raise Interrupt

    def run():
        handle._run()

    def callback():
        running.set()
        assert done.wait(10)

    def interrupt():
        wait_until_asleep(me)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    running, done = threading.Event(), threading.Event()
    me = threading.get_native_id()
    handle = loop.call_soon_threadsafe(callback)
    old = signal.signal(signal.SIGUSR1, handler)
    try:
        thread(run)
        assert running.wait(10)
        thread(interrupt)
        with pytest.raises(Interrupt):
            handle.cancel()
        assert not done.is_set()
    finally:
        signal.signal(signal.SIGUSR1, old)
        done.set()
    handle.cancel()
    turn(loop)


def test_a_callback_has_the_arguments_it_was_given(loop):
    got = []
    for args in ((), (1,), ((),), (1, 2), (None, [3])):
        for schedule in (loop.call_soon, loop.call_soon_threadsafe, functools.partial(loop.call_later, 0)):
            handle = schedule(lambda *args: got.append(args), *args)
            assert handle._args == args
            assert type(handle._args) is tuple
            turn(loop)
            assert got.pop() == args
    with pytest.raises(TypeError):
        loop.call_soon()
    with pytest.raises(TypeError):
        loop.call_soon_threadsafe()
    with pytest.raises(TypeError):
        loop.call_later(1)


def test_it_can_be_called_from_the_loops_own_callbacks(loop):
    ran = []

    def chain(left):
        ran.append(left)
        if left:
            loop.call_soon_threadsafe(chain, left - 1)
        else:
            loop.stop()

    loop.call_soon_threadsafe(chain, 1000)
    loop.run_forever()
    assert ran == list(range(1000, -1, -1))


def test_a_loop_that_was_woken_goes_back_to_sleep(loop, thread):
    me = threading.get_native_id()

    def wake():
        for _ in range(20):
            wait_until_asleep(me)
            loop.call_soon_threadsafe(int)
        wait_until_asleep(me)
        loop.call_soon_threadsafe(loop.stop)

    loop.call_soon(thread, wake)
    loop.run_forever()


def test_calls_made_while_the_loop_is_not_running_wait_for_it(loop, thread):
    ran = []
    for number in range(100):
        thread(loop.call_soon_threadsafe, ran.append, number).join()
    assert ran == []
    turn(loop)
    assert ran == list(range(100))


def test_wake_ups_left_over_from_one_run_do_not_disturb_the_next(loop):
    for _ in range(5000):
        loop.call_soon_threadsafe(int)
    turn(loop)
    start = time.process_time()
    loop.call_later(0.1, loop.stop)
    loop.run_forever()
    assert time.process_time() - start < 0.05


def test_a_closed_loop_raises_in_the_calling_thread(loop, thread):
    caught = []

    def call():
        with pytest.raises(RuntimeError, match=r"^Event loop is closed$") as info:
            loop.call_soon_threadsafe(print)
        caught.append(info.value)

    loop.close()
    thread(call).join()
    assert len(caught) == 1


def test_threads_that_call_while_the_loop_closes_get_the_error_and_nothing_worse(loop, thread):
    refused = []
    running = threading.Barrier(5)

    def call():
        running.wait()
        try:
            while True:
                loop.call_soon_threadsafe(int)
        except RuntimeError as exc:
            refused.append(str(exc))

    threads = [thread(call) for _ in range(4)]
    running.wait()
    for _ in range(20):
        turn(loop)
    loop.close()
    for each in threads:
        each.join()
    assert refused == ["Event loop is closed"] * 4


def test_stop_called_in_another_thread_is_seen_in_the_next_iteration(loop, thread):
    def from_thread():
        loop.stop()
        loop.call_soon_threadsafe(int)

    loop.call_soon(thread, from_thread)
    loop.run_forever()


def test_run_coroutine_threadsafe_returns_results_exceptions_and_cancels(loop, thread):
    outcome = []
    started = threading.Event()

    async def value():
        await asyncio.sleep(0)
        return 42

    async def fail():
        raise LookupError("argument")

    async def never():
        started.set()
        await loop.create_future()

    def use():
        outcome.append(asyncio.run_coroutine_threadsafe(value(), loop).result(20))
        outcome.append(type(asyncio.run_coroutine_threadsafe(fail(), loop).exception(20)))
        future = asyncio.run_coroutine_threadsafe(never(), loop)
        assert started.wait(20)
        outcome.append(future.cancel())
        concurrent.futures.wait([future], 20)
        outcome.append(future.cancelled())
        loop.call_soon_threadsafe(loop.stop)

    loop.call_soon(thread, use)
    loop.run_forever()
    turn(loop)
    assert outcome == [42, LookupError, True, True]
