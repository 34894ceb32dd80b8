"""Producers and consumers over a bounded queue: put() waits while it is full, get() while it is empty."""

import asyncio


async def producer(name: str, queue: asyncio.Queue[str], parts: int) -> None:
    for part in range(1, parts + 1):
        if queue.full():
            print(f"{name} waits: the queue is full")
        await queue.put(f"{name}{part}")
        print(f"{name} put {name}{part}, {queue.qsize()} in the queue")


async def consumer(name: str, queue: asyncio.Queue[str], turns: int, eaten: list[str]) -> None:
    while True:
        item = await queue.get()
        for _ in range(turns):  # Work that takes so many turns of the loop.
            await asyncio.sleep(0)
        eaten.append(item)
        print(f"{name} is done with {item}")
        queue.task_done()


async def main() -> None:
    queue: asyncio.Queue[str] = asyncio.Queue(maxsize=2)
    eaten: list[str] = []
    consumers = [
        asyncio.create_task(consumer("quick", queue, 3, eaten)),
        asyncio.create_task(consumer("slow", queue, 10, eaten)),
    ]

    await asyncio.gather(producer("a", queue, 4), producer("b", queue, 3))
    await queue.join()
    print(f"all {len(eaten)} done: {' '.join(sorted(eaten))}")

    for task in consumers:
        task.cancel()
    endings = await asyncio.gather(*consumers, return_exceptions=True)
    print(f"the consumers ended by {[type(ending).__name__ for ending in endings]}")


asyncio.run(main())
