"""Clocks for tests under a program with timers: `mock.patch`, freezegun, time-machine."""

import asyncio
import time
from datetime import timedelta
from unittest import mock

import freezegun
import time_machine


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def expire(seconds: float) -> str:
    try:
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
    except TimeoutError:
        return "expired"
    return "not expired"


async def follow(name: str, move) -> None:
    """What waits for minutes ends when the clock is moved by them, and not before."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    order: list[str] = []
    loop.call_later(90, order.append, "timer")
    sleeping = asyncio.create_task(asyncio.sleep(60, "slept"))
    expiring = asyncio.create_task(expire(120))
    waiting = asyncio.create_task(asyncio.wait_for(asyncio.Event().wait(), 150))
    tasks = (sleeping, expiring, waiting)
    for seconds in (59, 2, 30, 30, 30):
        await settle()
        print(name, [task.done() for task in tasks], order)
        move(seconds)
    await settle()
    try:
        await waiting
    except TimeoutError:
        order.append("wait_for")
    print(name, await sleeping, await expiring, order, round(loop.time() - start))


async def with_mock() -> None:
    now = 1000.0

    def move(seconds: float) -> None:
        nonlocal now
        now += seconds

    def monotonic() -> float:
        return now

    with mock.patch("time.monotonic", monotonic):
        await follow("mock", move)


async def with_freezegun() -> None:
    with freezegun.freeze_time("2026-01-01") as frozen:
        await follow("freezegun", lambda seconds: frozen.tick(timedelta(seconds=seconds)))
    with freezegun.freeze_time("2026-01-01", real_asyncio=True):
        print("freezegun, real for asyncio:", await asyncio.sleep(0.001, "slept"))
    with freezegun.freeze_time("2026-01-01", ignore=["asyncio"]):
        print("freezegun, but for asyncio:", await asyncio.sleep(0.001, "slept"))


async def with_time_machine() -> None:
    """It moves the time of day; the clock of loops goes on."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    with time_machine.travel("2026-01-01 00:00 +0000", tick=False) as traveller:
        sleeping = asyncio.create_task(asyncio.sleep(3600))
        await settle()
        traveller.shift(7200)
        await settle()
        print("time-machine:", time.strftime("%H:%M", time.gmtime()), sleeping.done())
        print("time-machine:", await asyncio.sleep(0.001, "slept"), loop.time() - before < 60)
        sleeping.cancel()


async def main() -> None:
    await with_mock()
    await with_freezegun()
    await with_time_machine()
    print("afterwards:", await asyncio.sleep(0.001, "slept"), await expire(0.001))
    print("Ran on {0.__module__}.{0.__qualname__}.".format(type(asyncio.get_running_loop())))


asyncio.run(main())
