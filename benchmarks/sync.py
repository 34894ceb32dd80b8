"""Synchronization."""

from types import ModuleType

from benchmarks.benchmark import Group

SYNC = Group("Synchronization")

CONTENDERS = 10


@SYNC.program("uncontended `Lock`")
async def uncontended_lock(aio: ModuleType, count: int) -> None:
    lock = aio.Lock()
    for _ in range(count):
        async with lock:
            pass


@SYNC.program("`Lock`, 10 contenders", batch=CONTENDERS)
async def contended_lock(aio: ModuleType, count: int) -> None:
    lock = aio.Lock()

    async def contender() -> None:
        for _ in range(count // CONTENDERS):
            async with lock:
                await aio.sleep(0)

    await aio.gather(*(contender() for _ in range(CONTENDERS)))


@SYNC.program("`Semaphore(5)`, 10 contenders", batch=CONTENDERS)
async def semaphore(aio: ModuleType, count: int) -> None:
    semaphore = aio.Semaphore(5)

    async def contender() -> None:
        for _ in range(count // CONTENDERS):
            async with semaphore:
                await aio.sleep(0)

    await aio.gather(*(contender() for _ in range(CONTENDERS)))


@SYNC.program("`Event` there and back")
async def event(aio: ModuleType, count: int) -> None:
    there, back = aio.Event(), aio.Event()

    async def partner() -> None:
        for _ in range(count):
            await there.wait()
            there.clear()
            back.set()

    task = aio.create_task(partner())
    for _ in range(count):
        there.set()
        await back.wait()
        back.clear()
    await task


@SYNC.program("`Condition`, wait and notify")
async def condition(aio: ModuleType, count: int) -> None:
    condition = aio.Condition()
    turn = 0

    async def player(me: int) -> None:
        nonlocal turn
        for _ in range(count // 2):
            async with condition:
                while turn != me:
                    await condition.wait()
                turn = 1 - me
                condition.notify()

    await aio.gather(player(0), player(1))
