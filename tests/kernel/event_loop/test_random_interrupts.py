"""Interrupts that strike at any moment: whatever runs is either done or still to be done, never lost.

The standard library cannot promise it: a handle that was taken from the queue and not yet run is gone.
"""

import contextlib
import signal

import pytest

from tests.harness import socket_pair

pytestmark = [
    pytest.mark.many_objects,
    pytest.mark.ferrio_only,
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers"),
]


@pytest.fixture
def interrupted(loop):
    """Runs the loop until `done()`, interrupted again and again; says how often that happened.

    The busy are interrupted by processor time: on a loaded machine they would get nothing done otherwise.
    """

    def handler(number, frame):
        raise KeyboardInterrupt

    def run(done, timer=signal.ITIMER_PROF, number=signal.SIGPROF):
        count = 0
        before = signal.signal(number, handler)
        try:
            while not done():
                try:
                    signal.setitimer(timer, 0.005)
                    loop.run_forever()
                except KeyboardInterrupt:
                    count += 1
        finally:
            with contextlib.suppress(KeyboardInterrupt):
                signal.setitimer(timer, 0)
            signal.signal(number, before)
        return count

    return run


def test_no_callback_is_lost_or_run_twice(loop, interrupted):
    ran = []
    for number in range(300_000):
        loop.call_soon(ran.append, number)
    loop.call_soon(loop.stop)
    interrupted(lambda: len(ran) == 300_000)
    assert ran == list(range(300_000))


def test_no_timer_is_lost_or_run_twice(loop, interrupted):
    ran = []
    now = loop.time()
    for number in range(100_000):
        loop.call_at(now + number * 1e-6, ran.append, number)
    loop.call_at(now + 0.1, loop.stop)
    interrupted(lambda: len(ran) == 100_000)
    assert ran == list(range(100_000))


def test_a_sleeping_loop_is_left_and_entered_again(loop, interrupted):
    ran = []
    loop.call_later(0.05, ran.append, 1)
    assert interrupted(lambda: ran, signal.ITIMER_REAL, signal.SIGALRM) > 3
    assert ran == [1]


def test_no_descriptor_is_forgotten(loop, interrupted):
    with socket_pair() as (ours, theirs):
        ran = []
        loop.add_reader(ours, ran.append, 1)
        theirs.send(b"x")
        interrupted(lambda: len(ran) > 10_000)
        assert loop.remove_reader(ours) is True
