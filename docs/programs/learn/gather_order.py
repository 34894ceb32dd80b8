import asyncio


async def fetch(page: str, seconds: float) -> str:
    await asyncio.sleep(seconds)
    print("arrived:", page)
    return page


async def main() -> None:
    pages = await asyncio.gather(fetch("one", 0.3), fetch("two", 0.1), fetch("three", 0.2))
    print("returned:", pages)


asyncio.run(main())
