"""Tasks and futures, one at a time."""

import types
from collections.abc import Generator
from types import ModuleType

from benchmarks.benchmark import Group

TASKS = Group("Tasks and futures")


@types.coroutine
def bare_yield() -> Generator[None, None, None]:
    """Yield None, after which a task resumes its coroutine in the next iteration."""
    yield


async def noop() -> None:
    pass


async def yields(aio: ModuleType, count: int) -> None:
    for _ in range(count):
        await bare_yield()


async def sleeps(aio: ModuleType, count: int) -> None:
    sleep = aio.sleep
    for _ in range(count):
        await sleep(0)


@TASKS.program("bare yield, 2 tasks", batch=2)
async def two_yield(aio: ModuleType, count: int) -> None:
    await aio.gather(*(yields(aio, count // 2) for _ in range(2)))


@TASKS.program("bare yield, 10 tasks", batch=10)
async def ten_yield(aio: ModuleType, count: int) -> None:
    await aio.gather(*(yields(aio, count // 10) for _ in range(10)))


@TASKS.program("`sleep(0)`, 2 tasks", batch=2)
async def two_sleep(aio: ModuleType, count: int) -> None:
    await aio.gather(*(sleeps(aio, count // 2) for _ in range(2)))


@TASKS.program("`sleep(0)`, 10 tasks", batch=10)
async def ten_sleep(aio: ModuleType, count: int) -> None:
    await aio.gather(*(sleeps(aio, count // 10) for _ in range(10)))


@TASKS.program("spawn and await")
async def spawn_and_await(aio: ModuleType, count: int) -> None:
    create_task = aio.create_task
    for _ in range(count):
        await create_task(noop())


@TASKS.program("future round trip")
async def future_round_trip(aio: ModuleType, count: int) -> None:
    loop = aio.get_running_loop()
    for _ in range(count):
        future = loop.create_future()
        loop.call_soon(future.set_result, None)
        await future


@TASKS.program("await of a finished future")
async def finished_future(aio: ModuleType, count: int) -> None:
    future = aio.get_running_loop().create_future()
    future.set_result(None)
    for _ in range(count):
        await future


@TASKS.program("`run_coroutine_threadsafe`, result awaited by a thread")
async def from_a_thread(aio: ModuleType, count: int) -> None:
    loop = aio.get_running_loop()
    run_coroutine_threadsafe = aio.run_coroutine_threadsafe

    def thread() -> None:
        for _ in range(count):
            run_coroutine_threadsafe(noop(), loop).result()

    await aio.to_thread(thread)
