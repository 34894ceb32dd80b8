import asyncio


async def answer(seconds: float) -> str:
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        print("  (the slow one was cancelled)")
        raise
    return "42"


async def main() -> None:
    print("in time:", await asyncio.wait_for(answer(0.01), timeout=1))

    try:
        await asyncio.wait_for(answer(10), timeout=0.05)
    except TimeoutError:
        print("wait_for: too late")

    try:
        async with asyncio.timeout(0.05):
            await answer(0.01)
            await answer(10)
    except TimeoutError:
        print("timeout: too late for both together")

    async with asyncio.timeout(0.05) as limit:
        limit.reschedule(None)
        print("without a limit:", await answer(0.1))


asyncio.run(main())
