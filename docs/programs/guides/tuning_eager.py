import asyncio

import ferrio

cache = {"a": 1}


async def look_up(key: str) -> int:
    if key not in cache:
        await asyncio.sleep(0.01)
        cache[key] = len(cache) + 1
    return cache[key]


async def main() -> None:
    task = asyncio.create_task(look_up("a"))
    print("a plain task is done at once:", task.done())
    await task

    asyncio.get_running_loop().set_task_factory(ferrio.eager_task_factory)
    task = asyncio.create_task(look_up("a"))
    print("an eager one:", task.done())
    print(await task, await look_up("b"))


ferrio.run(main())
