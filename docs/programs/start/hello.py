import asyncio


async def brew(drink: str, seconds: float) -> str:
    print(f"{drink}: started")
    await asyncio.sleep(seconds)
    print(f"{drink}: ready")
    return drink


async def main() -> None:
    drinks = await asyncio.gather(brew("coffee", 0.3), brew("tea", 0.1), brew("cocoa", 0.2))
    print("served:", ", ".join(drinks))


asyncio.run(main())
