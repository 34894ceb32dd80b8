"""Sleeps of 3, 1 and 1 seconds, side by side, take just over 3 seconds."""

import asyncio
import time


async def sleeper(name: str, seconds: float) -> str:
    print(f"{name} sleeps for {seconds} s")
    await asyncio.sleep(seconds)
    print(f"{name} wakes up")
    return name


async def main() -> None:
    started = time.perf_counter()
    names = await asyncio.gather(sleeper("Long", 3), sleeper("Short", 1), sleeper("Other", 1))
    print(f"{', '.join(names)}: together {time.perf_counter() - started:.2f} s")


asyncio.run(main())
