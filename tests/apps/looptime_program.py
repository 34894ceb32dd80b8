"""A program that takes hours, on a loop that looptime gives another clock: waiting takes no time."""

import asyncio
import time

import looptime


async def expire() -> str:
    try:
        async with asyncio.timeout(3600):
            await asyncio.Event().wait()
    except TimeoutError:
        return "expired"
    return "not expired"


async def echo() -> bytes:
    """Sockets, which come first: the clock stands while there is something to read."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"hello\n")
    answered = await reader.read()
    writer.close()
    server.close()
    return answered


async def main() -> None:
    loop = asyncio.get_running_loop()
    order: list[str] = []
    loop.call_later(1800, order.append, "half an hour")
    loop.call_at(loop.time() + 5400, order.append, "an hour and a half")
    print("sleep:", await asyncio.sleep(3600, "slept"), loop.time(), order)
    print("timeout:", await expire(), loop.time(), order)
    print("gather:", await asyncio.gather(asyncio.sleep(60, 1), asyncio.sleep(90, 2)), loop.time())
    print("streams:", await echo())
    print("thread:", await asyncio.to_thread(sum, (1, 2)))


began = time.perf_counter()
loop = looptime.patch_event_loop(asyncio.new_event_loop(), start=100)
print("Ran on {0.__module__}.{0.__qualname__}.".format(type(loop).__mro__[2]))
loop.run_until_complete(main())
loop.close()
print("quickly:", time.perf_counter() - began < 60)
