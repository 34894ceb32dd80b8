import asyncio


async def work(name: str) -> str:
    print(name, "begins")
    await asyncio.sleep(0)
    print(name, "goes on")
    return name.upper()


async def main() -> None:
    first = asyncio.create_task(work("first"))
    second = asyncio.create_task(work("second"))
    print("both are made, and neither has begun")
    print(await first, await second)


asyncio.run(main())
