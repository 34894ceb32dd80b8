import asyncio


async def copy_file() -> None:
    print("opened")
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print("told to stop")
        raise
    finally:
        print("closed")


async def main() -> None:
    task = asyncio.create_task(copy_file())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled:", task.cancelled())


asyncio.run(main())
