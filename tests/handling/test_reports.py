"""The exception handler, and whatever else the loop calls when a callback has raised."""

import contextlib
import os
import signal
import socket
import sys

import pytest

from tests.handling.conftest import until_seen
from tests.harness import turn


def fail(*args):
    raise LookupError(*args)


def soon(loop):
    loop.call_soon(fail)


def later(loop):
    loop.call_later(0, fail)


def from_another_thread(loop):
    loop.call_soon_threadsafe(fail)


def future_done(loop):
    future = loop.create_future()
    future.add_done_callback(fail)
    future.set_result(None)


def handle_by_hand(loop):
    loop.call_soon(fail)._run()


def signal_handler(loop):
    loop.add_signal_handler(signal.SIGUSR1, lambda: (loop.remove_signal_handler(signal.SIGUSR1), fail()))
    os.kill(os.getpid(), signal.SIGUSR1)


def reader(loop):
    left, right = socket.socketpair()

    def read():
        loop.remove_reader(left)
        left.close()
        right.close()
        fail()

    loop.add_reader(left, read)
    right.send(b"x")


def own_call_soon(loop):
    """The callback is scheduled by a loop that has its own `call_soon`."""
    loop.call_soon = lambda callback, *args, **kwargs: type(loop).call_soon(loop, callback, *args, **kwargs)
    future_done(loop)


WAYS = [soon, later, from_another_thread, future_done, handle_by_hand, signal_handler, reader, own_call_soon]


@pytest.mark.parametrize("way", WAYS)
def test_the_exception_handler_handles_what_the_callback_has_raised(loop, run_around, probe, way):
    async def main():
        loop.set_exception_handler(probe)
        way(loop)
        await until_seen(probe)

    run_around(main())
    expected = [["LookupError", *run_around.names]]
    # A handle that is run by hand is run by the loop, too.
    assert probe.seen == expected * len(probe.seen)


@pytest.mark.parametrize("way", WAYS)
def test_the_log_without_an_exception_handler(loop, run_around, probe, way):
    async def main():
        loop.set_exception_handler(None)
        with probe.in_logger("Exception in callback"):
            way(loop)
            await until_seen(probe)

    run_around(main())
    assert probe.seen == [["LookupError", *run_around.names]] * len(probe.seen)


def test_the_representation_of_an_argument(loop, run_around, probe, errors):
    class Argument:
        def __repr__(self):
            probe()
            return "argument"

    async def main():
        loop.set_debug(True)  # Since Python 3.13 arguments are shown only then.
        loop.call_soon(fail, Argument())
        await until_seen(probe)

    run_around(main())
    assert probe.seen[0] == ["LookupError", *run_around.names]
    errors.take()


def test_a_handler_that_fails_itself(loop, run_around, probe):
    def handler(loop, context):
        raise ArithmeticError

    async def main():
        loop.set_exception_handler(handler)
        with probe.in_logger("Unhandled error in exception handler"):
            loop.call_soon(fail)
            await until_seen(probe)

    run_around(main())
    assert probe.seen == [["ArithmeticError", "LookupError", *run_around.names]]


def test_a_loop_with_its_own_call_exception_handler(loop, run_around, probe):
    async def main():
        loop.call_exception_handler = probe
        loop.call_soon(fail)
        await until_seen(probe)

    run_around(main())
    assert probe.seen == [["LookupError", *run_around.names]]


@pytest.mark.parametrize("leaving", [KeyboardInterrupt, SystemExit])
def test_a_handler_that_leaves_the_loop(loop, leaving):
    def handler(loop, context):
        raise leaving

    loop.set_exception_handler(handler)
    loop.call_soon(fail)
    try:
        raise ArithmeticError
    except ArithmeticError as outer:
        with pytest.raises(leaving) as caught:
            turn(loop)
        assert isinstance(caught.value.__context__, LookupError)
        assert sys.exc_info()[1] is outer  # noqa: PT017
    assert sys.exc_info()[1] is None


def test_what_a_loop_does_when_it_is_left(loop, probe):
    """Also when a KeyboardInterrupt leaves it."""
    stock = loop._set_coroutine_origin_tracking

    def track(enabled):
        stock(enabled)
        if not enabled:
            probe()

    def interrupt():
        raise KeyboardInterrupt

    loop._set_coroutine_origin_tracking = track
    loop.call_soon(interrupt)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    assert probe.seen[-1] == ["KeyboardInterrupt"]


def test_exceptions_that_are_not_being_handled(loop, run_around, probe):
    """Exceptions of futures that were never retrieved, and those that are only passed to the handler."""

    async def main():
        loop.set_exception_handler(probe)
        future = loop.create_future()
        future.set_exception(LookupError())
        del future
        loop.call_exception_handler({"message": "here", "exception": LookupError()})

    run_around(main())
    assert probe.seen == [run_around.names] * 2 if run_around.names else [[], []]


def test_several_in_a_row_know_nothing_of_each_other(loop, run_around, probe):
    async def main():
        loop.set_exception_handler(probe)
        for _ in range(3):
            loop.call_soon(fail)
            loop.call_soon(probe)
        await until_seen(probe, 6)

    run_around(main())
    outside = run_around.names
    assert probe.seen == [["LookupError", *outside], outside] * 3


def nested(loop, depth, probe):
    """A callback that fails, whose exception handler runs one that fails, and so on."""

    def handler(loop, context):
        probe()
        nonlocal depth
        depth -= 1
        if depth:
            loop.call_soon(fail)._run()
        probe()

    loop.set_exception_handler(handler)
    loop.call_soon(fail)._run()


def test_handling_inside_handling(loop, probe):
    nested(loop, 3, probe)
    probe()
    one = ["LookupError"]
    assert probe.seen == [one, one * 2, one * 3, one * 3, one * 2, one, []]
    loop.set_exception_handler(lambda loop, context: None)
    turn(loop)  # The handles are scheduled as well.


def test_a_generator_keeps_nothing_of_who_resumes_it(loop, errors):
    """The exception that a generator's caller handles is not the generator's."""
    handle = loop.call_soon(fail)
    seen = []

    def generator():
        handle._run()
        yield
        seen.append(sys.exc_info()[1])
        yield

    steps = generator()
    try:
        raise ArithmeticError
    except ArithmeticError as outer:
        next(steps)
        assert sys.exc_info()[1] is outer  # noqa: PT017
    next(steps)
    assert seen == [None]
    turn(loop)
    assert len(errors.take()) == 2


def test_a_generator_keeps_what_it_handles_itself(loop, errors):
    """Also when its caller handles the very same exception."""
    handle = loop.call_soon(fail)
    seen = []

    def generator(error):
        try:
            raise error
        except ArithmeticError:
            handle._run()
            yield
            seen.append(sys.exc_info()[1])
            yield

    try:
        raise ArithmeticError
    except ArithmeticError as outer:
        error = outer
        steps = generator(outer)
        next(steps)
    next(steps)
    assert seen == [error]
    turn(loop)
    with contextlib.suppress(StopIteration):
        next(steps)
    errors.take()
