import ferrio as asyncio


async def main() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        group.create_task(queue.put(7))
        print("got", await queue.get())
    print(type(queue).__module__, asyncio.CancelledError.__module__.partition(".")[0])


asyncio.run(main())
