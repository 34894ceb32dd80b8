"""call_soon(): what runs, with what, in which order."""

import gc
import weakref

import pytest

from tests.harness import turn


def test_callbacks_run_in_the_order_they_were_added(loop):
    ran = []
    for number in range(1000):
        loop.call_soon(ran.append, number)
    turn(loop)
    assert ran == list(range(1000))


def test_a_callback_gets_its_positional_arguments(loop):
    got = []
    loop.call_soon(lambda *args: got.append(args))
    loop.call_soon(lambda *args: got.append(args), 1)
    loop.call_soon(lambda *args: got.append(args), 1, "two", None, [4], {"five": 5}, 6, 7)
    turn(loop)
    assert got == [(), (1,), (1, "two", None, [4], {"five": 5}, 6, 7)]


def test_keyword_arguments_for_the_callback_are_refused(loop):
    with pytest.raises(TypeError):
        loop.call_soon(print, end="")


def test_the_callback_is_required(loop):
    with pytest.raises(TypeError):
        loop.call_soon()


def test_nothing_runs_before_the_loop_does(loop):
    ran = []
    loop.call_soon(ran.append, 1)
    assert ran == []
    turn(loop)
    assert ran == [1]


def test_a_callback_runs_once(loop):
    ran = []
    loop.call_soon(ran.append, 1)
    turn(loop)
    turn(loop)
    assert ran == [1]


def test_what_a_callback_returns_is_dropped(loop):
    class Result:
        pass

    results = []

    def callback():
        result = Result()
        results.append(weakref.ref(result))
        return result

    loop.call_soon(callback)
    turn(loop)
    gc.collect()
    assert results[0]() is None


@pytest.mark.parametrize(
    "callback",
    [
        pytest.param([].append, id="builtin"),
        pytest.param(lambda *args: None, id="function"),
        pytest.param(type("Callable", (), {"__call__": lambda self, *args: None})(), id="object"),
        pytest.param(type("Made", (), {"__init__": lambda self, *args: None}), id="class"),
    ],
)
def test_any_callable_is_accepted(loop, callback):
    handle = loop.call_soon(callback, 1)
    turn(loop)
    assert not handle.cancelled()


def test_something_not_callable_fails_only_when_it_runs(loop, errors):
    handle = loop.call_soon("not callable")
    turn(loop)
    context = errors.take_one()
    assert isinstance(context["exception"], TypeError)
    assert context["handle"] is handle


@pytest.mark.many_objects
def test_adding_a_hundred_thousand_callbacks_in_one_iteration_is_no_trouble(loop):
    ran = []

    def many():
        for number in range(100_000):
            loop.call_soon(ran.append, number)

    loop.call_soon(many)
    turn(loop)
    assert ran == []
    turn(loop)
    assert len(ran) == 100_000
    assert ran == sorted(ran)


def test_a_chain_of_callbacks_needs_no_stack(loop):
    left = 20_000

    def step():
        nonlocal left
        left -= 1
        loop.call_soon(step if left else loop.stop)

    loop.call_soon(step)
    loop.run_forever()
    assert left == 0
