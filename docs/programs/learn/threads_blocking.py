import asyncio
import threading
import time


def read_slowly(name: str) -> str:
    time.sleep(0.1)  # A library that knows no asyncio.
    assert threading.current_thread() is not threading.main_thread()
    return f"{name} read in a thread"


async def tick(ticks: list[int]) -> None:
    while True:
        ticks.append(len(ticks))
        await asyncio.sleep(0.01)


async def main() -> None:
    ticks: list[int] = []
    clock = asyncio.create_task(tick(ticks))
    print(await asyncio.gather(asyncio.to_thread(read_slowly, "a"), asyncio.to_thread(read_slowly, "b")))
    clock.cancel()
    print("the loop ran on meanwhile:", len(ticks) > 2)


asyncio.run(main())
