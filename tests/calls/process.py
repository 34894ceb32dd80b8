"""The process that makes the calls, as seen from the one that asks for them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.attributes.walking import KINDS
from tests.calls.known import matches
from tests.calls.programs import MODULE

ROOT = Path(__file__).parents[2]

# How many programs are run for a kind: fewer where each of them starts a process, or connects.
EXAMPLES = (
    ("*ubprocess* Process", 10),
    ("SelectorEventLoop Future Task", 150),
    ("*Transport SSLProtocol Server* Runner", 40),
    (MODULE, 300),
    ("*", 80),
)
HERE = [name for name in KINDS if name != "_AsCompletedIterator" or hasattr(asyncio.tasks, name)]


def examples(kind: str) -> int:
    """How many programs a test runs for a kind."""
    return next(count for patterns, count in EXAMPLES if matches(kind, patterns))


class Worker:
    """A process that runs programs, made anew after one has ended it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors = folder / "errors"
        self.process: Any = None

    def start(self) -> None:
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.calls.worker", "--folder", str(self.folder)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.journal = Path(json.loads(self.process.stdout.readline())["journal"])

    def ask(self, **request: Any) -> dict[str, Any]:
        if self.process is None:
            self.start()
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if answer:
            return json.loads(answer)  # type: ignore[no-any-return]
        status = self.stop()
        return {
            "error": f"the process has ended with {status} in\n{self.journal.read_text()}\n"
            f"{self.errors.read_text()[-5000:]}"
        }

    def stop(self) -> int | None:
        if self.process is None:
            return None
        process, self.process = self.process, None
        process.stdin.close()
        process.stdout.close()
        return process.wait()  # type: ignore[no-any-return]
