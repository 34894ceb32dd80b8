import asyncio
import tempfile
from pathlib import Path

import aiofiles


async def copy(source: Path, target: Path) -> int:
    copied = 0
    async with aiofiles.open(source, "rb") as read, aiofiles.open(target, "wb") as write:
        while block := await read.read(64 * 1024):
            copied += await write.write(block)
    return copied


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a").write_bytes(b"x" * 200_000)
        print(await asyncio.gather(*(copy(folder / "a", folder / f"b{n}") for n in range(3))))


asyncio.run(main())
