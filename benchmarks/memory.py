"""Memory, measured by the growth of the process: tracemalloc does not see what Rust and Zig allocate."""

import asyncio
import gc
import os
import sys
from pathlib import Path

from benchmarks.benchmark import Group, Setting, Unavailable

MEMORY = Group("Memory", "bytes")

TASKS = 200_000
STATM = Path("/proc/self/statm")


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def wait_for(future: asyncio.Future[None]) -> None:
    await future


@MEMORY.measurement("a pending task, its coroutine and its future", alone=True)
async def pending_task(setting: Setting) -> float:
    if not STATM.exists():
        raise Unavailable("how much a process has in memory is read from /proc")
    aio = setting.peer.aio
    loop = aio.get_running_loop()
    # Writing the lists makes their memory resident before the measurement begins.
    futures: list[asyncio.Future[None] | None] = [None] * TASKS
    tasks: list[asyncio.Task[None] | None] = [None] * TASKS
    gc.collect()
    before = resident()
    for number in range(TASKS):
        future = futures[number] = loop.create_future()
        tasks[number] = aio.create_task(wait_for(future))
    await aio.sleep(0)
    gc.collect()
    grown = resident() - before
    for pending in futures:
        assert pending is not None
        pending.set_result(None)
    await aio.sleep(0)
    return grown / TASKS


@MEMORY.measurement("`sys.getsizeof` of a task")
async def size_of_task(setting: Setting) -> float:
    return sys.getsizeof(setting.peer.aio.current_task())


@MEMORY.measurement("`sys.getsizeof` of a future")
async def size_of_future(setting: Setting) -> float:
    return sys.getsizeof(setting.peer.aio.get_running_loop().create_future())
