import asyncio


async def mirror(name: str, seconds: float) -> str:
    await asyncio.sleep(seconds)
    return name


async def main() -> None:
    tasks = [asyncio.create_task(mirror(name, s)) for name, s in [("Oslo", 0.3), ("Rome", 0.05)]]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    print("first:", [task.result() for task in done])
    for task in pending:
        task.cancel()
    print("given up:", len(pending))

    arrivals = [mirror("Lima", 0.2), mirror("Bonn", 0.05), mirror("Kyiv", 0.1)]
    for arrival in asyncio.as_completed(arrivals):
        print("then:", await arrival)


asyncio.run(main())
