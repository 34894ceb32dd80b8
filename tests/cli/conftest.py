"""Interpreters for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.interpreter import Interpreter
from tests.installed import make_environment


@pytest.fixture
def interpreter(tmp_path: Path) -> Interpreter:
    """An interpreter in a directory that is empty but for the way to it, which has a space and a symbolic link."""
    return Interpreter(_directory(tmp_path))


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment in which there is only ferrio."""
    return make_environment(tmp_path_factory.mktemp("environment"))


@pytest.fixture
def installed(tmp_path: Path, environment: Path) -> Interpreter:
    """The same with an interpreter whose environment has ferrio, start-up file and all, and nothing else."""
    return Interpreter(_directory(tmp_path), str(environment))


def _directory(folder: Path) -> Path:
    directory = folder / "a directory"
    directory.mkdir()
    (folder / "link").symlink_to(directory)
    return folder / "link"
