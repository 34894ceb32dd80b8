import asyncio


async def count(name: str) -> None:
    for number in range(3):
        print(name, number)
        await asyncio.sleep(0)


async def main() -> None:
    await asyncio.gather(count("a"), count("b"))

    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.sleep(-5)
    print("a negative delay waits:", loop.time() - began > 1)

    print("the result argument:", await asyncio.sleep(0.01, result="good morning"))

    try:
        await asyncio.sleep("soon")
    except TypeError as error:
        print("TypeError:", error)


asyncio.run(main())
