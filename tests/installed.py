"""Virtual environments in which ferrio is installed, start-up file and all, also where the tests run from the tree."""

from __future__ import annotations

import importlib.util
import os
import sysconfig
import venv
from pathlib import Path

import ferrio
import pytest

START_UP_FILE = Path(__file__).parents[1] / "start" / "platlib" / "ferrio_start.pth"


def make_environment(folder: Path, *, packages: bool = False) -> Path:
    """Make an environment with ferrio in it, as `maturin develop` puts it there.

    Args:
        folder: where to make it.
        packages: with the packages of the environment that the tests run in.

    Returns:
        its interpreter.
    """
    python = make_bare_environment(folder)
    site = site_packages(python)
    (site / "ferrio.pth").write_text(f"{Path(ferrio.__file__).parents[1]}\n")
    (site / START_UP_FILE.name).write_bytes(START_UP_FILE.read_bytes())
    if packages:
        (site / "packages.pth").write_text(f"{sysconfig.get_path('platlib')}\n")
    return python


def make_bare_environment(folder: Path) -> Path:
    """Make an environment with nothing in it; returns its interpreter."""
    venv.create(folder, symlinks=True)
    return folder / "bin" / "python"


def site_packages(python: Path) -> Path:
    """Where the packages of an environment lie."""
    (folder,) = python.parents[1].glob("lib/python3.*/site-packages")
    return folder


def need(*packages: str) -> None:
    """Skip the test that asks if one of these is not installed; on continuous integration it fails."""
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        reason = f"not installed: {', '.join(missing)} (`make test` installs what tests need)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
