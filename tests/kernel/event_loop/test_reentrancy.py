"""User code that runs at awkward moments: in fileno(), __del__(), __eq__(), handlers, the collector."""

import asyncio
import contextlib
import gc
import threading

import pytest

from tests.harness import socket_pair, turn, turns


class Dropped:
    """Calls something when it is destroyed."""

    def __init__(self, callback, *args):
        self.callback, self.args = callback, args

    def __call__(self, *args):
        pass

    def __del__(self):
        self.callback(*self.args)


def test_the_death_of_an_argument_may_add_a_callback(loop):
    ran = []
    loop.call_soon(int, Dropped(loop.call_soon, ran.append, 1)).cancel()
    gc.collect()
    turn(loop)
    assert ran == [1]


def test_the_death_of_a_callback_that_ran_may_add_another(loop):
    ran = []
    loop.call_soon(Dropped(loop.call_soon, ran.append, 1))
    turns(loop, 2)
    gc.collect()
    turn(loop)
    assert ran == [1]


def test_the_death_of_an_argument_may_cancel_the_same_handle_again(loop):
    handles = []
    handles.append(loop.call_later(1000, int, Dropped(lambda: handles[0].cancel())))
    handles[0].cancel()
    assert handles[0].cancelled()
    assert "cancelled" in repr(handles[0])


def test_the_death_of_an_argument_may_cancel_other_timers_while_many_are_thrown_out(loop):
    handles = []
    for number in range(300):
        victim = loop.call_later(2000 + number, int)
        handles.append(loop.call_later(1000 + number, int, Dropped(victim.cancel)))
    for handle in handles:
        handle.cancel()
    handles.clear()
    turns(loop, 3)


def test_the_death_of_a_reader_may_add_it_again(loop):
    with socket_pair() as (ours, theirs):
        ran = []
        theirs.send(b"x")
        loop.add_reader(ours, Dropped(lambda: loop.add_reader(ours, ran.append, 1)))
        loop.remove_reader(ours)
        gc.collect()
        turn(loop)
        assert ran == [1]
        assert loop.remove_reader(ours) is True


def test_the_death_of_a_replaced_reader_may_remove_the_new_one(loop):
    with socket_pair() as (ours, _):
        loop.add_reader(ours, Dropped(loop.remove_reader, ours))
        loop.add_reader(ours, int)
        gc.collect()
        turn(loop)
        assert loop.remove_reader(ours) is False


def test_the_death_of_pending_callbacks_may_use_the_loop_that_closes(loop):
    caught = []

    def use():
        for call in (
            lambda: loop.call_soon(int),
            lambda: loop.call_soon_threadsafe(int),
            lambda: loop.call_later(1, int),
            loop.run_forever,
        ):
            try:
                call()
            except RuntimeError as exc:
                caught.append(str(exc))
        loop.close()
        loop.stop()

    loop.call_soon(Dropped(use))
    loop.call_later(1000, Dropped(use))
    loop.close()
    gc.collect()
    assert set(caught) == {"Event loop is closed"}
    assert len(caught) == 8


def test_fileno_may_use_the_loop(loop):
    with socket_pair() as (ours, theirs):
        ran = []

        class Awkward:
            def fileno(self):
                loop.add_reader(ours.fileno(), ran.append, "inner")
                loop.add_writer(theirs.fileno(), ran.append, "writer")
                loop.call_soon(ran.append, "soon")
                gc.collect()
                return ours.fileno()

        theirs.send(b"x")
        loop.add_reader(Awkward(), ran.append, "outer")
        turn(loop)
        assert {"soon", "writer"} <= set(ran)
        assert {"inner", "outer"} & set(ran)
        loop.remove_reader(ours)
        loop.remove_writer(theirs)


def test_fileno_may_fail(loop):
    class Failing:
        def __init__(self, exc):
            self.exc = exc

        def fileno(self):
            raise self.exc

    for kind in (LookupError, ZeroDivisionError, OSError):
        with pytest.raises(kind):
            loop.add_reader(Failing(kind()), int)
        with pytest.raises(kind):
            loop.remove_writer(Failing(kind()))


@pytest.mark.parametrize("answer", ["text", None, -5, object()])
def test_fileno_may_answer_nonsense(loop, answer):
    class Nonsense:
        def fileno(self):
            return answer

    with pytest.raises((ValueError, TypeError)):
        loop.add_reader(Nonsense(), int)


def test_comparing_timers_runs_the_comparison_of_their_callbacks(loop):
    class Awkward:
        def __call__(self):
            pass

        def __eq__(self, other):
            raise LookupError("compared")

        __hash__ = None

    one, two = loop.call_at(1e9, Awkward()), loop.call_at(1e9, Awkward())
    with pytest.raises(LookupError, match="compared"):
        assert one == two
    assert hash(one) == hash(two)
    one.cancel()
    two.cancel()


def test_an_exception_handler_may_use_the_loop(loop):
    ran = []

    def handler(loop, context):
        ran.append("handler")
        loop.call_soon(ran.append, "from the handler")
        loop.set_exception_handler(lambda loop, context: ran.append("second handler"))
        loop.call_exception_handler({})
        loop.stop()
        with pytest.raises(RuntimeError):
            loop.close()

    loop.set_exception_handler(handler)
    loop.call_soon(lambda: 1 / 0)
    loop.run_forever()
    turn(loop)
    assert ran == ["handler", "second handler", "from the handler"]


def test_garbage_collection_in_every_callback_is_harmless(loop):
    ran = []

    def callback(number):
        gc.collect()
        ran.append(number)
        if number < 20:
            loop.call_soon(callback, number + 1)
            loop.call_later(0, gc.collect)
        else:
            loop.stop()

    loop.call_soon(callback, 0)
    loop.run_forever()
    assert ran == list(range(21))


def test_the_collector_may_strike_inside_any_call_and_use_the_loop(loop):
    ran = []

    class Cycle:
        def __init__(self):
            self.cycle = self

        def __del__(self):
            loop.call_soon_threadsafe(ran.append, "threadsafe")
            loop.call_soon(ran.append, "soon")
            loop.call_later(1000, int).cancel()

    def callback(left):
        Cycle()
        if left:
            loop.call_soon(callback, left - 1)
            loop.call_soon_threadsafe(int)
            loop.call_later(0, int)
        else:
            loop.call_soon(loop.stop)

    thresholds = gc.get_threshold()
    gc.set_threshold(2, 2, 2)
    try:
        loop.call_soon(callback, 500)
        loop.run_forever()
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()
    turns(loop, 2)
    assert ran.count("soon") == ran.count("threadsafe") == 501


def test_a_callback_may_run_another_loop_in_another_thread_and_wait_for_it(loop, loop_factory):
    results = []

    def other():
        with contextlib.closing(loop_factory()) as inner:
            results.append(inner.run_until_complete(asyncio.sleep(0, "inner")))

    def callback():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    loop.call_soon(callback)
    turn(loop)
    assert results == ["inner"]


def test_a_generator_may_be_closed_by_the_collector_in_the_middle_of_an_iteration(loop):
    ran = []

    async def waits():
        try:
            await loop.create_future()
        finally:
            ran.append("finally")

    async def main():
        cycle = [waits()]
        cycle.append(cycle)
        cycle[0].send(None)
        del cycle
        gc.collect()
        await asyncio.sleep(0)

    loop.run_until_complete(main())
    assert ran == ["finally"]
