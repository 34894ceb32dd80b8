import asyncio


async def order_of(queue: asyncio.Queue) -> list:
    for item in (2, 3, 1):
        await queue.put(item)
    return [await queue.get() for _ in range(3)]


async def main() -> None:
    print("put: [2, 3, 1]")
    for kind in (asyncio.Queue, asyncio.LifoQueue, asyncio.PriorityQueue):
        print(f"{kind.__name__} gives {await order_of(kind())}")


asyncio.run(main())
