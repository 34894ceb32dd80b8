import asyncio
import multiprocessing.connection
import ssl

# Curio 1.6 asks for names that Python 3.12 has taken away; nothing here uses them.
for name in ("CHALLENGE", "WELCOME", "FAILURE"):
    vars(multiprocessing.connection).setdefault(name, b"")
vars(ssl).setdefault("wrap_socket", None)

import curio  # noqa: E402


async def of_curio(numbers: list[int]) -> int:
    async with curio.TaskGroup() as group:
        for number in numbers:
            await group.spawn(curio.sleep, number / 1000)
    return len(group.results)


async def main() -> None:
    kernel = asyncio.to_thread(curio.run, of_curio, [3, 1, 2])  # A kernel of its own, in a thread.
    print(await asyncio.gather(kernel, asyncio.sleep(0.01, "the loop went on")))


asyncio.run(main())
