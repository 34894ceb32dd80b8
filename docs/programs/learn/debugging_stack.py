import asyncio


async def deliver() -> None:
    await asyncio.sleep(60)


async def main() -> None:
    task = asyncio.create_task(deliver(), name="delivery")
    await asyncio.sleep(0)
    for each in sorted(asyncio.all_tasks(), key=asyncio.Task.get_name):
        frame = each.get_stack()[-1]
        print(f"{each.get_name().rstrip('0123456789')}: in {frame.f_code.co_name}, line {frame.f_lineno}")
    task.cancel()


asyncio.run(main())
