import asyncio
import time


async def measure(pause: float, late: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + pause
        await asyncio.sleep(pause)
        late.append(loop.time() - due)


async def main() -> None:
    late: list[float] = []
    watch = asyncio.create_task(measure(0.01, late))
    await asyncio.sleep(0.1)
    time.sleep(0.2)  # Somebody blocks the loop.
    await asyncio.sleep(0.05)
    watch.cancel()
    print("the loop was late by more than 0.15 s:", max(late) > 0.15)


asyncio.run(main())
