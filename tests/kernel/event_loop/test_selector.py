"""`_selector` of a loop: what is watched, and a `select` that a program calls or replaces."""

import asyncio
import selectors
import threading

import pytest

from tests.harness import turn, turns

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


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
    """Also by a loop whose `_selector` was never read."""
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
