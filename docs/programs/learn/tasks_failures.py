import asyncio


async def fail() -> None:
    raise ValueError("no such number")


async def main() -> None:
    task = asyncio.create_task(fail(), name="lookup")
    await asyncio.wait([task])
    print(task.get_name(), "is done:", task.done())
    print("its exception:", repr(task.exception()))
    try:
        await task
    except ValueError as error:
        print("await raises it:", error)


asyncio.run(main())
