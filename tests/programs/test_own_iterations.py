"""Packages that make iterations themselves: those that make loops re-entrant, and clocks for tests."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.programs.running import APPS

# Two runs of a program, each of which has its own, shorter limit.
pytestmark = pytest.mark.timeout(120)

# nest_asyncio itself does not work on Python 3.14; its successor does on all.
PACKAGES = [*(["nest_asyncio"] if sys.version_info < (3, 14) else []), "nest_asyncio2"]


@pytest.mark.parametrize("package", PACKAGES)
def test_loops_inside_loops_say_the_same(package: str, says_the_same: Callable[..., str]) -> None:
    output = says_the_same(str(APPS / "nest_asyncio_nested.py"), package)
    assert "100 deep: 42\n" in output


@pytest.mark.parametrize("package", PACKAGES)
def test_loops_that_are_nested_too_deep_say_the_same(package: str, says_the_same: Callable[..., str]) -> None:
    output = says_the_same(str(APPS / "nest_asyncio_too_deep.py"), package)
    assert output.startswith("the innermost\ntoo deep\nthe innermost\n")


@pytest.mark.parametrize("package", PACKAGES)
def test_cells_of_ipython_say_the_same(package: str, says_the_same: Callable[..., str]) -> None:
    output = says_the_same(str(APPS / "ipython_cells.py"), package)
    assert "autoawait is `on`" in output


def test_a_clock_that_leaps_says_the_same(says_the_same: Callable[..., str]) -> None:
    output = says_the_same(str(APPS / "looptime_leaps.py"))
    assert "ends: [3600.0, 7200.0, 10800.0, 14400.0]\n" in output
