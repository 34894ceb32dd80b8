"""A loop inside a loop inside a loop, until there is no stack left, and then on. Needs the package that is named."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
import warnings

warnings.simplefilter("ignore")  # Of policies; and coroutines that there was no stack to begin.
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
importlib.import_module(sys.argv[1]).apply()
# A task whose loop has ended by an error is pending for ever, or was made by half.
logging.disable()


async def nested(depth: int) -> str:
    if depth:
        return loop.run_until_complete(nested(depth - 1))
    await asyncio.sleep(0)
    return "the innermost"


for depth in (10, 100_000, 10):
    try:
        print(loop.run_until_complete(nested(depth)))
    except RecursionError:
        print("too deep")
print("left:", asyncio.current_task(loop), asyncio._get_running_loop(), loop.is_running())


async def main() -> None:
    kind = type(asyncio.get_running_loop())
    print(f"Ran on {kind.__module__}.{kind.__qualname__}.")


loop.run_until_complete(main())
