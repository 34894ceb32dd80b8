"""The errors of an installation that cannot run: what is said, and how the command line ends."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

import _ferrio_start


def explain(error: ImportError) -> ImportError:
    """Return the error that `import ferrio` raises in the place of another one.

    Args:
        error: why ferrio cannot run.

    Raises:
        SystemExit: with code 2, after a sentence on standard error, if the process is ferrio's command line.
    """
    if isinstance(error, ModuleNotFoundError) and error.name == "ferrio._ferrio":
        error = _unbuilt()
    if _is_command_line():
        print(f"ferrio: {error}", file=sys.stderr)
        raise SystemExit(2)
    return error


def _is_command_line() -> bool:
    """Whether this process is ``python -m ferrio`` or the command ``ferrio``, and not a program that imports ferrio."""
    program = _ferrio_start.program()
    return program == "-m ferrio" or os.path.basename(program) == "ferrio"


def _unbuilt() -> ImportError:
    """Return the error of a missing extension module, which says for which Pythons there is one, and what to do."""
    folder = Path(__file__).parent
    names = sorted(path.name for path in folder.glob("_ferrio.*") if path.suffix != ".pyi")
    built = ", ".join(_describe(name) for name in names) or "none"
    this = f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})"
    text = (
        f"ferrio's extension module is missing for this Python, {this}. "
        f"The installation in {folder} has been built for: {built}. "
        f"Run the program by one of these, or install ferrio for this one: "
        f"`{sys.executable} -m pip install .` in a clone of ferrio, with Rust on the machine."
    )
    return ImportError(text, name="ferrio._ferrio", path=str(folder))


def _describe(name: str) -> str:
    """Return the Python of an extension module: "_ferrio.cpython-313-x86_64-linux-gnu.so" is for CPython 3.13."""
    found = re.match(r"_ferrio\.cpython-3(\d+)([a-z]*)-", name)
    if found is None:
        return name
    flags = {"": "", "d": " (debug build)", "t": " (free-threaded)"}.get(found[2], f" ({found[2]})")
    return f"CPython 3.{found[1]}{flags}"
