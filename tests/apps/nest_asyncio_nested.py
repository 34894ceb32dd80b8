"""Loops inside loops: whatever a task does, a loop that runs inside it does, too. Needs the package that is named."""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

nest_asyncio = importlib.import_module(sys.argv[1])

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # Of policies, and of a loop that nobody has set.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    nest_asyncio.apply()

var: contextvars.ContextVar[int] = contextvars.ContextVar("var", default=-1)


async def nested(depth: int, do: Callable[[], Awaitable[Any]]) -> Any:
    """Do something in a loop inside a loop inside a loop. Task and context are the same afterwards."""
    task = asyncio.current_task()
    assert task is not None
    var.set(depth)
    result = loop.run_until_complete(nested(depth - 1, do)) if depth else await do()
    assert asyncio.current_task() is task
    await asyncio.sleep(0)
    assert asyncio.current_task() is task
    assert var.get() == depth
    assert asyncio.get_running_loop() is loop
    return result


async def talk() -> bytes:
    """Say something to a server whose answer comes from a loop inside the one that answers."""

    async def think(data: bytes) -> bytes:
        await asyncio.sleep(0.001)
        return data.upper()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.readline()
        writer.write(loop.run_until_complete(think(data)))
        # Has to be sent although the loop in which it was written goes on from another one.
        loop.run_until_complete(writer.drain())
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        data = loop.run_until_complete(reader.read())
        writer.close()
        await writer.wait_closed()
    return data


async def run_child() -> bytes:
    code = "print(input() + '!')"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = loop.run_until_complete(child.communicate(b"child\n"))
    return out


async def interleave() -> list[str]:
    """A task goes on while another waits in a loop of its own."""
    order = []

    async def tick(name: str, count: int) -> None:
        for number in range(count):
            order.append(f"{name}{number}")
            await asyncio.sleep(0)

    ticking = asyncio.ensure_future(tick("a", 4))
    await asyncio.sleep(0)
    loop.run_until_complete(tick("b", 3))
    await ticking
    return order


async def overlap() -> list[int]:
    """The loop that was entered last has to end first."""

    async def sleep(seconds: float, number: int) -> int:
        loop.run_until_complete(asyncio.sleep(seconds))
        return number

    return await asyncio.gather(sleep(0.02, 1), sleep(0.01, 2))


async def fail() -> None:
    raise ZeroDivisionError


async def endings() -> list[str]:
    ends = []
    for coroutine in (fail(), asyncio.wait_for(loop.create_future(), 0.001)):
        try:
            loop.run_until_complete(coroutine)
        except (ZeroDivisionError, TimeoutError) as error:
            ends.append(type(error).__name__)
    waiting = asyncio.ensure_future(asyncio.sleep(1000))
    loop.call_later(0.001, waiting.cancel)
    try:
        loop.run_until_complete(waiting)
    except asyncio.CancelledError:
        ends.append("cancelled")
    return ends


async def wake_from_thread() -> str:
    future = loop.create_future()
    thread = threading.Timer(0.01, loop.call_soon_threadsafe, (future.set_result, "woken"))
    thread.start()
    result: str = loop.run_until_complete(future)
    thread.join()
    return result + " " + await asyncio.to_thread(str, "twice")


async def run_in_task() -> int:
    async def answer() -> int:
        await asyncio.sleep(0.001)
        return 42

    return asyncio.run(answer())


async def look_at_timers() -> tuple[list[str], int]:
    """Timers run in their order, whichever loop they were made in, and those that were cancelled do not."""
    ran: list[str] = []
    start = loop.time() + 0.3
    loop.call_at(start + 0.003, ran.append, "outer late")
    loop.call_at(start + 0.001, ran.append, "outer early")
    cancelled = [loop.call_at(start, ran.append, "cancelled") for _ in range(300)]

    async def inner() -> None:
        loop.call_at(start + 0.002, ran.append, "inner")
        for timer in cancelled:
            timer.cancel()
        await asyncio.sleep(0.4)

    loop.run_until_complete(inner())
    return ran, len([timer for timer in loop._scheduled if not timer._cancelled])  # type: ignore[attr-defined]


programs = (talk, run_child, interleave, overlap, endings, wake_from_thread, run_in_task, look_at_timers)

for program in programs:
    print(f"{program.__name__}:", loop.run_until_complete(program()))
    print(f"{program.__name__} within:", loop.run_until_complete(nested(3, program)))

print("100 deep:", loop.run_until_complete(nested(100, run_in_task)))
print("left:", asyncio.current_task(loop), asyncio._get_running_loop(), asyncio.all_tasks(loop))


async def main() -> None:
    kind = type(asyncio.get_running_loop())
    print(f"Ran on {kind.__module__}.{kind.__qualname__}.")


loop.run_until_complete(main())
loop.close()
