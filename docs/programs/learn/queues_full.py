import asyncio


async def reader(queue: asyncio.Queue[str]) -> None:
    while True:
        item = await queue.get()
        print("took", item)


async def main() -> None:
    queue: asyncio.Queue[str] = asyncio.Queue(maxsize=1)
    task = asyncio.create_task(reader(queue))
    for item in ("a", "b", "c"):
        await queue.put(item)  # Waits while there is no room.
        print("put", item)
    await asyncio.sleep(0)
    task.cancel()

    small: asyncio.Queue[str] = asyncio.Queue(maxsize=1)
    small.put_nowait("x")
    try:
        small.put_nowait("y")
    except asyncio.QueueFull:
        print("put_nowait does not wait: QueueFull")


asyncio.run(main())
