import asyncio


async def main() -> None:
    loop = asyncio.get_running_loop()
    print("this loop comes from", type(loop).__module__.partition(".")[0])


asyncio.run(main())
