"""Cells of IPython that await, and that run coroutines by `asyncio.run`. Needs IPython and a package that is named."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import tempfile
import warnings
from typing import Any

CELLS = (
    "await f(1)",
    "asyncio.run(f(2))",
    "await asyncio.gather(f(3), f(4))",
    "%autoawait",
    "await g()",
    "asyncio.get_event_loop().run_until_complete(g())",
    "[await f(number) async for number in h()]",
)
PRELUDE = """
import asyncio

async def f(x):
    await asyncio.sleep(0.001)
    return x

async def g():
    task = asyncio.create_task(f(5))
    return asyncio.run(f(6)) + await f(7) + await task

async def h():
    for number in range(3):
        yield await f(number)
"""

with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Of policies, and of IPython's own imports.
    os.environ["IPYTHONDIR"] = folder
    from IPython.core import async_helpers
    from IPython.core.interactiveshell import InteractiveShell

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    importlib.import_module(sys.argv[1]).apply()
    shell: Any = InteractiveShell.instance()
    for cell in (PRELUDE, *CELLS):
        ended = shell.run_cell(cell, store_history=False)
        ended.raise_error()
        print(cell if cell in CELLS else "prelude", ended.result)
    shell.run_cell("kind = type(asyncio.get_event_loop())", store_history=False)
    kind = shell.user_ns["kind"]
    shell.history_manager.end_session()
    for made in {loop, async_helpers.get_asyncio_loop()}:
        made.close()
print(f"Ran on {kind.__module__}.{kind.__qualname__}.")
