"""The error of an installation that lacks the extension module for the running Python."""

from __future__ import annotations

import platform
import re
import sys
from pathlib import Path


def error() -> ImportError:
    """Return the error, which says for which Pythons ferrio has been built here, and what to do."""
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
