import asyncio


async def halve(number: int) -> int:
    await asyncio.sleep(0)
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


async def slow() -> str:
    await asyncio.sleep(0.05)
    print("slow: nobody stopped me")
    return "slow"


async def main() -> None:
    results = await asyncio.gather(halve(8), halve(7), halve(6), return_exceptions=True)
    print(results)

    task = asyncio.create_task(slow())
    try:
        await asyncio.gather(halve(7), task)
    except ValueError as error:
        print("gather raises the first failure:", error)
    print("the other one goes on:", await task)


asyncio.run(main())
