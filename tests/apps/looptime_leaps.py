"""Hours of sleeping in no time, on a clock that leaps, while sockets and threads are waited for. Needs looptime."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import looptime


async def sleeps() -> list[float]:
    """Sleeps and timeouts of hours, which end in their order."""
    loop = asyncio.get_running_loop()
    ends = []

    async def sleep(hours: float) -> None:
        await asyncio.sleep(hours * 3600)
        ends.append(loop.time())

    await asyncio.gather(sleep(3), sleep(1), sleep(2))
    try:
        async with asyncio.timeout(3600):
            await sleep(2)
    except TimeoutError:
        ends.append(loop.time())
    return [round(end, 3) for end in ends]


async def receive() -> bytes:
    """Data that another thread sends is waited for in real time."""
    loop = asyncio.get_running_loop()
    a, b = socket.socketpair()
    with a, b:
        a.setblocking(False)
        sender = threading.Timer(0.05, b.send, (b"from a thread",))
        sender.start()
        data = await loop.sock_recv(a, 100)
        sender.join()
    return data


async def converse() -> bytes:
    """Streams work beside, and beyond the time of a timeout that leaps."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await asyncio.sleep(100)
        writer.write(await reader.readline())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"one\ntwo\n")
        data = await asyncio.wait_for(reader.read(), 1000)
        writer.close()
        await writer.wait_closed()
    return data


async def main() -> None:
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    print("at:", loop.time())
    print("ends:", await sleeps())
    print("received:", await receive())
    print("conversation:", await converse())
    print("thread:", await asyncio.to_thread(str, "result"))
    print("in a second or two:", time.perf_counter() - start < 20)


loop = looptime.patch_event_loop(asyncio.new_event_loop(), start=0)
loop.run_until_complete(main())
loop.run_until_complete(loop.shutdown_default_executor())
loop.close()
# The class of the patched loop is looptime's.
kind = next(kind for kind in type(loop).__mro__ if not kind.__module__.startswith("looptime"))
print(f"Ran on {kind.__module__}.{kind.__qualname__}.")
