"""Libraries that put something else over asyncio: aioconsole, aiofiles, anyio, and the plugins of pytest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs.running import APPS

# Two runs of a program, each of which has its own, shorter limit.
pytestmark = pytest.mark.timeout(120)


def test_aioconsole_program_says_the_same(app_says_the_same: Callable[..., str]) -> None:
    """Its protocol saves its dictionary when a connection is lost, and restores it."""
    output = app_says_the_same("aioconsole_lines.py")
    assert "? got 'two'\n? the end\n" in output


def test_aiofiles_program_says_the_same(app_says_the_same: Callable[..., str]) -> None:
    output = app_says_the_same("aiofiles_many.py")
    assert "copies: 200 True\n" in output


def test_anyio_program_says_the_same(
    app_says_the_same: Callable[..., str], certificates: dict[str, Path]
) -> None:
    output = app_says_the_same(
        "anyio_program.py", *(str(certificates[name]) for name in ("certificate", "key", "authority"))
    )
    assert "memory streams: True\n" in output
    assert "threads: True\n" in output


@pytest.mark.parametrize("plugin", ["anyio", "pytest_asyncio"])
def test_suite_of_a_plugin_of_pytest_says_the_same(plugin: str, says_the_same: Callable[..., str]) -> None:
    options = (
        "-c",
        "/dev/null",
        f"--rootdir={APPS}",
        f"--confcutdir={APPS}",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:looptime_plugin",
        "-v",
        "-s",
    )
    # Without it, pytest-asyncio warns.
    options += ("-o", "asyncio_default_fixture_loop_scope=function")
    output = says_the_same("-m", "pytest", *options, str(APPS / f"{plugin}_suite.py"))
    assert "xfailed" in output
