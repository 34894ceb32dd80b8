"""`_scheduled` of a loop: a view of its timers, which a program may keep and change."""

import asyncio
import contextlib
import gc
import heapq
import weakref

import ferrio
import pytest

from tests.harness import turn, turns


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
    """In debug mode a handle that is made for the view extracts the stack, which fails here."""

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
