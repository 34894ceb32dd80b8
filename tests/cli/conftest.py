"""An interpreter for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.interpreter import Interpreter


@pytest.fixture
def interpreter(tmp_path: Path) -> Interpreter:
    """An interpreter in a directory that is empty but for the way to it, which has a space and a symbolic link."""
    directory = tmp_path / "a directory"
    directory.mkdir()
    (tmp_path / "link").symlink_to(directory)
    return Interpreter(tmp_path / "link")
