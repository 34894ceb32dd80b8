"""Queues."""

from types import ModuleType

from benchmarks.benchmark import Group

QUEUES = Group("Queues")


@QUEUES.program("bounded `Queue`, per item")
async def bounded(aio: ModuleType, count: int) -> None:
    queue = aio.Queue(10)

    async def producer() -> None:
        for item in range(count):
            await queue.put(item)

    task = aio.create_task(producer())
    for _ in range(count):
        await queue.get()
    await task


@QUEUES.program("ping-pong between two queues")
async def ping_pong(aio: ModuleType, count: int) -> None:
    there, back = aio.Queue(), aio.Queue()

    async def partner() -> None:
        for _ in range(count):
            await back.put(await there.get())

    task = aio.create_task(partner())
    for item in range(count):
        await there.put(item)
        await back.get()
    await task


@QUEUES.program("`put_nowait` and `get_nowait`, 100 at once", batch=100)
async def nowait(aio: ModuleType, count: int) -> None:
    queue = aio.Queue()
    for _ in range(count // 100):
        for item in range(100):
            queue.put_nowait(item)
        for _ in range(100):
            queue.get_nowait()


@QUEUES.program("`PriorityQueue`, 100 at once", batch=100)
async def priorities(aio: ModuleType, count: int) -> None:
    queue = aio.PriorityQueue()
    for _ in range(count // 100):
        for item in range(100):
            queue.put_nowait(item * 37 % 100)
        for _ in range(100):
            await queue.get()
