"""What the tests of subprocesses share."""

import asyncio
import contextlib
import os
import sys

import pytest

PIPE = asyncio.subprocess.PIPE
DEVNULL = asyncio.subprocess.DEVNULL
STDOUT = asyncio.subprocess.STDOUT

BLOCKED = (sys.executable, "-S", "-c", "import time; time.sleep(3600)")
CAT = ("cat",)


def python(code):
    """The arguments of a Python child that starts fast."""
    return (sys.executable, "-S", "-E", "-c", code)


class Recorder(asyncio.SubprocessProtocol):
    """Writes down every call in order, and lets a test wait for one."""

    def __init__(self):
        self.calls = []
        self.received = {1: bytearray(), 2: bytearray()}
        self.transport = None
        self._waiters = []

    def note(self, *call):
        self.calls.append(call if len(call) > 1 else call[0])
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def connection_made(self, transport):
        self.transport = transport
        self.note("connection_made")

    def pipe_data_received(self, fd, data):
        self.received[fd] += data
        self.note("pipe_data_received", fd)

    def pipe_connection_lost(self, fd, exc):
        self.note("pipe_connection_lost", fd, exc and type(exc))

    def process_exited(self):
        self.note("process_exited")

    def pause_writing(self):
        self.note("pause_writing")

    def resume_writing(self):
        self.note("resume_writing")

    def connection_lost(self, exc):
        self.note("connection_lost", exc)

    async def called(self, *call):
        call = call if len(call) > 1 else call[0]
        while call not in self.calls:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    async def lost(self):
        await self.called("connection_lost", None)


def zombies_and_children():
    """The ids of this process's children, running or not (Linux)."""
    path = f"/proc/self/task/{os.getpid()}/children"
    if not os.path.exists(path):
        pytest.skip("children cannot be listed here")
    children = set()
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/self/task/{thread}/children") as file:
            children.update(map(int, file.read().split()))
    return children


async def output_of(*args, **options):
    """What a child prints, which must succeed."""
    process = await asyncio.create_subprocess_exec(*args, stdout=PIPE, **options)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output


def wait_for_zombie(pid):
    """Return when the child has exited, without reaping it."""
    with contextlib.suppress(ChildProcessError):  # reaped already
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
