import asyncio


async def square(number: int) -> int:
    await asyncio.sleep(0.01)
    return number * number


async def main() -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(square(number)) for number in range(4)]
        print("inside, done:", sum(task.done() for task in tasks))
    print("behind the block:", [task.result() for task in tasks])


asyncio.run(main())
