import ferrio


async def consume(queue: ferrio.Queue, seen: list[int]) -> None:
    try:
        while True:
            seen.append(await queue.get())
    except ferrio.QueueShutDown:
        print("nothing will come any more")


async def main() -> None:
    queue: ferrio.Queue = ferrio.Queue(maxsize=2)
    seen: list[int] = []
    async with ferrio.TaskGroup() as group:
        group.create_task(consume(queue, seen))
        for number in range(5):
            await queue.put(number)
        queue.shutdown()
    print("seen:", seen)


ferrio.run(main())
