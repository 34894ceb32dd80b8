"""Programs that make iterations themselves: they replace `_run_once` or parts of it, or call it inside a callback."""

import asyncio
import contextlib
import heapq
import socket
import threading

import pytest

from tests.harness import turn, turns


@pytest.fixture
def kind(loop_factory, process_state):
    """A class of one's own over that of the loops under test, into which anything may be put."""
    loop = loop_factory()
    loop.close()
    return type("Own", (type(loop),), {})


@contextlib.contextmanager
def closing(loop):
    try:
        yield loop
    finally:
        loop.close()


def counting(original, log):
    def method(*args, **kwargs):
        log.append(original.__name__)
        return original(*args, **kwargs)

    return method


@pytest.mark.parametrize("name", ["_run_once", "_process_events"])
def test_a_part_of_the_iteration_that_a_subclass_overrides_is_used(kind, name):
    log = []
    own = type("Overriding", (kind,), {name: counting(getattr(kind, name), log)})
    with closing(own()) as loop:
        assert loop.run_until_complete(asyncio.sleep(0.001, "slept")) == "slept"
    assert len(log) > 1


@pytest.mark.parametrize("name", ["_run_once", "_process_events"])
def test_a_part_of_the_iteration_that_is_put_on_a_loop_is_used_until_it_is_taken_away(kind, name):
    log = []

    async def main():
        setattr(loop, name, counting(getattr(loop, name), log))
        for _ in range(3):
            await asyncio.sleep(0)
        delattr(loop, name)
        await asyncio.sleep(0)
        count = len(log)
        assert count >= 2
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        assert len(log) == count

    with closing(kind()) as loop:
        loop.run_until_complete(main())


@pytest.mark.parametrize("name", ["_run_once", "_process_events"])
def test_a_part_of_the_iteration_that_is_put_into_the_class_of_a_running_loop_is_used(kind, name):
    log = []

    async def main():
        await asyncio.sleep(0)
        setattr(kind, name, counting(getattr(kind, name), log))
        for _ in range(3):
            await asyncio.sleep(0)
        delattr(kind, name)
        await asyncio.sleep(0)
        count = len(log)
        assert count >= 2
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        assert len(log) == count
        kind.unrelated = "attribute"
        await asyncio.sleep(0)
        assert len(log) == count

    with closing(kind()) as loop:
        loop.run_until_complete(main())


def test_a_loop_that_gets_another_class_is_one_of_that_class(kind):
    log = []
    other = type("Other", (kind,), {"_run_once": counting(kind._run_once, log)})
    with closing(kind()) as loop:
        turn(loop)
        assert not log
        loop.__class__ = other
        turn(loop)
        assert log == ["_run_once"]
        loop.__class__ = kind
        turn(loop)
        assert log == ["_run_once"]


def test_an_error_of_an_iteration_of_ones_own_leaves_the_loop(kind):
    def broken(self):
        raise ZeroDivisionError

    ran = []
    with closing(kind()) as loop:
        loop.call_soon(ran.append, 1)
        kind._run_once = broken
        with pytest.raises(ZeroDivisionError):
            turn(loop)
        del kind._run_once
        turn(loop)
        assert ran == [1]


def run_one_by_one(self):
    """An iteration as packages write it that make loops re-entrant."""
    ready, scheduled = self._ready, self._scheduled
    while scheduled and scheduled[0]._cancelled:
        heapq.heappop(scheduled)
    timeout = None
    if ready or self._stopping:
        timeout = 0
    elif scheduled:
        timeout = max(0, scheduled[0]._when - self.time())
    self._process_events(self._selector.select(timeout))
    end = self.time() + self._clock_resolution
    while scheduled and scheduled[0]._when < end:
        ready.append(heapq.heappop(scheduled))
    for _ in range(len(ready)):
        if ready:
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()


def test_a_program_can_make_all_iterations_itself(kind):
    kind._run_once = run_one_by_one

    async def answer(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    async def main(loop):
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"echo\n")
            data = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(10):
            await asyncio.gather(asyncio.sleep(0.002), asyncio.sleep(0.001))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(loop.create_future(), 0.001)
        future = loop.create_future()
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(future.set_result, "thread"))
        thread.start()
        result = await future
        thread.join()
        return data, result

    with closing(kind()) as loop:
        assert loop.run_until_complete(main(loop)) == (b"echo\n", "thread")
        loop.run_until_complete(loop.shutdown_asyncgens())


def test_what_was_written_leaves_when_a_program_ends_its_iterations(kind):
    """Whoever iterates in another way than by `run_forever` says by `_thread_id` when the loop runs."""
    a, b = socket.socketpair()

    async def write():
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=a)
        loop.call_soon(transport.write, b"written")
        transports.append(transport)

    transports = []
    with b, closing(kind()) as loop:
        b.setblocking(False)
        task = loop.create_task(write())
        loop._thread_id = threading.get_ident()
        asyncio._set_running_loop(loop)
        while not task.done() or loop._ready:
            run_one_by_one(loop)
        asyncio._set_running_loop(None)
        loop._thread_id = None
        assert b.recv(100) == b"written"
        transports[0].abort()
        turns(loop, 2)


def test_an_iteration_inside_a_callback_runs_what_is_ready(loop):
    log = []

    def outer():
        log.append("outer begins")
        loop._ready.append(loop._ready.popleft())  # asyncio's own iteration counts on as many as it has seen
        loop._run_once()
        log.append("outer ends")
        for name in "fillers":
            loop.call_soon(log.append, name)

    loop.call_soon(outer)
    loop.call_soon(log.append, 1)
    loop.call_soon(log.append, 2)
    turn(loop)
    assert log[:4] == ["outer begins", 2, 1, "outer ends"]
    turn(loop)
    assert sorted(map(str, log[4:])) == sorted("fillers")


@pytest.mark.ferrio_only
def test_an_iteration_goes_on_when_another_inside_it_has_run_the_rest(loop):
    """asyncio's raises IndexError."""
    log = []

    def outer():
        loop._run_once()
        log.append("outer")

    loop.call_soon(outer)
    for number in range(5):
        loop.call_soon(log.append, number)
    turn(loop)
    assert log == [0, 1, 2, 3, 4, "outer"]
    loop.call_soon(log.append, "next")
    turn(loop)
    assert log[-1] == "next"


def test_iterations_are_nested_a_hundred_deep(loop):
    log = []

    def nest(depth):
        if depth:
            loop.call_soon(nest, depth - 1)
            loop._run_once()
        log.append(depth)

    loop.call_soon(nest, 100)
    turn(loop)
    assert log == list(range(101))


def test_iterations_that_are_nested_too_deep_end_by_recursion_errors(loop, errors):
    deepest = 0

    def nest(depth):
        nonlocal deepest
        deepest = depth
        loop.call_soon(nest, depth + 1)
        loop._run_once()

    loop.call_soon(nest, 0)
    with contextlib.suppress(RecursionError):
        turn(loop)
    assert deepest > 100
    assert {type(context["exception"]) for context in errors.take()} <= {RecursionError}
    loop._ready.clear()
    assert loop.run_until_complete(asyncio.sleep(0, "on")) == "on"


def test_what_is_put_into_the_class_later_is_used_by_the_loops_that_there_are(kind):
    log = []

    async def nothing():
        pass

    with closing(kind()) as loop:
        turn(loop)
        kind.call_soon = counting(kind.call_soon, log)
        kind.create_task = counting(kind.create_task, log)
        turn(loop)
        log.clear()
        loop.run_until_complete(nothing())
        assert "create_task" in log or "call_soon" in log
        assert log.count("call_soon") >= 1


def test_a_selector_that_was_replaced_has_no_say_any_more(loop):
    original, timeouts = loop._selector, []

    class Counting:
        def select(self, timeout=None):
            timeouts.append(timeout)
            return original.select(timeout)

        def __getattr__(self, name):
            return getattr(original, name)

    loop._selector = Counting()
    original.note = 1
    turn(loop)
    loop._selector = original
    assert timeouts == [0]
