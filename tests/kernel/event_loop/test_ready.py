"""`_ready` of a loop: a view of its queue, with the handles that asyncio would have there."""

import asyncio
import collections
import contextlib
import contextvars
import copy
import threading
import tracemalloc

import pytest

from tests.harness import turn, turns


def test_ready_can_be_multiplied(loop):
    ran = []
    handles = [loop.call_soon(ran.append, number) for number in range(2)]
    assert loop._ready * 2 == 2 * loop._ready == collections.deque(2 * handles)
    assert type(loop._ready * 2) is collections.deque
    for wrong in ("2", 2.0, None):
        with pytest.raises(TypeError):
            loop._ready * wrong
        with pytest.raises(TypeError):
            loop._ready *= wrong
    loop._ready *= 2
    assert list(loop._ready) == 2 * handles
    loop._ready *= 1
    turn(loop)
    assert ran == [0, 1, 0, 1]
    loop.call_soon(ran.append, 2)
    ready = loop._ready
    ready *= 0
    turn(loop)
    assert ran == [0, 1, 0, 1]


def test_ready_holds_the_handles_in_their_order(loop):
    ran = []
    handles = [loop.call_soon(ran.append, number) for number in range(3)]
    assert len(loop._ready) == 3
    assert list(loop._ready) == handles
    assert loop._ready[0] is handles[0]
    assert loop._ready[-1] is handles[2]
    assert handles[1] in loop._ready
    assert loop._ready.index(handles[1]) == 1
    assert loop._ready.copy() == collections.deque(handles)
    turn(loop)
    assert ran == [0, 1, 2]
    assert not loop._ready


def test_what_is_taken_out_of_ready_is_run_by_whoever_has_it(loop):
    ran = []
    loop.call_soon(ran.append, 1)
    loop.call_soon(ran.append, 2)
    handle = loop._ready.popleft()
    turn(loop)
    assert ran == [2]
    handle._run()
    assert ran == [2, 1]
    with pytest.raises(IndexError):
        loop._ready.popleft()


def test_every_method_of_a_deque_changes_the_order_in_which_handles_run(loop):
    ran = []
    handles = [asyncio.Handle(ran.append, (number,), loop, None) for number in range(9)]
    ready = loop._ready
    ready.append(handles[0])
    ready.appendleft(handles[1])
    ready.extend(handles[2:4])
    ready.extendleft(handles[4:6])
    assert list(ready) == [handles[number] for number in (5, 4, 1, 0, 2, 3)]
    ready.insert(1, handles[6])
    ready.rotate(2)
    ready.reverse()
    ready.remove(handles[0])
    del ready[0]
    ready[-1] = handles[7]
    expected = collections.deque(handles[number] for number in (5, 4, 1, 0, 2, 3))
    expected.insert(1, handles[6])
    expected.rotate(2)
    expected.reverse()
    expected.remove(handles[0])
    del expected[0]
    expected[-1] = handles[7]
    assert collections.deque(ready) == expected
    assert ready.pop() is expected.pop()
    assert ready.count(handles[4]) == 1
    turn(loop)
    assert ran == [handle._args[0] for handle in expected]
    ready.extend(handles)
    ready.clear()
    turn(loop)
    assert len(ran) == len(expected)


def test_ready_compares_and_copies_as_a_deque(loop):
    ready = loop._ready
    handles = [loop.call_soon(int) for _ in range(3)]
    contents = collections.deque(handles)
    assert ready == contents
    assert contents == ready
    assert ready == loop._ready
    assert ready != collections.deque(handles[:2])
    assert (ready != loop._ready) is False
    assert (ready == handles) is False
    assert ready.__lt__(handles) is NotImplemented
    with pytest.raises(TypeError):
        hash(ready)
    assert ready.maxlen is None
    for copied in (copy.copy(ready), ready.copy()):
        assert type(copied) is collections.deque
        assert copied == contents
        copied.clear()
    assert len(ready) == 3
    for both in (ready + contents, contents + ready, ready + ready):
        assert type(both) is collections.deque
        assert both == contents + contents
    with pytest.raises(TypeError):
        ready + handles
    assert ready.index(handles[1], 1) == 1
    with pytest.raises(ValueError):
        ready.index(handles[0], 1, 2)
    loop._ready += handles[:1]
    assert list(loop._ready) == [*handles, handles[0]]


def test_whatever_a_deque_can_do_ready_can_do(loop):
    public = {name for name in dir(collections.deque) if not name.startswith("_")}
    assert public <= set(dir(loop._ready))


def test_ready_is_read_by_indices_from_both_ends(loop):
    async def work():
        pass

    handles = [loop.call_soon(int, number) for number in range(3)]
    for index in (0, 1, 2, -1, -3):
        assert loop._ready[index] is handles[index]
    for index in (3, -4, 2**70):
        with pytest.raises(IndexError):
            loop._ready[index]
    with pytest.raises(TypeError):
        loop._ready["0"]
    task = loop.create_task(work())
    step = loop._ready[3]
    assert step._callback.__self__ is task
    assert loop._ready[-1] is step
    loop.run_until_complete(task)


def test_to_read_an_index_of_a_long_queue_copies_nothing(loop):
    count = 10_000
    handles = [loop.call_soon(int) for _ in range(count)]
    ready = loop._ready
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        assert ready[count // 2] is handles[count // 2]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < count
    ready.clear()


def test_nothing_in_ready_is_lost_if_looking_at_it_raises(loop, monkeypatch):
    """In debug mode a handle that is made for the view extracts the stack, which fails here."""

    async def work(number):
        ran.append(number)

    def broken(*args, **kwargs):
        raise ZeroDivisionError

    ran = []
    tasks = [loop.create_task(work(number)) for number in range(3)]
    loop.call_soon(ran.append, "handle")
    loop.set_debug(True)
    with monkeypatch.context() as patch:
        patch.setattr("traceback.StackSummary.extract", broken)
        for look in (list, copy.copy, reversed, lambda ready: ready.rotate(0), lambda ready: ready[0]):
            with contextlib.suppress(ZeroDivisionError):
                look(loop._ready)
    loop.set_debug(False)
    assert len(loop._ready) == 4
    turn(loop)
    assert ran == [0, 1, 2, "handle"]
    assert all(task.done() for task in tasks)


def test_steps_of_tasks_are_handles_in_ready_that_run_them(loop):
    var = contextvars.ContextVar("var")
    seen = []

    async def work(name):
        var.set(name)
        for step in range(3):
            seen.append((name, step, var.get(), asyncio.current_task() is tasks[name]))
            await asyncio.sleep(0)

    def run_all():
        while loop._ready:
            handle = loop._ready.popleft()
            assert handle._cancelled is False
            handle._run()
            assert asyncio.current_task(loop) is None

    tasks = {name: loop.create_task(work(name)) for name in "ab"}
    loop.call_soon(run_all)
    turn(loop)
    # The first steps have run before, by the loop.
    assert seen == [(name, step, name, True) for step in range(3) for name in "ab"]
    assert all(task.done() for task in tasks.values())
    assert var.get(None) is None


def test_the_task_is_found_from_the_handle_of_its_step(loop):
    async def work():
        await future

    future = loop.create_future()
    task = loop.create_task(work())
    (handle,) = loop._ready
    assert handle._callback.__self__ is task
    turn(loop)
    assert not loop._ready
    future.set_result(None)
    (handle,) = loop._ready
    assert handle._callback.__self__ is task
    assert handle._args == (future,)
    turn(loop)
    assert task.done()


def test_a_step_that_is_cancelled_in_ready_does_not_run(loop):
    async def work():
        seen.append("ran")

    seen = []
    task = loop.create_task(work())
    (handle,) = loop._ready
    handle.cancel()
    turns(loop, 2)
    assert seen == []
    assert not task.done()
    task.get_coro().close()
    task._log_destroy_pending = False


def test_whatever_is_queued_can_be_run_from_ready(loop, pair):
    """Callbacks of futures, ends of combinators, timeouts, timers of sleep(), transports, accepted connections."""
    a, b = pair

    async def main():
        async def handle_client(reader, writer):
            writer.write(await reader.read(100))
            writer.close()

        done = loop.create_future()
        done.set_result("done")
        done.add_done_callback(lambda future: seen.append(future.result()))
        seen.extend(await asyncio.gather(asyncio.sleep(0, "zero"), asyncio.sleep(0.001, "slept"), done))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(loop.create_future(), 0.001)
        server = await asyncio.start_server(handle_client, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"echo")
        seen.append(await reader.read(100))
        writer.close()
        server.close()
        await server.wait_closed()
        seen.append(await loop.run_in_executor(None, lambda: "thread"))
        await loop.sock_sendall(b, b"socket")
        seen.append(await loop.sock_recv(a, 100))

    seen = []
    rescheduled = []

    def take_over():
        """Run all that is ready from the queue, in every iteration."""
        for handle in [loop._ready.popleft() for _ in range(len(loop._ready))]:
            rescheduled.append(handle)
            handle._run()
        if not task.done():
            loop.call_later(0, take_over) if len(rescheduled) % 2 else loop.call_soon(take_over)

    loop.call_soon(take_over)
    task = loop.create_task(main())
    loop.run_until_complete(task)
    loop.run_until_complete(loop.shutdown_default_executor())
    assert seen == ["done", "zero", "slept", "done", b"echo", "thread", b"socket"]
    assert len(rescheduled) > 10


def test_a_handle_of_another_class_runs_from_ready(loop):
    class Own:
        _cancelled = False

        def _run(self):
            ran.append(self)

    ran = []
    own, cancelled = Own(), Own()
    cancelled._cancelled = True
    loop._ready.append(cancelled)
    loop._ready.append(own)
    assert list(loop._ready) == [cancelled, own]
    turn(loop)
    assert ran == [own]


def test_what_other_threads_have_queued_is_in_ready(loop):
    async def main():
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(ran.append, 1))
        thread.start()
        thread.join()
        assert len(loop._ready) == 1
        loop._ready.popleft()._run()

    ran = []
    loop.run_until_complete(main())
    assert ran == [1]


def test_add_callback_and_call_soon_privately_queue_handles(loop):
    ran = []
    handle = asyncio.Handle(ran.append, (1,), loop, None)
    loop._add_callback(handle)
    cancelled = asyncio.Handle(ran.append, (2,), loop, None)
    cancelled.cancel()
    loop._add_callback(cancelled)
    loop._add_callback_signalsafe(asyncio.Handle(ran.append, (3,), loop, None))
    loop._call_soon(ran.append, (4,), None)
    turn(loop)
    assert ran == [1, 3, 4]
