"""What an asyncio loop is made of, which clocks for tests, re-entrant loops and debuggers read and change: `_ready`,
`_scheduled`, `_selector` and their like. That the values are true is shown by what they do."""

import asyncio
import collections
import contextlib
import contextvars
import copy
import gc
import heapq
import os
import selectors
import signal
import socket
import threading
import tracemalloc
import weakref

import ferrio
import pytest
from harness import turn, turns

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

# What has another value on a new loop, and why.
OTHERWISE = {
    "_internal_fds": "counts the pair of sockets, which ferrio makes when somebody asks for it",
    "_selector": "another class of selectors",
    "_ssock": "another descriptor",
    "_csock": "another descriptor",
    "_transports": "another kind of mapping",
    "_watcher": "another object",
}


def attributes(loop):
    return {name: getattr(loop, name) for name in vars(loop)}


@pytest.fixture
def pair():
    a, b = socket.socketpair()
    with a, b:
        a.setblocking(False)
        b.setblocking(False)
        yield a, b


# The walk.


def test_whatever_a_new_loop_of_asyncio_has_is_there_with_the_same_value(loop):
    stock = asyncio.SelectorEventLoop()
    loop.set_exception_handler(None)
    try:
        for name, value in attributes(stock).items():
            mine = getattr(loop, name)
            if name not in OTHERWISE:
                same = list(mine) == list(value) if isinstance(value, collections.deque) else mine == value
                assert same, f"{name} is {mine!r}, not {value!r}"
                assert type(mine).__name__ in (type(value).__name__, "TimerList"), name
    finally:
        stock.close()


def test_whatever_the_class_of_asyncio_has_is_there(loop):
    for name in dir(asyncio.SelectorEventLoop):
        assert hasattr(loop, name), name


def test_a_closed_loop_has_nothing_left(loop):
    loop.call_soon(print)
    loop.call_later(1, print)
    assert loop._ssock.fileno() != loop._csock.fileno()
    loop.close()
    assert loop._closed is True
    assert len(loop._ready) == len(loop._scheduled) == 0
    assert loop._selector is loop._ssock is loop._csock is None
    assert loop._signal_handlers == {}


def test_the_state_of_a_running_loop_is_true(loop):
    async def main():
        assert loop._thread_id == threading.get_ident()
        assert loop._stopping is False
        loop.stop()
        assert loop._stopping is True
        loop._stopping = False

    loop.run_until_complete(main())
    assert loop._thread_id is None
    loop.set_debug(True)
    assert loop._debug is True
    handle = loop.call_soon(lambda: seen.append(loop._current_handle))
    seen = []
    turn(loop)
    assert seen == [handle]
    assert loop._current_handle is None


@pytest.mark.parametrize("value", [0, "", None, 5, "yes"], ids=repr)
def test_flags_are_asked_for_their_truth(loop, value):
    ran = []
    loop._debug = value
    assert bool(loop._debug) is bool(loop.get_debug()) is bool(value)
    loop._debug = False
    loop.call_soon(ran.append, 1)
    loop.call_soon(loop.call_soon, loop.stop)
    loop.call_soon(lambda: setattr(loop, "_stopping", value))
    loop.run_forever()
    assert bool(loop._stopping) is False
    assert len(loop._ready) == bool(value)
    turns(loop, 2)


def test_attributes_can_be_set_as_a_constructor_sets_them(loop):
    """A class may be put over a loop, and make anew what it finds."""
    ran = []
    loop.call_soon(ran.append, "dropped")
    loop.call_later(0, ran.append, "dropped")
    loop._ready = collections.deque()
    loop._scheduled = []
    loop._timer_cancelled_count = 0
    loop.call_soon(ran.append, "ready")
    loop.call_later(0, ran.append, "due")
    turns(loop, 2)
    assert ran == ["ready", "due"]


# `_ready`


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
    """In debug mode handles that are made where somebody looks need a stack."""

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


# `_scheduled`


def test_scheduled_holds_the_timers_as_a_heap(loop):
    timers = [loop.call_later(delay, int) for delay in (30, 10, 20)]
    assert isinstance(loop._scheduled, list)
    assert len(loop._scheduled) == 3
    assert loop._scheduled[0] is timers[1]
    assert sorted(loop._scheduled) == sorted(timers)
    assert all(timer._scheduled for timer in timers)
    assert [heapq.heappop(loop._scheduled) for _ in range(3)] == sorted(timers)
    assert len(loop._scheduled) == 0


def test_a_list_of_timers_that_a_program_keeps_is_live(loop):
    scheduled = loop._scheduled
    ran = []
    first = loop.call_later(0, ran.append, 1)
    assert first in scheduled
    assert len(scheduled) == 1
    turns(loop, 2)
    assert ran == [1]
    assert not scheduled
    assert first._scheduled is False
    later = loop.call_later(100, ran.append, 2)
    assert list(scheduled) == [later]


def test_a_timer_that_is_taken_out_of_the_list_does_not_run_and_one_that_is_put_in_does(loop):
    ran = []
    taken = loop.call_later(0, ran.append, "taken")
    left = loop.call_later(0, ran.append, "left")
    loop._scheduled.remove(taken)
    own = asyncio.TimerHandle(loop.time(), ran.append, ("own",), loop)
    heapq.heappush(loop._scheduled, own)
    assert set(map(id, loop._scheduled)) == {id(left), id(own)}
    gc.collect()
    while len(ran) < 2:
        turn(loop)
    assert sorted(ran) == ["left", "own"]
    turn(loop)
    assert len(ran) == 2


def test_timers_go_on_when_nobody_looks_at_the_list_any_more(loop):
    ran = []
    timers = [loop.call_later(delay, ran.append, delay) for delay in (100, 0.001, 0.002, 200)]
    assert len(loop._scheduled) == 4
    timers[0].cancel()
    turn(loop)
    timers[3].cancel()
    loop.call_later(0.004, ran.append, 0.004)
    loop.call_later(0.005, loop.stop)
    loop.run_forever()
    assert ran == [0.001, 0.002, 0.004]
    assert not timers[1]._scheduled


def mutate(name, timers, scheduled):
    """Call a method of the list by its name, each in a way that shows whether it knows the last timer."""
    first, last = timers[0], timers[-1]
    calls = {
        "append": lambda: scheduled.append(first),
        "clear": scheduled.clear,
        "copy": scheduled.copy,
        "count": lambda: scheduled.count(last),
        "extend": lambda: scheduled.extend([first]),
        "index": lambda: scheduled.index(last),
        "insert": lambda: scheduled.insert(-1, first),
        "pop": scheduled.pop,
        "remove": lambda: scheduled.remove(last),
        "reverse": scheduled.reverse,
        "sort": lambda: scheduled.sort(reverse=True),
        "__add__": lambda: scheduled.__add__([first]),
        "__contains__": lambda: last in scheduled,
        "__delitem__": lambda: scheduled.__delitem__(-1),
        "__eq__": lambda: scheduled == timers,
        "__ge__": lambda: scheduled >= timers,
        "__getitem__": lambda: scheduled[-1],
        "__gt__": lambda: scheduled > timers,
        "__iadd__": lambda: list(scheduled.__iadd__([first])),
        "__imul__": lambda: list(scheduled.__imul__(2)),
        "__iter__": lambda: next(iter(scheduled)),
        "__le__": lambda: scheduled <= timers,
        "__len__": lambda: len(scheduled),
        "__lt__": lambda: scheduled < timers,
        "__mul__": lambda: scheduled * 2,
        "__ne__": lambda: scheduled != timers,
        "__repr__": lambda: repr(scheduled),
        "__reversed__": lambda: next(reversed(scheduled)),
        "__rmul__": lambda: 2 * scheduled,
        "__setitem__": lambda: scheduled.__setitem__(-1, first),
    }
    return calls[name]()


NOT_OF_CONTENTS = {
    "__class_getitem__",
    "__doc__",
    "__getattribute__",
    "__hash__",
    "__init__",
    "__new__",
    "__sizeof__",
}


@pytest.mark.parametrize("name", [name for name in vars(list) if name not in NOT_OF_CONTENTS])
def test_every_method_of_a_kept_list_of_timers_finds_what_was_scheduled_since(loop, name):
    scheduled = loop._scheduled
    timers = [loop.call_later(100 + number, int) for number in range(3)]
    model = timers.copy()
    assert mutate(name, timers, scheduled) == mutate(name, timers, model)
    assert list(loop._scheduled) == model
    scheduled.clear()


@pytest.mark.parametrize("take", [lambda timers: timers.clear(), lambda timers: timers.pop(), heapq.heappop])
def test_a_timer_that_is_taken_out_of_the_list_keeps_nothing_alive(loop, take):
    class Local:
        pass

    async def sleep_with(local):
        await ferrio.sleep(1000)

    async def main():
        local = Local()
        seen = weakref.ref(local)
        task = loop.create_task(sleep_with(local))
        await asyncio.sleep(0)
        take(loop._scheduled)
        task._log_destroy_pending = False
        del local, task
        for _ in range(2):
            await asyncio.sleep(0)
            gc.collect()
        return seen()

    assert loop.run_until_complete(main()) is None


def test_no_timer_is_lost_if_something_in_the_list_is_none(loop):
    """`heappush` raises where it compares; asyncio's loop does it in call_later."""

    def list_all():
        with contextlib.suppress(TypeError):
            len(loop._scheduled)

    ran = []
    intruder = asyncio.TimerHandle(loop.time() - 1000, int, (), loop)
    intruder._when = None
    sleeps = [loop.create_task(ferrio.sleep(0.001 * number, number)) for number in range(1, 4)]
    kept = loop._scheduled
    turn(loop)
    list.append(kept, intruder)
    for number in range(3):
        with contextlib.suppress(TypeError):
            loop.call_later(0.001, ran.append, number)
        list_all()
    for _ in range(4):
        list_all()
    kept.remove(intruder)
    heapq.heapify(kept)
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    assert [task.result() for task in sleeps] == [1, 2, 3]
    assert sorted(ran) == [0, 1, 2]


@pytest.mark.ferrio_only
def test_no_timer_is_lost_if_its_handle_cannot_be_made(loop, monkeypatch):
    """In debug mode handles that are made where somebody looks need a stack."""

    def broken(*args, **kwargs):
        raise ZeroDivisionError

    async def main():
        sleeps = [loop.create_task(ferrio.sleep(0.001 * number, number)) for number in range(1, 4)]
        await asyncio.sleep(0)
        with monkeypatch.context() as patch:
            patch.setattr("traceback.StackSummary.extract", broken)
            loop._debug = True
            with pytest.raises(ZeroDivisionError):
                len(loop._scheduled)
            loop._debug = False
        assert len(loop._scheduled) == 3
        return await asyncio.gather(*sleeps)

    assert loop.run_until_complete(main()) == [1, 2, 3]


def test_timers_stay_when_an_object_that_is_none_is_in_a_list_that_nobody_has_any_more(loop):
    timer = loop.call_later(100, int)
    loop._scheduled.append(object())
    loop.call_soon(int)
    turn(loop)
    assert loop._scheduled[0] is timer
    assert type(loop._scheduled.pop()) is object
    turn(loop)
    assert loop._scheduled == [timer]


def test_a_list_of_what_are_no_timers_takes_nothing_away_when_it_is_refused(loop):
    ran = []
    loop.call_later(0, ran.append, 1)
    timers = list(loop._scheduled)
    with contextlib.suppress(AttributeError):
        loop._scheduled = [object()]
    if len(loop._scheduled) == 1 and type(loop._scheduled[0]) is object:
        loop._scheduled = timers  # asyncio does not look.
    loop.call_later(0.001, loop.stop)
    loop.run_forever()
    assert ran == [1]


@pytest.mark.parametrize("look", ["once", "always"])
def test_sleeps_and_timeouts_are_timers_in_the_list_and_can_be_cancelled(loop, look):
    kept = []

    def live():
        return [timer for timer in sorted(loop._scheduled) if not timer._cancelled]

    async def main():
        sleeping = loop.create_task(asyncio.sleep(1000))
        waiting = loop.create_task(asyncio.wait_for(loop.create_future(), 2000))
        await asyncio.sleep(0)
        assert [round(timer.when() - loop.time()) for timer in live()] == [1000, 2000]
        if look == "always":
            kept.append(loop._scheduled)
        with pytest.raises(asyncio.TimeoutError):
            async with asyncio.timeout(3000) as deadline:
                assert len(live()) == 3
                await asyncio.sleep(0)
                deadline.reschedule(loop.time() + 0.001)
                assert len(live()) == 3
                await loop.create_future()
        sleeping.cancel()
        waiting.cancel()
        await asyncio.wait([sleeping, waiting])
        assert live() == []
        assert await asyncio.sleep(0.001, "slept") == "slept"

    loop.run_until_complete(main())


def test_cancelled_timers_are_counted_and_leave_the_list(loop):
    kept = loop._scheduled
    timers = [loop.call_later(100 + number, int) for number in range(200)]
    assert len(kept) == 200
    for timer in timers[50:]:
        timer.cancel()
        timer.cancel()
    assert loop._timer_cancelled_count == 150
    turn(loop)
    assert loop._timer_cancelled_count == 0
    assert sorted(loop._scheduled) == timers[:50]
    timers[0].cancel()
    turn(loop)
    assert loop._scheduled[0] is timers[1]
    assert timers[0]._scheduled is False
    assert loop._timer_cancelled_count == 0


# `_selector`


def test_selector_shows_what_is_watched_with_the_handles(loop, pair):
    a, b = pair
    called = []
    loop.add_reader(a, called.append, "read")
    loop.add_writer(a, called.append, "write")
    loop.add_reader(b.fileno(), called.append, "other")
    key = loop._selector.get_key(a)
    assert (key.fd, key.events) == (a.fileno(), READ | WRITE)
    reader, writer = key.data
    assert reader._args == ("read",)
    writer._run()
    assert called == ["write"]
    mapping = loop._selector.get_map()
    assert mapping[b.fileno()].data[1] is None
    assert {a.fileno(), b.fileno()} <= set(mapping)
    assert len(mapping) == 2 + loop._internal_fds
    loop.remove_writer(a)
    assert mapping[a].events == READ
    loop.remove_reader(a)
    assert a not in mapping
    with pytest.raises(KeyError):
        loop._selector.get_key(a)
    loop.remove_reader(b.fileno())
    assert isinstance(loop._selector, selectors.BaseSelector)


def test_select_waits_and_process_events_queues(loop, pair):
    a, b = pair
    called = []
    loop.add_reader(a, called.append, "read")
    assert loop._selector.select(0) == []
    assert loop._selector.select(0.001) == []
    b.send(b"x")
    ((key, events),) = loop._selector.select(None)
    assert (key.fd, events) == (a.fileno(), READ)
    assert called == []
    loop._process_events([(key, events)])
    assert len(loop._ready) == 1
    loop._ready.popleft()._run()
    assert called == ["read"]
    loop.remove_reader(a)
    loop._process_events([])


def test_a_thread_ends_a_select(loop):
    def select():
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(called.append, 1))
        thread.start()
        loop._process_events(loop._selector.select(20))
        thread.join()
        loop._selector.select(0)
        time_taken.append(loop.time() - start)

    called, time_taken, start = [], [], loop.time()
    loop.call_soon(select)
    turns(loop, 3)
    assert called == [1]
    assert time_taken[0] < 10


def test_what_a_thread_has_queued_is_an_event_of_the_next_select(loop):
    """Whoever selects twice in an iteration, as clocks for tests, must not wait the second time."""

    async def main():
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(called.append, 1))
        thread.start()
        thread.join()
        for timeout in (0, 20, None):
            events = loop._selector.select(timeout)
            assert [mask for _, mask in events] == [READ]
        loop._process_events(events)
        loop._ready.pop()._run()
        assert loop._selector.select(0) == []

    called = []
    loop.run_until_complete(main())
    turn(loop)
    assert called == [1]


def test_what_a_program_registers_is_watched(loop, pair):
    a, b = pair
    called = []
    reader = asyncio.Handle(called.append, ("read",), loop, None)
    key = loop._selector.register(a, READ, (reader, None))
    assert loop._selector.get_key(a) == key
    with pytest.raises(KeyError):
        loop._selector.register(a, READ, None)
    turn(loop)
    assert called == []
    b.send(b"x")
    loop.call_soon(int)
    while not called:
        turn(loop)
    assert called == ["read"]
    writer = asyncio.Handle(called.append, ("write",), loop, None)
    loop._selector.modify(a, READ | WRITE, (reader, writer))
    called.clear()
    while len(called) < 2:
        turn(loop)
    assert set(called) == {"read", "write"}
    loop.remove_writer(a)
    assert loop._selector.get_key(a).events == READ
    assert loop._selector.unregister(a).events == READ
    with pytest.raises(KeyError):
        loop._selector.unregister(a)
    called.clear()
    turn(loop)
    assert called == []


def test_what_only_the_program_understands_is_its_to_select(loop, pair):
    a, b = pair
    loop._selector.register(a, READ, "mine")
    b.send(b"x")
    ((key, _events),) = loop._selector.select(1)
    assert key.data == "mine"
    with pytest.raises((TypeError, ValueError)):
        turn(loop)
    loop._selector.unregister(a)
    turn(loop)


@pytest.mark.parametrize("events", ["1", 1.0, [1], object()])
def test_what_cannot_be_events_is_no_value(loop, pair, events):
    with pytest.raises(TypeError):
        loop._selector.register(pair[0], events)
    assert pair[0] not in loop._selector.get_map()


@pytest.mark.parametrize("events", [0, 4, 7, 256, -1, None, ""])
def test_events_that_there_are_not_are_refused(loop, pair, events):
    with pytest.raises(ValueError):
        loop._selector.register(pair[0], events)


@pytest.mark.parametrize("by", ["the instance", "the class", "another selector"])
def test_a_select_that_a_program_has_replaced_is_called(loop, by):
    """Clocks for tests do not wait: they leap."""
    leaps = []
    original = loop._selector
    ahead = 0.0

    def select(timeout=None):
        nonlocal ahead
        leaps.append(timeout)
        ahead += timeout or 0
        return original_select(0)

    class Wrapper:
        def __init__(self):
            self.select = select

        def __getattr__(self, name):
            return getattr(original, name)

    original_select, original_time = original.select, loop.time
    loop.time = lambda: original_time() + ahead
    own = vars(type(original)).get("select")
    if by == "the instance":
        original.select = select
    elif by == "the class":
        type(original).select = lambda self, timeout=None: select(timeout)
    else:
        loop._selector = Wrapper()

    async def main():
        start = loop.time()
        assert await asyncio.sleep(1000, "slept") == "slept"
        async with asyncio.timeout(1000):
            await asyncio.sleep(500)
        assert 1500 <= loop.time() - start < 1510

    loop.run_until_complete(main())
    assert any(leap and leap > 400 for leap in leaps)
    if by == "the instance":
        del original.select
    elif by == "the class" and own is not None:
        type(original).select = own
    elif by == "the class":
        del type(original).select
    else:
        loop._selector = original
    del loop.time
    leaps.clear()
    assert loop.run_until_complete(asyncio.sleep(0.001, "slept")) == "slept"
    assert not leaps


def test_a_select_that_is_put_into_the_class_while_loops_run_is_called_by_all_of_them(loop, loop_factory):
    """Also by one whose selector nobody has asked for."""
    called = []
    cls = type(loop._selector)
    own = cls.select
    had = "select" in vars(cls)
    other = loop_factory()

    def select(self, timeout=None):
        called.append(timeout)
        return own(self, timeout)

    async def main():
        await asyncio.sleep(0)
        cls.select = select
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return len(called)

    try:
        assert loop.run_until_complete(main()) > 0
        called.clear()
        turn(other)
        assert called == [0]
    finally:
        if had:
            cls.select = own
        else:
            del cls.select
        other.close()
    called.clear()
    assert loop.run_until_complete(asyncio.sleep(0.001, "slept")) == "slept"
    assert not called


# The self-pipe, signals, transports


def test_what_is_written_into_csock_wakes_the_loop(loop):
    async def main():
        threading.Timer(0.01, loop._csock.send, (b"\0",)).start()
        before = loop.time()
        loop._process_events(loop._selector.select(20))
        assert loop.time() - before < 10

    assert loop._ssock.fileno() in loop._selector.get_map()
    assert loop._internal_fds == 1
    loop.run_until_complete(main())
    loop._write_to_self()
    loop._read_from_self()


def test_signal_handlers_are_handles_by_their_signals(loop):
    ran = []
    loop.add_signal_handler(signal.SIGUSR1, ran.append, 1)
    assert list(loop._signal_handlers) == [signal.SIGUSR1]
    handle = loop._signal_handlers[signal.SIGUSR1]
    assert (handle._callback, handle._args) == (ran.append, (1,))
    loop._handle_signal(signal.SIGUSR1)
    turn(loop)
    loop._process_self_data(bytes([0, signal.SIGUSR1]))
    turn(loop)
    assert ran == [1, 1]
    loop._csock.send(bytes([signal.SIGUSR1]))
    while len(ran) < 3:
        turn(loop)
    assert loop.remove_signal_handler(signal.SIGUSR1)
    assert loop._signal_handlers == {}


def test_a_handler_that_a_program_puts_into_the_dictionary_runs_at_once_while_the_loop_is_busy(loop):
    async def main():
        fd = signal.set_wakeup_fd(-1)
        # asyncio's loop has its descriptor written to only when it adds a handler itself.
        signal.set_wakeup_fd(loop._csock.fileno() if fd == -1 else fd)
        os.kill(os.getpid(), signal.SIGUSR1)
        for _ in range(10):
            await asyncio.sleep(0)
        return ran

    ran = []
    turn(loop)
    loop._signal_handlers[signal.SIGUSR1] = asyncio.Handle(ran.append, (1,), loop, None)
    before = signal.signal(signal.SIGUSR1, lambda *args: None)
    try:
        assert loop.run_until_complete(main()) == [1]
    finally:
        signal.set_wakeup_fd(-1)
        loop._signal_handlers.clear()
        signal.signal(signal.SIGUSR1, before)


def test_a_dictionary_in_the_place_of_the_signal_handlers_is_used(loop):
    ran = []
    loop.add_signal_handler(signal.SIGUSR1, ran.append, 1)
    handlers = {signal.SIGUSR1: asyncio.Handle(ran.append, (2,), loop, None)}
    loop._signal_handlers = handlers
    assert loop._signal_handlers is handlers
    os.kill(os.getpid(), signal.SIGUSR1)
    while not ran:
        turn(loop)
    assert ran == [2]
    loop.add_signal_handler(signal.SIGUSR2, print)
    assert list(handlers) == [signal.SIGUSR1, signal.SIGUSR2]
    assert loop.remove_signal_handler(signal.SIGUSR1)
    assert loop.remove_signal_handler(signal.SIGUSR2)
    assert handlers == {}


async def test_a_mapping_in_the_place_of_the_transports_is_used(loop, pair):
    a, b = pair
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=a)
    fd = a.fileno()
    loop._transports = loop._transports
    with pytest.raises(RuntimeError, match="is used by transport"):
        loop.remove_reader(fd)
    loop._transports = weakref.WeakValueDictionary({b.fileno(): transport})
    assert dict(loop._transports) == {b.fileno(): transport}
    with pytest.raises(RuntimeError, match="is used by transport"):
        loop.add_reader(b, print)
    assert loop.remove_reader(fd) is True
    loop._transports = {}
    assert not loop._transports
    transport.abort()


async def test_transports_are_found_by_their_descriptors(loop, pair):
    a, b = pair
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=a)
    fd = a.fileno()
    assert loop._transports[fd] is transport
    assert loop._transports.get(fd) is transport
    assert dict(loop._transports.items()) == {fd: transport}
    assert len(loop._transports) == 1
    transport.abort()
    assert loop._transports[fd].is_closing()
    assert loop._transports.get(b.fileno()) is None
