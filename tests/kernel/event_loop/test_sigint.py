"""Ctrl-C: with the runner and without, asleep and busy. Every program runs in a process of its own."""

import signal
import textwrap

import pytest

from tests.harness import wait_until_asleep

# A program that was started in the background may have inherited that SIGINT is ignored.
DEFAULT = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"


@pytest.fixture
def interrupt(script):
    """Runs a program, sends SIGINT once it has said `ready` and sleeps, and returns what it says then."""

    def interrupt(code, *, asleep=True):
        process = script.start(DEFAULT + textwrap.dedent(code), "-u")
        with process:
            try:
                assert process.stdout.readline() == "ready\n", process.stderr.read()
                if asleep:
                    wait_until_asleep(process.pid, process.pid)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=20)
            except BaseException:
                process.kill()
                raise
        assert process.returncode == 0, err
        return out.split("\n")[:-1]

    return interrupt


def test_it_leaves_a_sleeping_run_forever_and_the_loop_can_be_run_again(interrupt):
    code = """
        loop = new_loop()
        loop.call_soon(print, "ready")
        try:
            loop.run_forever()
        except KeyboardInterrupt:
            print("interrupted", loop.is_running())
        print(loop.run_until_complete(asyncio.sleep(0.001, "still works")))
        loop.close()
    """
    assert interrupt(code) == ["interrupted False", "still works"]


def test_it_leaves_a_loop_that_waits_for_a_timer_and_the_timer_is_not_lost(interrupt):
    code = """
        loop = new_loop()
        loop.call_soon(print, "ready")
        handle = loop.call_later(1000, print)
        try:
            loop.run_forever()
        except KeyboardInterrupt:
            print("interrupted", handle.cancelled())
        loop.call_later(0.001, loop.stop)
        loop.run_forever()
        handle.cancel()
        loop.close()
    """
    assert interrupt(code) == ["interrupted False"]


def test_it_leaves_a_loop_that_never_sleeps(interrupt):
    code = """
        loop = new_loop()
        def spin():
            loop.call_soon(spin)
        loop.call_soon(print, "ready")
        spin()
        try:
            loop.run_forever()
        except KeyboardInterrupt:
            print("interrupted")
    """
    assert interrupt(code, asleep=False) == ["interrupted"]


SPINNING_TASK = """
        loop = new_loop()
        steps = 0
        async def spin():
            global steps
            while True:
                steps += 1
                await asyncio.sleep(0)
        task = loop.create_task(spin())
        loop.call_soon(print, "ready")
        try:
            loop.run_forever()
        except KeyboardInterrupt:
            print("interrupted")
"""


def test_it_leaves_a_loop_that_only_steps_a_task(interrupt):
    assert interrupt(SPINNING_TASK, asleep=False) == ["interrupted"]


@pytest.mark.ferrio_only
def test_wherever_it_strikes_the_task_is_done_or_goes_on(interrupt):
    """The standard library can lose the handle between taking it from the queue and running it."""
    code = """
        if not task.done():
            before = steps
            for _ in range(3):
                loop.stop()
                loop.run_forever()
            assert steps >= before + 2, (before, steps)
            task.cancel()
            loop.stop()
            loop.run_forever()
        print(task.done())
        loop.close()
    """
    for _ in range(5):
        assert interrupt(SPINNING_TASK + code, asleep=False) == ["interrupted", "True"]


def test_the_runner_cancels_the_main_task_and_raises_keyboard_interrupt(interrupt):
    code = """
        async def main():
            print("ready")
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                print("cancelled")
                await asyncio.sleep(0.001)
                print("cleaned up")
                raise
        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(main())
        except KeyboardInterrupt:
            print("interrupted")
    """
    assert interrupt(code) == ["cancelled", "cleaned up", "interrupted"]


def test_a_main_task_that_survives_the_cancellation_returns_its_result(interrupt):
    code = """
        async def main():
            print("ready")
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                return "survived"
        with asyncio.Runner(loop_factory=new_loop) as runner:
            print(runner.run(main()))
    """
    assert interrupt(code) == ["survived"]


def test_a_second_interrupt_does_not_wait_for_the_main_task(interrupt):
    code = """
        import signal
        async def main():
            print("ready")
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                signal.raise_signal(signal.SIGINT)
                print("not reached")
        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(main())
        except KeyboardInterrupt:
            print("interrupted")
    """
    assert interrupt(code) == ["interrupted"]


def test_an_own_handler_for_it_takes_the_place_of_keyboard_interrupt(interrupt):
    code = """
        import signal
        loop = new_loop()
        loop.add_signal_handler(signal.SIGINT, loop.stop)
        loop.call_soon(print, "ready")
        loop.run_forever()
        print("stopped")
        loop.close()
        print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    """
    assert interrupt(code) == ["stopped", "True"]


def test_the_runner_leaves_an_own_handler_of_the_loop_alone(interrupt):
    code = """
        import signal
        async def main():
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            loop.add_signal_handler(signal.SIGINT, future.set_result, "handled")
            print("ready")
            return await future
        with asyncio.Runner(loop_factory=new_loop) as runner:
            print(runner.run(main()))
    """
    assert interrupt(code) == ["handled"]


def test_it_interrupts_code_that_is_blocked_in_a_callback(interrupt):
    code = """
        import time
        loop = new_loop()
        loop.call_soon(print, "ready")
        loop.call_soon(time.sleep, 1000)
        loop.call_soon(print, "not lost")
        try:
            loop.run_forever()
        except KeyboardInterrupt:
            print("interrupted")
        loop.stop()
        loop.run_forever()
        loop.close()
    """
    assert interrupt(code) == ["interrupted", "not lost"]


def test_it_interrupts_the_wait_for_a_socket(interrupt):
    code = """
        import socket
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        async def main():
            print("ready")
            await asyncio.get_running_loop().sock_recv(ours, 1)
        with ours, theirs:
            try:
                with asyncio.Runner(loop_factory=new_loop) as runner:
                    runner.run(main())
            except KeyboardInterrupt:
                print("interrupted")
    """
    assert interrupt(code) == ["interrupted"]
