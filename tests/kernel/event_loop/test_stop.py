"""stop(): what still runs, and running again afterwards."""

import threading

import pytest

from tests.harness import socket_pair, turn


def test_stop_lets_the_iteration_finish(loop):
    ran = []
    loop.call_soon(ran.append, 1)
    loop.call_soon(loop.stop)
    loop.call_soon(ran.append, 2)
    loop.run_forever()
    assert ran == [1, 2]


def test_what_is_added_after_stop_waits_for_the_next_run(loop):
    ran = []

    def callback():
        loop.stop()
        loop.call_soon(ran.append, "next run")

    loop.call_soon(callback)
    loop.call_soon(loop.call_soon, ran.append, "also next run")
    loop.run_forever()
    assert ran == []
    turn(loop)
    assert ran == ["next run", "also next run"]


def test_stop_before_run_forever_runs_one_iteration(loop):
    ran = []
    loop.call_soon(lambda: loop.call_soon(ran.append, "second"))
    loop.call_soon(ran.append, "first")
    loop.stop()
    loop.run_forever()
    assert ran == ["first"]
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert ran == ["first", "second"]


def test_stop_before_run_forever_does_not_wait_for_anything(loop):
    with socket_pair() as (ours, _):
        loop.add_reader(ours, print)
        handle = loop.call_later(1000, print)
        start = loop.time()
        turn(loop)
        assert loop.time() - start < 100
        handle.cancel()
        loop.remove_reader(ours)


def test_one_iteration_looks_at_descriptors_and_timers_too(loop):
    ran = []
    with socket_pair() as (ours, theirs):
        theirs.send(b"x")
        loop.add_reader(ours, ran.append, "reader")
        loop.call_at(0, ran.append, "timer")
        turn(loop)
        loop.remove_reader(ours)
    assert ran == ["reader", "timer"]


def test_stop_counts_once_however_often_it_is_called(loop):
    ran = []
    for _ in range(3):
        loop.stop()
    loop.run_forever()
    loop.call_soon(ran.append, 1)
    loop.call_soon(lambda: loop.call_soon(ran.append, 2))
    loop.call_soon(lambda: loop.call_soon(loop.stop))
    loop.run_forever()
    assert ran == [1, 2]


def test_stop_returns_nothing_and_leaves_the_loop_open(loop):
    assert loop.stop() is None
    assert loop.run_forever() is None
    assert not loop.is_closed()
    assert not loop.is_running()


def test_stop_from_a_timer_and_from_a_reader(loop):
    loop.call_later(0.001, loop.stop)
    loop.run_forever()
    with socket_pair() as (ours, theirs):
        loop.add_reader(ours, loop.stop)
        loop.call_soon(theirs.send, b"x")
        loop.run_forever()
        loop.remove_reader(ours)


def test_stop_from_another_thread_needs_call_soon_threadsafe(loop):
    thread = threading.Thread(target=loop.call_soon_threadsafe, args=(loop.stop,))
    loop.call_soon(thread.start)
    loop.run_forever()
    thread.join()


def test_pending_timers_and_readers_survive_stop(loop):
    ran = []
    with socket_pair() as (ours, theirs):
        loop.add_reader(ours, lambda: ran.append(ours.recv(10)))
        loop.call_later(0.001, ran.append, "timer")
        loop.call_soon(loop.stop)
        loop.run_forever()
        assert ran == []
        theirs.send(b"data")
        loop.call_later(0.002, loop.stop)
        loop.run_forever()
        loop.remove_reader(ours)
    assert ran == [b"data", "timer"]


def test_a_coroutine_cut_off_by_stop_goes_on_in_the_next_run(loop):
    future = loop.create_future()

    async def wait():
        return await future

    task = loop.create_task(wait())
    loop.call_soon(loop.stop)
    with pytest.raises(RuntimeError, match=r"^Event loop stopped before Future completed\.$"):
        loop.run_until_complete(task)
    assert not task.done()
    future.set_result("result")
    assert loop.run_until_complete(task) == "result"


def test_a_future_cut_off_by_stop_does_not_stop_the_next_run(loop):
    ran = []
    future = loop.create_future()
    loop.call_soon(loop.stop)
    with pytest.raises(RuntimeError):
        loop.run_until_complete(future)
    loop.call_soon(future.set_result, None)
    for number in range(3):
        loop.call_soon(ran.append, number)
        turn(loop)
    assert ran == [0, 1, 2]


def test_stop_in_the_iteration_in_which_the_future_completes_is_no_error(loop):
    future = loop.create_future()

    def finish():
        future.set_result("result")
        loop.stop()

    loop.call_soon(finish)
    assert loop.run_until_complete(future) == "result"
