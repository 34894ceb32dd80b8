import asyncio
import inspect


async def double(number: int) -> int:
    print("doubling", number)
    return number * 2


async def main() -> None:
    coroutine = double(21)
    print("called, and nothing has run yet:", inspect.iscoroutine(coroutine))
    print("awaited:", await coroutine)

    try:
        await coroutine
    except RuntimeError as error:
        print("a second time:", error)


asyncio.run(main())
