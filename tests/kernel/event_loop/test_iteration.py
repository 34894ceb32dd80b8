"""What runs in which iteration, and in which order within it."""

import asyncio
import threading

from tests.harness import socket_pair, turn


def test_callbacks_added_by_callbacks_run_in_the_next_iteration(loop):
    ran = []

    def add(depth):
        ran.append(depth)
        if depth < 3:
            loop.call_soon(add, depth + 1)

    loop.call_soon(add, 0)
    for depth in range(4):
        turn(loop)
        assert ran == list(range(depth + 1))


def test_an_iteration_runs_what_was_ready_then_what_io_made_ready_then_timers(loop):
    ran = []
    with socket_pair() as (ours, theirs):
        theirs.send(b"x")
        loop.call_later(0, ran.append, "timer")
        loop.add_writer(ours, ran.append, "writer")
        loop.add_reader(ours, ran.append, "reader")
        loop.call_soon(ran.append, "soon")
        turn(loop)
        loop.remove_reader(ours)
        loop.remove_writer(ours)
    assert ran == ["soon", "reader", "writer", "timer"]


def test_io_is_looked_at_in_every_iteration_even_when_callbacks_are_ready(loop):
    seen = []
    with socket_pair() as (ours, theirs):
        loop.add_reader(ours, seen.append, "io")

        def busy(left):
            seen.append(left)
            if left == 3:
                theirs.send(b"x")
            if left:
                loop.call_soon(busy, left - 1)
            else:
                loop.stop()

        loop.call_soon(busy, 5)
        loop.run_forever()
        loop.remove_reader(ours)
    assert seen == [5, 4, 3, 2, "io", 1, "io", 0, "io"]


def test_a_descriptor_made_ready_by_a_callback_is_seen_in_the_next_iteration(loop):
    ran = []
    with socket_pair() as (ours, theirs):
        loop.add_reader(ours, ran.append, "io")
        loop.call_soon(theirs.send, b"x")
        turn(loop)
        assert ran == []
        turn(loop)
        loop.remove_reader(ours)
    assert ran == ["io"]


def test_threadsafe_and_plain_callbacks_share_one_order(loop):
    ran = []
    for number in range(0, 60, 3):
        loop.call_soon(ran.append, number)
        loop.call_soon_threadsafe(ran.append, number + 1)
        loop.call_soon_threadsafe(ran.append, number + 2)
    turn(loop)
    assert ran == list(range(60))


def test_a_callback_from_another_thread_keeps_its_place_among_those_of_the_loops_thread(loop):
    ran = []

    def callback():
        loop.call_soon(ran.append, "before")
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(ran.append, "thread"))
        thread.start()
        thread.join()
        loop.call_soon(ran.append, "after")

    loop.call_soon(callback)
    turn(loop)
    assert ran == []
    turn(loop)
    assert ran == ["before", "thread", "after"]


def test_a_callback_added_threadsafe_before_the_loop_runs_is_in_the_first_iteration(loop):
    ran = []
    thread = threading.Thread(target=loop.call_soon_threadsafe, args=(ran.append, "thread"))
    thread.start()
    thread.join()
    turn(loop)
    assert ran == ["thread"]


def test_done_callbacks_of_a_future_run_in_the_iteration_after_its_result(loop):
    ran = []
    future = loop.create_future()
    future.add_done_callback(lambda _: ran.append("one"))
    future.add_done_callback(lambda _: ran.append("two"))
    loop.call_soon(future.set_result, None)
    loop.call_soon(ran.append, "same")
    turn(loop)
    assert ran == ["same"]
    loop.call_soon(ran.append, "after")
    turn(loop)
    assert ran == ["same", "one", "two", "after"]


def test_a_task_starts_in_order_with_callbacks(loop):
    ran = []

    async def step(name):
        ran.append(name)

    loop.call_soon(ran.append, "before")
    task = loop.create_task(step("task"))
    loop.call_soon(ran.append, "after")
    turn(loop)
    assert ran == ["before", "task", "after"]
    assert task.done()


def test_a_task_that_yields_goes_to_the_end_of_the_next_iteration(loop):
    ran = []

    async def step(name, times):
        for number in range(times):
            ran.append(f"{name}{number}")
            await asyncio.sleep(0)

    tasks = [loop.create_task(step("a", 3)), loop.create_task(step("b", 2))]
    loop.call_soon(lambda: loop.call_soon(ran.append, "callback"))
    turn(loop)
    assert ran == ["a0", "b0"]
    turn(loop)
    assert ran == ["a0", "b0", "a1", "b1", "callback"]
    turn(loop)
    assert ran == ["a0", "b0", "a1", "b1", "callback", "a2"]
    turn(loop)
    assert all(task.done() for task in tasks)


def test_a_task_wakes_one_iteration_after_its_future(loop):
    ran = []
    future = loop.create_future()

    async def wait():
        ran.append(await future)

    task = loop.create_task(wait())
    turn(loop)
    future.set_result("result")
    assert ran == []
    turn(loop)
    assert ran == ["result"]
    assert task.done()


def test_tasks_that_wait_for_one_future_wake_in_the_order_they_waited_among_its_callbacks(loop):
    ran = []
    future = loop.create_future()

    async def wait(name):
        await future
        ran.append(name)

    tasks = [loop.create_task(wait("task 1"))]
    turn(loop)
    future.add_done_callback(lambda _: ran.append("callback"))
    tasks.append(loop.create_task(wait("task 2")))
    turn(loop)
    future.set_result(None)
    turn(loop)
    assert ran == ["task 1", "callback", "task 2"]
    assert all(task.done() for task in tasks)


def test_run_until_complete_stops_after_the_iteration_in_which_the_done_callback_runs(loop):
    ran = []

    async def main():
        loop.call_soon(ran.append, "with the done callback")
        loop.call_soon(lambda: loop.call_soon(ran.append, "too late"))

    loop.run_until_complete(main())
    assert ran == ["with the done callback"]
    turn(loop)
    assert ran == ["with the done callback", "too late"]


def test_run_until_complete_of_a_finished_future_takes_one_iteration(loop):
    ran = []
    future = loop.create_future()
    future.set_result("result")
    loop.call_soon(lambda: loop.call_soon(ran.append, "second"))
    loop.call_soon(ran.append, "first")
    assert loop.run_until_complete(future) == "result"
    assert ran == ["first"]
    turn(loop)
    assert ran == ["first", "second"]
