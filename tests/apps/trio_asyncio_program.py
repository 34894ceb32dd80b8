"""asyncio code inside Trio, by trio_asyncio: its loop runs in Trio's, where CPython knows of no running loop.

Arguments: "accelerated before" or "accelerated after" for ferrio's functions and classes under asyncio's names, put
there before or after trio_asyncio is imported.
"""

import asyncio
import sys
import warnings


async def ordinary() -> None:
    await asyncio.sleep(0.001)
    print("Ran on {0.__module__}.{0.__qualname__}.".format(type(asyncio.get_running_loop())))


asyncio.run(ordinary())  # before trio_asyncio gives the loops


def accelerate(when: str) -> None:
    if sys.argv[1:] == [f"accelerated {when}"]:
        import ferrio

        ferrio.accelerate()
        assert asyncio.sleep is ferrio.sleep


accelerate("before")
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of policies and child watchers
    import trio
    import trio_asyncio
accelerate("after")


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()


async def talk() -> bytes:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"hello\n")
    answered = await reader.read()
    writer.close()
    server.close()
    return answered


async def time_out() -> str:
    try:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
    except TimeoutError:
        return "timed out"
    return "not timed out"


async def group() -> list[str]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0.001, name)) for name in ("one", "two")]
    return [task.result() for task in tasks]


async def synchronize() -> list[int]:
    """Two tasks that wait for each other by a queue, a lock and an event."""
    queue: asyncio.Queue[int] = asyncio.Queue(1)
    lock, done = asyncio.Lock(), asyncio.Event()
    got = []

    async def consume() -> None:
        for _ in range(3):
            got.append(await queue.get())
            async with lock:
                pass
        done.set()

    task = asyncio.create_task(consume())
    for number in range(3):
        async with lock:
            await queue.put(number)
            await asyncio.sleep(0)
    await done.wait()
    await task
    return got


async def combine() -> tuple[object, ...]:
    done, pending = await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0, 1))], timeout=5)
    first = [await each for each in asyncio.as_completed([asyncio.sleep(0, 2)])]
    return (
        len(done),
        len(pending),
        first,
        await asyncio.gather(asyncio.sleep(0, 3), asyncio.sleep(0.001, 4)),
        await asyncio.wait_for(asyncio.sleep(0.001, 5), 5),
        await asyncio.shield(asyncio.sleep(0, 6)),
    )


async def from_trio(seconds: float) -> str:
    """Trio's own waiting, called from asyncio."""
    return await trio_asyncio.trio_as_aio(sleep_in_trio)(seconds)


async def sleep_in_trio(seconds: float) -> str:
    await trio.sleep(seconds)
    return "slept in Trio"


async def inside() -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    print("current:", type(loop).__name__, task is not None and task.get_loop() is loop)
    print("sleep:", await asyncio.sleep(0.001, "slept"))
    print("timeout:", await time_out())
    print("group:", await group())
    print("synchronization:", await synchronize())
    print("combinators:", await combine())
    print("streams:", await talk())
    print("both:", await from_trio(0.001))


async def cancelled() -> None:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("cancelled by Trio")
        raise


async def main() -> None:
    async with trio_asyncio.open_loop():
        await trio_asyncio.aio_as_trio(inside)()
        with trio.move_on_after(0.01):
            await trio_asyncio.aio_as_trio(cancelled)()
    print("end")


trio.run(main)
