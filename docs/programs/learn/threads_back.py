import asyncio
import threading


async def greet(name: str) -> str:
    await asyncio.sleep(0)
    return f"hello {name}, from the loop's thread: {threading.current_thread() is threading.main_thread()}"


def in_a_thread(loop: asyncio.AbstractEventLoop, bell: asyncio.Event) -> None:
    future = asyncio.run_coroutine_threadsafe(greet("thread"), loop)
    print(future.result(timeout=10))
    loop.call_soon_threadsafe(bell.set)


async def main() -> None:
    bell = asyncio.Event()
    work = asyncio.to_thread(in_a_thread, asyncio.get_running_loop(), bell)
    await asyncio.gather(work, bell.wait())
    print("the bell rang")


asyncio.run(main())
