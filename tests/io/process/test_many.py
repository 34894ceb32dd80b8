"""Many processes, many loops, many threads; and where there are no descriptors of processes."""

import asyncio
import threading

import pytest

from tests.harness import descriptor_count
from tests.io.process.children import CAT, PIPE, zombies_and_children


async def echo(data):
    process = await asyncio.create_subprocess_exec(*CAT, stdin=PIPE, stdout=PIPE)
    output, _ = await process.communicate(data)
    assert process.returncode == 0
    return output


async def test_fifty_processes_at_once(loop):
    data = [b"%d" % i * 1000 for i in range(50)]
    assert await asyncio.gather(*map(echo, data)) == data


async def test_processes_one_after_the_other_leave_nothing(loop):
    for _ in range(3):
        await echo(b"x")
    before = descriptor_count(), zombies_and_children()
    for _ in range(50):
        await echo(b"x")
    await asyncio.sleep(0)
    assert (descriptor_count(), zombies_and_children()) == before


def test_loops_in_several_threads_start_processes_at_once(process_state, loop_factory):
    failures = []
    together = threading.Barrier(4)

    def run(number):
        async def main():
            together.wait(10)
            data = [b"%d-%d" % (number, i) for i in range(10)]
            assert await asyncio.gather(*map(echo, data)) == data
            process = await asyncio.create_subprocess_exec("sleep", "3600")
            process.kill()
            assert await process.wait() == -9

        loop = loop_factory()
        try:
            loop.run_until_complete(main())
        except BaseException as error:
            failures.append(error)
        finally:
            loop.close()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(25)
    assert failures == []


def test_two_loops_in_one_thread_take_turns(process_state, loop_factory):
    first, second = loop_factory(), loop_factory()
    one = first.run_until_complete(asyncio.wait_for(asyncio.sleep(0, "ready"), 1))
    assert one == "ready"
    process = first.run_until_complete(start(first))
    assert second.run_until_complete(echo(b"second")) == b"second"
    process.kill()
    assert first.run_until_complete(process.wait()) == -9
    first.close()
    second.close()


async def start(loop):
    return await asyncio.create_subprocess_exec("sleep", "3600")


FORBID_PIDFD = """
    import ctypes, struct, sys
    # A seccomp filter: pidfd_open(2), which is 434 everywhere, fails with EPERM.
    program = b"".join(struct.pack("HBBI", *line) for line in [
        (0x20, 0, 0, 0), (0x15, 0, 1, 434), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000),
    ])
    buffer = ctypes.create_string_buffer(program)
    libc = ctypes.CDLL(None, use_errno=True)
    address = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(buffer)))
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, address, 0, 0):
        print("no seccomp")
        sys.exit()
    import os
    try:
        os.pidfd_open(os.getpid())
    except PermissionError:
        pass
    else:
        sys.exit("pidfd_open is still there")
"""


def run_without_pidfd(script, code):
    output = script(FORBID_PIDFD + code)
    if output == "no seccomp":
        pytest.skip("no seccomp")
    return output


def test_where_pidfd_open_is_forbidden_threads_wait(script):
    code = """
    import asyncio, signal, threading

    async def main():
        process = await asyncio.create_subprocess_exec("sleep", "3600")
        print(any("waitpid" in thread.name for thread in threading.enumerate()))
        process.kill()
        print(await process.wait())
        codes = [(await asyncio.create_subprocess_shell(f"exit {i}")).wait() for i in range(20)]
        print(await asyncio.gather(*codes) == list(range(20)))
        process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
        print(await process.communicate(b"data"))

    loop = new_loop()
    loop.run_until_complete(main())
    loop.close()
    """
    assert run_without_pidfd(script, code).splitlines() == ["True", "-9", "True", "(b'data', None)"]


def test_where_pidfd_open_is_forbidden_a_cancelled_start_is_reaped(script):
    code = """
    import asyncio, contextlib

    async def main():
        starting = asyncio.ensure_future(asyncio.create_subprocess_exec("sleep", "3600", stdin=-1, stdout=-1))
        await asyncio.sleep(0)
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                await asyncio.sleep(0)
        print("no children")

    loop = new_loop()
    loop.run_until_complete(main())
    loop.close()
    """
    assert run_without_pidfd(script, code) == "no children"


def test_where_pidfd_open_is_forbidden_the_program_can_end_with_a_process_running(script):
    code = """
    import asyncio, warnings

    warnings.simplefilter("ignore")
    loop = new_loop()
    process = loop.run_until_complete(asyncio.create_subprocess_exec("sleep", "3600"))
    print("pid", process.pid > 0, flush=True)
    os.kill(process.pid, 9)
    """
    assert run_without_pidfd(script, code) == "pid True"
