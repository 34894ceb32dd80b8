import asyncio

inside = most = 0


async def visit() -> None:
    global inside, most
    inside += 1
    most = max(most, inside)
    await asyncio.sleep(0.01)
    inside -= 1


async def visit_under(lock: asyncio.Lock) -> None:
    async with lock:
        await visit()


async def main() -> None:
    global most
    await asyncio.gather(*(visit() for _ in range(5)))
    print("without a lock, at the same time:", most)

    most = 0
    lock = asyncio.Lock()
    await asyncio.gather(*(visit_under(lock) for _ in range(5)))
    print("with the lock around all of it:", most)


asyncio.run(main())
