"""Ways to stop waiting: wait_for(), timeout(), cancel(), and shield() against them."""

import asyncio


async def slow(name: str, seconds: float = 60) -> str:
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        print(f"  {name} cleans up after its cancellation")
        raise
    return f"{name} is done"


async def main() -> None:
    print(await asyncio.wait_for(slow("in time", 0.01), timeout=10))

    try:
        await asyncio.wait_for(slow("too slow"), timeout=0.05)
    except TimeoutError:
        print("wait_for() gave up")

    try:
        async with asyncio.timeout(0.05) as limit:
            await slow("the first of two")
            await slow("never reached")
    except TimeoutError:
        print(f"timeout() gave up on the block, expired: {limit.expired()}")

    async with asyncio.timeout(0.05) as limit:
        limit.reschedule(asyncio.get_running_loop().time() + 10)
        print(await slow("given more time", 0.1))

    task = asyncio.create_task(slow("cancelled by hand"))
    await asyncio.sleep(0)  # Lets the task start: one that has not started has nothing to clean up.
    task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as error:
        print(f"cancelled: {error}, {task.cancelled()}")

    shielded = asyncio.create_task(slow("shielded", 0.1))
    try:
        await asyncio.wait_for(asyncio.shield(shielded), timeout=0.01)
    except TimeoutError:
        print(f"gave up waiting, but not the work: {await shielded}")

    done, pending = await asyncio.wait(
        [asyncio.create_task(slow(name, seconds)) for name, seconds in (("quick", 0.01), ("left over", 60))],
        return_when=asyncio.FIRST_COMPLETED,
    )
    print(f"wait() returned: {[task.result() for task in done]}, {len(pending)} pending")
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


asyncio.run(main())
