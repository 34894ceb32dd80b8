"""Type checkers infer the same with `import ferrio as asyncio` as with `import asyncio`.

Only ferrio can pass this file.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = (Path(__file__).parent / "typed_program.py").read_text()
# The program, and each public name by itself.
NAMES = {
    "names": "import asyncio\nfrom typing import reveal_type\n"
    + "".join(f"reveal_type(asyncio.{name})\n" for name in sorted(asyncio.__all__)),
    "program": PROGRAM,
}
# What only ferrio has.
OWN = """\
import asyncio
from typing import assert_type

import ferrio


async def main() -> int:
    return 1


assert_type(ferrio.__version__, str)
assert_type(ferrio.install(), None)
assert_type(ferrio.uninstall(), None)
assert_type(ferrio.accelerate(), None)
assert_type(ferrio.restore(), None)
assert_type(ferrio.Loop(), ferrio.Loop)
loop: asyncio.SelectorEventLoop = ferrio.Loop()
assert_type(loop.run_until_complete(main()), int)
assert_type(ferrio.run(main()), int)
with asyncio.Runner(loop_factory=ferrio.new_event_loop) as runner:
    runner.run(main())
with ferrio.Runner(loop_factory=ferrio.Loop) as runner:
    runner.run(main())


def on_transport(transport: ferrio.SocketTransport) -> asyncio.Transport:
    return transport


def taken(queue: ferrio.Queue[int]) -> ferrio.Future[int]:
    future: ferrio.Future[int] = ferrio.get_running_loop().create_future()
    future.add_done_callback(lambda done: queue.put_nowait(done.result()))
    return future


def given(queue: asyncio.Queue[int]) -> asyncio.Future[int]:
    return taken(queue)


policy: asyncio.DefaultEventLoopPolicy = ferrio.EventLoopPolicy()
assert_type(policy.new_event_loop(), asyncio.AbstractEventLoop)
# Whatever the version of Python.
assert_type(ferrio.EventLoop().time(), float)
assert_type(ferrio.timeout(1), asyncio.Timeout)
assert_type(ferrio.timeout_at(1), asyncio.Timeout)
assert issubclass(ferrio.QueueShutDown, Exception)
loop.set_task_factory(ferrio.eager_task_factory)
loop.set_task_factory(ferrio.create_eager_task_factory(ferrio.Task))
"""

Check = Callable[[Path], tuple[list[str], list[str]]]


def mypy(folder: Path) -> tuple[list[str], list[str]]:
    """Check the files of a folder; returns the errors, and what was revealed."""
    said = _run(
        folder, "mypy", "--strict", "--hide-error-context", "--no-error-summary", "--cache-dir=.cache", "."
    )
    revealed = [line for line in said.splitlines() if ": note: Revealed type is" in line]
    return [line for line in said.splitlines() if ": error: " in line], revealed


def pyright(folder: Path) -> tuple[list[str], list[str]]:
    """Check the files of a folder; returns the errors, and what was revealed."""
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "reportDeprecated": false}')
    said = json.loads(_run(folder, "pyright", "--outputjson", f"--pythonpath={sys.executable}"))
    lines: dict[str, list[str]] = {"error": [], "warning": [], "information": []}
    for diagnostic in said["generalDiagnostics"]:
        name = Path(diagnostic["file"]).name
        place = f"{name}:{diagnostic['range']['start']['line'] + 1}"
        lines[diagnostic["severity"]].append(f"{place}: {diagnostic['message']}")
    return lines["error"] + lines["warning"], lines["information"]


def _run(folder: Path, module: str, *arguments: str) -> str:
    process = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=folder, capture_output=True, text=True, timeout=100
    )
    assert process.returncode in (0, 1), f"{process.stdout}\n{process.stderr}"
    return process.stdout


def normal(lines: list[str], name: str) -> list[str]:
    """Return what was said about a file, without the name of the file or of its module."""
    return [re.sub(rf"\b{name}\b", "it", line) for line in lines if line.startswith(f"{name}.py")]


@pytest.mark.timeout(200)
@pytest.mark.parametrize("check", [mypy, pyright])
def test_types_are_asyncio_s(check: Check, tmp_path: Path) -> None:
    for kind, code in NAMES.items():
        assert code.count("import asyncio\n") == 1
        (tmp_path / f"asyncio_{kind}.py").write_text(code)
        changed = code.replace("import asyncio\n", "import ferrio as asyncio\n")
        (tmp_path / f"ferrio_{kind}.py").write_text(changed.replace("import asyncio.subprocess\n", "\n"))
    errors, revealed = check(tmp_path)
    for kind, code in NAMES.items():
        expected = normal(revealed, f"asyncio_{kind}")
        assert normal(revealed, f"ferrio_{kind}") == expected
        assert len(expected) >= code.count("reveal_type(") * 0.9, "what is for newer versions is not revealed"
        assert normal(errors, f"ferrio_{kind}") == normal(errors, f"asyncio_{kind}")
    assert normal(errors, "ferrio_program") == []


@pytest.mark.timeout(200)
@pytest.mark.parametrize("check", [mypy, pyright])
def test_names_that_only_ferrio_has_are_typed(check: Check, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    assert check(tmp_path) == ([], [])
