"""The handle that call_soon() returns: cancelling, identity, repr, and what it keeps alive."""

import asyncio
import contextvars
import gc
import weakref

import pytest

from tests.harness import PY, turn


def test_call_soon_returns_a_handle(loop):
    handle = loop.call_soon(print)
    assert isinstance(handle, asyncio.Handle)
    assert not isinstance(handle, asyncio.TimerHandle)
    handle.cancel()


def test_a_cancelled_callback_does_not_run(loop):
    ran = []
    handles = [loop.call_soon(ran.append, number) for number in range(5)]
    handles[0].cancel()
    handles[3].cancel()
    turn(loop)
    assert ran == [1, 2, 4]


def test_a_callback_can_cancel_a_later_one_of_the_same_iteration(loop):
    ran = []

    def first():
        second.cancel()
        ran.append("first")

    loop.call_soon(first)
    second = loop.call_soon(ran.append, "second")
    loop.call_soon(ran.append, "third")
    turn(loop)
    assert ran == ["first", "third"]


def test_cancelling_says_so_and_may_be_repeated(loop):
    handle = loop.call_soon(print)
    assert handle.cancelled() is False
    assert handle.cancel() is None
    assert handle.cancelled() is True
    assert handle.cancel() is None
    assert handle.cancelled() is True


def test_a_handle_can_be_cancelled_after_it_ran(loop):
    ran = []
    handle = loop.call_soon(ran.append, 1)
    turn(loop)
    assert not handle.cancelled()
    handle.cancel()
    assert handle.cancelled()
    turn(loop)
    assert ran == [1]


def test_a_callback_can_cancel_its_own_handle(loop):
    ran = []

    def callback():
        handle.cancel()
        ran.append(handle.cancelled())

    handle = loop.call_soon(callback)
    turn(loop)
    assert ran == [True]


class Target:
    def method(self, *args):
        pass


def test_cancelling_lets_go_of_the_callback_and_its_arguments_at_once(loop):
    target, argument = Target(), Target()
    references = weakref.ref(target), weakref.ref(argument)
    handle = loop.call_soon(target.method, argument)
    del target, argument
    gc.collect()
    assert all(reference() is not None for reference in references)
    handle.cancel()
    gc.collect()
    assert all(reference() is None for reference in references)


def test_the_loop_lets_go_of_a_callback_that_ran(loop):
    target = Target()
    reference = weakref.ref(target)
    loop.call_soon(target.method, target)
    del target
    turn(loop)
    gc.collect()
    assert reference() is None


def test_a_handle_can_be_referenced_weakly(loop):
    handle = loop.call_soon(print)
    reference = weakref.ref(handle)
    assert reference() is handle
    handle.cancel()


def test_handles_are_equal_only_to_themselves(loop):
    one, two = loop.call_soon(print), loop.call_soon(print)
    assert one == one
    assert one != two
    assert len({one, two}) == 2
    one.cancel()
    two.cancel()


def test_the_repr_of_a_handle_is_the_standard_librarys(loop):
    class Callable:
        def __call__(self):
            pass

    for callback, args in [
        (turn, (1, "two")),
        (Target().method, ()),
        (print, ()),
        (Callable(), ()),
        (len, ([],)),
    ]:
        handle = loop.call_soon(callback, *args)
        model = asyncio.Handle(callback, args, loop)
        assert repr(handle) == repr(model)
        handle.cancel()
        model.cancel()
        assert repr(handle) == repr(model) == "<Handle cancelled>"


@pytest.mark.skipif(PY < (3, 12), reason="get_context() is new in 3.12")
def test_a_handle_tells_its_context(loop):
    context = contextvars.copy_context()
    handle = loop.call_soon(print, context=context)
    assert handle.get_context() is context
    copied = loop.call_soon(print)
    assert isinstance(copied.get_context(), contextvars.Context)
    handle.cancel()
    copied.cancel()


def test_a_cycle_through_a_handle_can_be_collected(loop):
    class Owner:
        def __init__(self):
            self.handle = loop.call_soon(self.method)

        def method(self):
            pass

    owner = Owner()
    reference = weakref.ref(owner)
    turn(loop)
    del owner
    gc.collect()
    assert reference() is None


def test_closing_the_loop_lets_go_of_callbacks_that_never_ran(loop):
    target = Target()
    reference = weakref.ref(target)
    loop.call_soon(target.method)
    loop.call_later(1000, target.method)
    del target
    loop.close()
    gc.collect()
    assert reference() is None


def test_the_private_attributes_that_libraries_read_are_true(loop):
    callback = Target().method
    handle, timer = loop.call_soon(callback, 1, 2), loop.call_later(1000, callback, 3)
    assert (handle._callback, handle._args, handle._cancelled) == (callback, (1, 2), False)
    assert (timer._callback, timer._args, timer._cancelled) == (callback, (3,), False)
    assert timer._when == timer.when()
    assert timer._scheduled is True
    assert handle._loop is timer._loop is loop
    assert isinstance(handle._context, contextvars.Context)
    for each in (handle, timer):
        each.cancel()
        assert (each._callback, each._args, each._cancelled) == (None, None, True)


def test_handles_of_the_standard_library_can_be_run_by_hand(loop):
    ran = []
    handle = loop.call_soon(ran.append, 1)
    handle._run()
    assert ran == [1]
    turn(loop)
    assert ran == [1, 1]
