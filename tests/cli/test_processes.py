"""Programs that start themselves again."""

from __future__ import annotations

import pytest

from tests.cli.interpreter import Interpreter


class TestProcesses:
    @pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
    @pytest.mark.parametrize("form", [("app.py",), ("-m", "app"), ("-m", "package.part")])
    def test_multiprocessing(self, interpreter: Interpreter, method: str, form: tuple[str, ...]) -> None:
        source = f"""\
import asyncio, multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor

def work(x):
    return x * 2, __name__, sys.argv

async def main():
    context = multiprocessing.get_context({method!r})
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, work, 21)

if __name__ == "__main__":
    print(asyncio.run(main()))
"""
        for name in ("app.py", "package/__init__.py", "package/part.py"):
            interpreter.write(name, source)
        outcome = interpreter.run_both(*form, "arg", options=("-W", "ignore"))
        assert outcome.code == 0, outcome.stderr
        assert outcome.stdout.startswith("(42, ")
