"""Many files at once: written, read by line and by block, copied through temporary files, looked at. Needs aiofiles."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from pathlib import Path

import aiofiles
import aiofiles.os
import aiofiles.tempfile
from aiofiles.ospath import wrap as in_thread

FILES = 200
LINES = 30


async def write(path: Path, number: int) -> int:
    async with aiofiles.open(path, "w", encoding="utf-8") as file:
        await file.writelines(f"{number}: {line} é\n" for line in range(LINES))
        await file.flush()
        return await file.tell()


async def count_lines(path: Path) -> int:
    count = 0
    async with aiofiles.open(path, encoding="utf-8") as file:
        async for line in file:
            assert line.endswith(f": {count} é\n")
            count += 1
    return count


async def copy(path: Path) -> tuple[str, bool]:
    async with (
        aiofiles.open(path, "rb") as source,
        aiofiles.tempfile.SpooledTemporaryFile(100, "w+b") as target,
    ):
        while block := await source.read(100):
            await target.write(block)
        await source.seek(0)
        await target.seek(0)
        return path.name, await source.read() == await target.read()


async def main(folder: str) -> None:
    paths = [Path(folder, f"file-{number}") for number in range(FILES)]
    sizes = await asyncio.gather(*(write(path, number) for number, path in enumerate(paths)))
    print("written:", sum(sizes))
    stats = await asyncio.gather(*(aiofiles.os.stat(path) for path in paths))
    print("sizes:", [stat.st_size for stat in stats] == sizes)
    print("lines:", set(await asyncio.gather(*(count_lines(path) for path in paths))))

    limit = asyncio.Semaphore(8)

    async def limited(path: Path) -> tuple[str, bool]:
        async with limit:
            return await copy(path)

    copies = [await next_one for next_one in asyncio.as_completed([limited(path) for path in paths])]
    print("copies:", len(dict(copies)), all(same for _name, same in copies))

    async with (
        aiofiles.tempfile.TemporaryDirectory() as temporary,
        aiofiles.tempfile.NamedTemporaryFile("w+") as named,
    ):
        await named.write("text")
        await named.seek(0)
        print("named:", await named.read(), await aiofiles.os.path.exists(named.name))
        await aiofiles.os.makedirs(Path(temporary, "a", "b"))
        await aiofiles.os.rename(paths[0], Path(temporary, "a", "moved"))
        print(
            "moved:",
            sorted(await aiofiles.os.listdir(Path(temporary, "a"))),
            await in_thread(paths[0].exists)(),
        )
    print("gone:", await aiofiles.os.path.exists(temporary), await aiofiles.os.path.exists(named.name))

    try:
        await count_lines(paths[0])
    except FileNotFoundError as error:
        print("missing:", error.errno, Path(error.filename).name)
    async with aiofiles.open(paths[1]) as file:
        released = threading.Event()
        task = asyncio.create_task(in_thread(released.wait)())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        released.set()
        print("cancelled:", task.cancelled(), len(await file.read()))
    print("closed:", file.closed, len(await aiofiles.os.listdir(folder)))
    await aiofiles.stdout.write("through standard output\n")
    loop = type(asyncio.get_running_loop())
    print(f"Ran on {loop.__module__}.{loop.__qualname__}.")


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(folder))
