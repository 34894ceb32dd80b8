import asyncio
import time


async def blink(name: str) -> None:
    for count in (1, 2):
        print(name, count)
        time.sleep(0.05)  # Nobody else can run meanwhile.


async def main() -> None:
    await asyncio.gather(blink("left"), blink("right"))


asyncio.run(main())
