"""fork() inside a running loop: the child starts afresh and the parent runs on."""

import pytest
from harness import PY

pytestmark = pytest.mark.skipif(PY < (3, 12), reason="the running loop is forgotten in a child since 3.12")

FORK = """
    import os, signal, sys

    async def child():
        await asyncio.sleep(0.001)
        return 7

    async def main():
        ready, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                {child}
            finally:
                os._exit(status)
        _, wait_status = os.waitpid(pid, 0)
        for _ in range(3):
            await asyncio.sleep(0.001)
        os.close(ready)
        os.close(tell)
        return os.waitstatus_to_exitcode(wait_status)

    loop = new_loop()
    {before}
    try:
        print(loop.run_until_complete(main()))
    finally:
        loop.close()
"""


def test_no_loop_is_running_in_the_child(script):
    child = "status = 0 if asyncio._get_running_loop() is None else 3"
    assert script(FORK.format(child=child, before="")) == "0"


def test_the_child_can_make_and_run_a_loop_of_its_own(script):
    child = "own = new_loop(); status = own.run_until_complete(child()); own.close()"
    assert script(FORK.format(child=child, before="")) == "7"


def test_the_child_can_use_the_runner(script):
    child = "status = asyncio.Runner(loop_factory=new_loop).run(child())"
    assert script(FORK.format(child=child, before="")) == "7"


def test_a_signal_for_the_child_does_not_reach_the_parents_handler(script):
    before = "loop.add_signal_handler(signal.SIGUSR1, sys.exit, 'reached the parent')"
    child = "signal.raise_signal(signal.SIGUSR1); status = 0"
    assert script(FORK.format(child=child, before=before)) == "0"


def test_a_loop_that_is_not_running_can_be_used_in_parent_and_child(script):
    code = """
        import os
        pid = os.fork()
        loop = new_loop()
        result = loop.run_until_complete(asyncio.sleep(0.001, result=5))
        loop.close()
        if pid == 0:
            os._exit(result)
        print(result, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    assert script(code) == "5 5"
