import asyncio


async def blink(name: str) -> None:
    for count in (1, 2):
        print(name, count)
        await asyncio.sleep(0.05)  # The other one runs meanwhile.


async def main() -> None:
    await asyncio.gather(blink("left"), blink("right"))


asyncio.run(main())
