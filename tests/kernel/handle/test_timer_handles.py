"""The handle that call_later() and call_at() return: comparison, hash, repr, when."""

import asyncio
import contextvars

import pytest

from tests.harness import PY, turn


@pytest.fixture
def timer(loop):
    """Makes timers far in the future, and cancels them when the test is over."""
    made = []

    def make(when, callback=print, *args):
        made.append(loop.call_at(when, callback, *args))
        return made[-1]

    yield make
    for handle in made:
        handle.cancel()


FAR = 1e9


def test_a_timer_handle_is_a_handle(timer):
    handle = timer(FAR)
    assert isinstance(handle, asyncio.TimerHandle)
    assert isinstance(handle, asyncio.Handle)


def test_timer_handles_are_ordered_by_deadline(timer):
    early, late = timer(FAR), timer(FAR + 1)
    assert early < late
    assert early <= late
    assert late > early
    assert late >= early
    assert not early > late
    assert not early >= late
    assert sorted([late, early], key=lambda handle: handle.when()) == [early, late]


def test_timer_handles_of_the_same_call_are_equal(timer):
    one, two = timer(FAR, print, 1), timer(FAR, print, 1)
    assert one == two
    assert one <= two
    assert one >= two
    assert not one < two
    assert not one > two
    assert hash(one) == hash(two) == hash(FAR)


def test_timer_handles_of_the_same_deadline_but_another_call_differ(timer):
    one, other_callback, other_argument = timer(FAR, print, 1), timer(FAR, repr, 1), timer(FAR, print, 2)
    assert one != other_callback
    assert one != other_argument
    assert not one <= other_callback
    assert not one >= other_argument
    assert not one < other_callback
    assert not one > other_callback


def test_a_cancelled_timer_handle_differs_from_one_that_is_not(timer):
    one, two = timer(FAR), timer(FAR)
    one.cancel()
    assert one != two
    two.cancel()
    assert one == two


def test_a_timer_handle_does_not_compare_with_anything_else(loop, timer):
    handle, plain = timer(FAR), loop.call_soon(print)
    for other in (FAR, None, "x", plain):
        assert handle != other
        assert (handle == other) is False
        with pytest.raises(TypeError):
            assert handle < other
        with pytest.raises(TypeError):
            assert handle >= other
    plain.cancel()


def test_the_other_side_may_know_how_to_compare(timer):
    class Anything:
        def __eq__(self, other):
            return True

        def __gt__(self, other):
            return True

    assert timer(FAR) == Anything()
    assert timer(FAR) < Anything()


def test_when_survives_cancelling_and_running(loop, timer):
    cancelled, ran = timer(FAR), timer(3, lambda: None)
    cancelled.cancel()
    turn(loop)
    assert cancelled.when() == FAR
    assert ran.when() == 3


def test_cancelling_says_so_and_may_be_repeated(timer):
    handle = timer(FAR)
    assert handle.cancelled() is False
    assert handle.cancel() is None
    assert handle.cancel() is None
    assert handle.cancelled() is True


def test_a_timer_handle_can_be_cancelled_after_it_ran(loop, timer):
    ran = []
    handle = timer(0, ran.append, 1)
    turn(loop)
    assert not handle.cancelled()
    handle.cancel()
    assert handle.cancelled()
    turn(loop)
    assert ran == [1]


def test_the_repr_of_a_timer_handle_is_the_standard_librarys(loop, timer):
    for when, callback, args in [(FAR, turn, (1,)), (FAR + 0.5, print, ()), (123456789, [].append, ("x",))]:
        handle = timer(when, callback, *args)
        model = asyncio.TimerHandle(when, callback, args, loop)
        assert repr(handle) == repr(model)
        handle.cancel()
        assert repr(handle) == f"<TimerHandle cancelled when={when}>"


@pytest.mark.skipif(PY < (3, 12), reason="get_context() is new in 3.12")
def test_a_timer_handle_tells_its_context(loop):
    context = contextvars.copy_context()
    for handle in (loop.call_later(FAR, print, context=context), loop.call_at(FAR, print, context=context)):
        assert handle.get_context() is context
        handle.cancel()
