"""Waiting for several things at once, or not for ever."""

from types import ModuleType

from benchmarks.benchmark import Group
from benchmarks.tasks import noop

WAITING = Group("Waiting")

# The rows are per child, and include the cost of joining the children.
CHILDREN = 100


async def result_soon(aio: ModuleType) -> None:
    """Wait for a future that has its result in the next iteration."""
    loop = aio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(future.set_result, None)
    await future


@WAITING.program("`gather` of 100 x `sleep(0)`, per child", batch=CHILDREN)
async def gather(aio: ModuleType, count: int) -> None:
    for _ in range(count // CHILDREN):
        await aio.gather(*(aio.sleep(0) for _ in range(CHILDREN)))


@WAITING.program("`TaskGroup` of 100 x `sleep(0)`, per child", batch=CHILDREN)
async def task_group(aio: ModuleType, count: int) -> None:
    for _ in range(count // CHILDREN):
        async with aio.TaskGroup() as group:
            for _ in range(CHILDREN):
                group.create_task(aio.sleep(0))


@WAITING.program("`as_completed` of 100 x `sleep(0)`, per child", batch=CHILDREN)
async def as_completed(aio: ModuleType, count: int) -> None:
    for _ in range(count // CHILDREN):
        for child in aio.as_completed([aio.sleep(0) for _ in range(CHILDREN)]):
            await child


@WAITING.program("`wait(FIRST_COMPLETED)` of three futures")
async def wait_for_the_first(aio: ModuleType, count: int) -> None:
    loop = aio.get_running_loop()
    for _ in range(count):
        futures = [loop.create_future() for _ in range(3)]
        loop.call_soon(futures[0].set_result, None)
        _done, pending = await aio.wait(futures, return_when=aio.FIRST_COMPLETED)
        for future in pending:
            future.cancel()


@WAITING.program("`wait_for` of a coroutine that waits for a future")
async def wait_for(aio: ModuleType, count: int) -> None:
    for _ in range(count):
        await aio.wait_for(result_soon(aio), 10)


@WAITING.program("`wait_for` of `sleep(0)`")
async def wait_for_sleep(aio: ModuleType, count: int) -> None:
    for _ in range(count):
        await aio.wait_for(aio.sleep(0), 10)


@WAITING.program("`timeout()` around waiting for a future")
async def timeout(aio: ModuleType, count: int) -> None:
    for _ in range(count):
        async with aio.timeout(10):
            await result_soon(aio)


@WAITING.program("`timeout()` around `sleep(0)`")
async def timeout_sleep(aio: ModuleType, count: int) -> None:
    for _ in range(count):
        async with aio.timeout(10):
            await aio.sleep(0)


@WAITING.program("`shield` of a coroutine")
async def shield(aio: ModuleType, count: int) -> None:
    for _ in range(count):
        await aio.shield(noop())
