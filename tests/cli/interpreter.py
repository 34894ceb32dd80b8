"""Runs programs by python and by ferrio.

``python -m ferrio program`` is ``python program``, on ferrio's loop. Each program runs both ways in a process of its
own; what it prints, what it shows when it fails and how it ends must be the same, byte for byte.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

FERRIO = ("-m", "ferrio")


@dataclass(frozen=True)
class Outcome:
    """How a program ended.

    Attributes:
        code: the exit code; minus the signal's number, if the program died by one.
        stdout: what it printed.
        stderr: what it complained of.
    """

    code: int
    stdout: str
    stderr: str


class Interpreter:
    """Runs programs in one directory, by python and by ferrio.

    Args:
        directory: the directory.
        executable: the interpreter.
    """

    def __init__(self, directory: Path, executable: str = sys.executable) -> None:
        self.directory = directory
        self.executable = executable
        self._loops = directory / "loops.txt"

    def write(self, name: str, content: str | bytes) -> str:
        """Write a file into the directory; returns its name."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def run(self, *arguments: str, stdin: bytes = b"", **environment: str) -> Outcome:
        """Run ``python`` with these arguments, this file as standard input, and these environment variables more."""
        with tempfile.TemporaryFile() as file:
            file.write(stdin)
            file.seek(0)
            return self.run_reading(file.fileno(), *arguments, **environment)

    def run_reading(self, stdin: int, *arguments: str, **environment: str) -> Outcome:
        """Run ``python`` on this standard input."""
        process = subprocess.run(
            [self.executable, *arguments],
            cwd=self.directory,
            stdin=stdin,
            env=self.environment(**environment),
            capture_output=True,
            timeout=60,
        )
        return Outcome(process.returncode, readable(process.stdout), readable(process.stderr))

    def run_both(
        self, *program: str, options: tuple[str, ...] = (), stdin: bytes = b"", **environment: str
    ) -> Outcome:
        """Run a program by python and by ferrio; assert that it ends in the same way, which is returned."""
        expected = self.run(*options, *program, stdin=stdin, **environment)
        self._loops.unlink(missing_ok=True)
        assert self.run(*options, *FERRIO, *program, stdin=stdin, **environment) == expected
        return expected

    def environment(self, **additional: str) -> dict[str, str]:
        """The environment of a program: ours, but for what would change how Python behaves."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        if "PYTHONPATH" in os.environ:
            kept["PYTHONPATH"] = os.environ["PYTHONPATH"]
        return kept | {"LOOPS": str(self._loops)} | additional

    def loops(self) -> list[str]:
        """The packages that the loops came from which the last program run by ferrio reported."""
        return [line.partition(".")[0] for line in self._loops.read_text().splitlines()]


def readable(output: bytes) -> str:
    """Output as text, without what differs from one process to the next."""
    return re.sub(r" at 0x[0-9a-f]+", " at 0x…", output.decode(errors="backslashreplace"))
