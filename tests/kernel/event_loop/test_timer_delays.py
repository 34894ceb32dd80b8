"""Delays that are odd: zero, negative, infinite, enormous, or no numbers at all."""

import math
from fractions import Fraction

import pytest

from tests.harness import turn


@pytest.mark.parametrize("delay", [0, -1, -0.0, -1e9, False, float("-inf")])
def test_a_delay_that_is_not_positive_runs_in_the_next_iteration(loop, delay):
    ran = []
    loop.call_later(delay, ran.append, 1)
    assert ran == []
    turn(loop)
    assert ran == [1]


def test_a_zero_delay_runs_after_what_is_ready_in_the_same_iteration(loop):
    ran = []
    loop.call_later(0, ran.append, "timer")
    loop.call_soon(ran.append, "soon")
    turn(loop)
    assert ran == ["soon", "timer"]


def test_a_zero_delay_set_by_a_callback_runs_in_the_next_iteration(loop):
    ran = []

    def callback():
        loop.call_later(0, ran.append, "timer")
        loop.call_soon(ran.append, "soon")

    loop.call_soon(callback)
    turn(loop)
    assert ran == []
    turn(loop)
    assert ran == ["soon", "timer"]


def test_an_infinite_delay_never_runs(loop):
    ran = []
    handle = loop.call_later(math.inf, ran.append, "never")
    assert handle.when() == math.inf
    assert not handle.cancelled()
    loop.call_later(0.001, loop.stop)
    loop.run_forever()
    assert ran == []
    handle.cancel()


def test_a_delay_of_many_years_is_accepted(loop):
    ran = []
    handles = [loop.call_later(delay, ran.append, delay) for delay in (1e9, 1e15, 1e300, 10**12)]
    loop.call_later(0.001, loop.stop)
    loop.run_forever()
    assert ran == []
    for handle in handles:
        handle.cancel()


@pytest.mark.ferrio_only
def test_not_a_number_is_refused(loop):
    with pytest.raises(ValueError, match=r"^Invalid delay: NaN \(not a number\)$"):
        loop.call_later(math.nan, print)
    with pytest.raises(ValueError, match="NaN"):
        loop.call_at(math.nan, print)
    turn(loop)


def test_none_is_refused_with_a_message(loop):
    with pytest.raises(TypeError, match=r"^delay must not be None$"):
        loop.call_later(None, print)
    with pytest.raises(TypeError, match=r"^when cannot be None$"):
        loop.call_at(None, print)


@pytest.mark.parametrize("delay", ["1", b"1", [], object(), 1j])
def test_a_delay_that_is_no_real_number_is_refused(loop, delay):
    with pytest.raises(TypeError):
        loop.call_later(delay, print)
        turn(loop)


@pytest.mark.parametrize("delay", [Fraction(1, 1000), True, 0.001, 1])
def test_any_real_number_is_a_delay(loop, delay):
    before = loop.time()
    handle = loop.call_later(delay, print)
    assert before + delay <= handle.when() <= loop.time() + delay
    handle.cancel()


def test_a_delay_too_large_for_a_float_is_an_overflow_error(loop):
    with pytest.raises(OverflowError):
        loop.call_later(10**400, print)
