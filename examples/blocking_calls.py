"""Functions that block run in threads, and the loop goes on meanwhile."""

import asyncio
import contextvars
import threading
import time
from concurrent.futures import ThreadPoolExecutor

user = contextvars.ContextVar("user", default="nobody")


def block(name: str, seconds: float) -> str:
    time.sleep(seconds)
    place = "the main thread" if threading.current_thread() is threading.main_thread() else "another thread"
    return f"{name} blocked {place}, on behalf of {user.get()}"


def fail() -> None:
    raise OSError("the disk is on fire")


async def tick(beats: list[float]) -> None:
    while True:
        beats.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.01)


async def main() -> None:
    loop = asyncio.get_running_loop()
    user.set("Ann")
    beats: list[float] = []
    ticker = asyncio.create_task(tick(beats))

    started = time.perf_counter()
    print(await asyncio.to_thread(block, "to_thread()", 0.2))
    print(await loop.run_in_executor(None, block, "run_in_executor()", 0.2))  # Takes no context along.
    print(f"took {time.perf_counter() - started:.2f} s; the loop went on: {len(beats) > 10}")

    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="blocking") as pool:
        started = time.perf_counter()
        await asyncio.gather(*(loop.run_in_executor(pool, time.sleep, 0.2) for _ in range(4)))
        print(f"four at a time in a pool of our own: {time.perf_counter() - started:.2f} s")

    try:
        await asyncio.to_thread(fail)
    except OSError as error:
        print(f"what a thread raises is raised here: {error}")

    # The other way round: from another thread into the loop.
    def ask() -> str:
        future = asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01, "the loop's answer"), loop)
        return future.result(timeout=10)

    print(f"a thread waited for {await asyncio.to_thread(ask)}")
    ticker.cancel()


asyncio.run(main())
