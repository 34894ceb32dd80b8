"""Lines of standard input, which is a pipe, read as by a program that talks with somebody. Needs aioconsole."""

from __future__ import annotations

import asyncio
import os
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # It derives from event loop policies.
    import aioconsole


async def ask(question: str) -> str | None:
    try:
        return await aioconsole.ainput(question)
    except EOFError:
        return None


async def main() -> None:
    while (answer := await ask("? ")) is not None:
        await aioconsole.aprint(f"got {answer!r}")
    await aioconsole.aprint("the end")
    reader, writer = await aioconsole.get_standard_streams()
    _, errors = await aioconsole.get_standard_streams(use_stderr=True)
    for transport in (reader._transport, writer.transport, errors.transport):
        transport.close()
    await asyncio.sleep(0)  # Their ends are told in the next iteration.
    loop = type(asyncio.get_running_loop())
    print(f"Ran on {loop.__module__}.{loop.__qualname__}.")


# As `printf 'one\ntwo\n' | python aioconsole_lines.py`.
reading, writing = os.pipe()
os.write(writing, b"one\ntwo\n")
os.close(writing)
os.dup2(reading, 0)
os.close(reading)
asyncio.run(main())
