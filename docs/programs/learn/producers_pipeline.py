import asyncio


async def produce(name: str, queue: asyncio.Queue[str]) -> None:
    for number in range(3):
        await queue.put(f"{name}{number}")


async def consume(queue: asyncio.Queue[str], seen: list[str]) -> None:
    while True:
        item = await queue.get()
        try:
            await asyncio.sleep(0.001)  # The work.
            seen.append(item)
        finally:
            queue.task_done()


async def main() -> None:
    queue: asyncio.Queue[str] = asyncio.Queue(maxsize=2)
    seen: list[str] = []
    consumers = [asyncio.create_task(consume(queue, seen)) for _ in range(2)]

    await asyncio.gather(produce("a", queue), produce("b", queue))
    await queue.join()  # All that was put is done with.
    print("done:", sorted(seen))

    for consumer in consumers:
        consumer.cancel()
    endings = await asyncio.gather(*consumers, return_exceptions=True)
    print("consumers:", [type(ending).__name__ for ending in endings])


asyncio.run(main())
