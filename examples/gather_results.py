"""gather() returns results in the order of its arguments, whatever finishes first."""

import asyncio


async def square(number: int, delay: float) -> int:
    await asyncio.sleep(delay)
    print(f"{number} squared is ready")
    return number * number


async def refuse(reason: str) -> int:
    raise ValueError(reason)


async def main() -> None:
    results = await asyncio.gather(square(1, 0.3), square(2, 0.1), square(3, 0.2))
    print(f"results: {results}")

    # One that fails: gather() raises at once, and the others go on.
    slow = asyncio.create_task(square(4, 0.1))
    try:
        await asyncio.gather(refuse("no squares today"), slow)
    except ValueError as error:
        print(f"gather raised: {error}; the other is {'done' if slow.done() else 'still running'}")
    await slow

    # Or failures are results like any other.
    print(f"results: {await asyncio.gather(square(5, 0.1), refuse('still none'), return_exceptions=True)}")


asyncio.run(main())
