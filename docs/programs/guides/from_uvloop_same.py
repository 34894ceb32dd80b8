import asyncio

import uvloop


async def main() -> None:
    print("this loop comes from", type(asyncio.get_running_loop()).__module__.partition(".")[0])


uvloop.run(main())
