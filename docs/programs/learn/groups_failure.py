import asyncio


async def download(name: str) -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print(name, "stops")
        raise


async def fail(error: Exception) -> None:
    raise error


async def main() -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(download("big file"))
            await asyncio.sleep(0)
            group.create_task(fail(ConnectionError("no route")))
            group.create_task(fail(ValueError("bad name")))
    except* ConnectionError as errors:
        print("connection:", errors.exceptions[0])
    except* ValueError as errors:
        print("value:", errors.exceptions[0])


asyncio.run(main())
