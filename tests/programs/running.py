"""Run a program by python and by ferrio: what it prints and how it ends must be the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

APPS = Path(__file__).parents[1] / "apps"
TIMEOUT = 50
LOOP = re.compile(r"Ran on (\w+)(?:\.\w+)+\.\n")
TIMES = re.compile(r" in \d+\.\d+s")  # pytest's last word.
# Debug mode, which -X dev switches on, remarks on what took a while, and on children that had to be killed.
REMARKS = re.compile(
    r"^(Executing (?:accepting from )?<.*> took \d+\.\d+ seconds|Close running child process: kill <.*>)\n",
    re.MULTILINE,
)
# asyncio's own complaint, on some versions, of a child that was reaped elsewhere (docs/differences.md).
REAPED = re.compile(r"^child process pid \d+ exit status already read: .*\n", re.MULTILINE)

PYTHON = ("-W", "error")
FERRIO = {
    "ferrio": (*PYTHON, "-m", "ferrio"),
    "only its loop, in debug mode": (*PYTHON, "-X", "dev", "-m", "ferrio", "--no-accelerate"),
}


def run(interpreter: tuple[str, ...], program: tuple[str, ...]) -> tuple[str, str]:
    """Run a program; returns what it printed but for times, and the package whose loop it says it ran on.

    Raises:
        AssertionError: if it does not exit with 0, or complains of anything.
    """
    ended = subprocess.run(
        [sys.executable, *interpreter, *program], capture_output=True, text=True, timeout=TIMEOUT
    )
    complaints = REMARKS.sub("", ended.stderr)
    if interpreter is PYTHON:
        complaints = REAPED.sub("", complaints)
    assert (ended.returncode, complaints) == (0, ""), f"{ended.stdout}\n{complaints}"
    (ran_on,) = LOOP.findall(ended.stdout)
    return TIMES.sub("", LOOP.sub("", ended.stdout)), ran_on
