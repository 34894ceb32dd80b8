import asyncio


class Inbox(asyncio.Queue):
    pass


async def main() -> None:
    queue = asyncio.Queue()
    print("isinstance:", isinstance(queue, asyncio.Queue), isinstance(Inbox(), asyncio.Queue))
    print("its module:", type(queue).__module__)


asyncio.run(main())
