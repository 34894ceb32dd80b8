import asyncio
import gc


def report(loop: asyncio.AbstractEventLoop, context: dict) -> None:
    print(f"{context['message'].partition(' at ')[0]}: {context['exception']!r}")


def divide() -> float:
    return 1 / 0


async def fail() -> None:
    raise OSError("disk full")


async def main() -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(report)

    loop.call_soon(divide)
    asyncio.create_task(fail())  # Nobody asks for its result.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
    print("the loop runs on")


asyncio.run(main())
