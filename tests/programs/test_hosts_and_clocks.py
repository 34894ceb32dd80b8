"""Packages that replace functions of asyncio's or the clock: trio_asyncio, freezegun, time-machine, looptime."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.programs import running

# Two runs of a program, each of which has its own, shorter limit.
pytestmark = pytest.mark.timeout(120)


needs_policies = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="trio_asyncio is made of policies, which 3.14 deprecates"
)


@needs_policies
@pytest.mark.parametrize("when", ["before", "after"])
def test_native_functions_inside_trio_say_the_same(said_by_python: Callable[..., str], when: str) -> None:
    """With ferrio's functions and classes under asyncio's names; the loop is trio_asyncio's."""
    program = str(running.APPS / "trio_asyncio_program.py")
    expected = said_by_python(program)
    assert "current: TrioEventLoop True\n" in expected
    assert "cancelled by Trio\n" in expected
    output, _ = running.run(running.PYTHON, (program, f"accelerated {when}"))
    assert output == expected


@needs_policies
def test_a_program_inside_trio_says_the_same(app_says_the_same: Callable[..., str]) -> None:
    output = app_says_the_same("trio_asyncio_program.py")
    assert "both: slept in Trio\n" in output


def test_a_program_under_other_clocks_says_the_same(app_says_the_same: Callable[..., str]) -> None:
    output = app_says_the_same("frozen_clocks.py")
    assert "freezegun slept expired ['timer', 'wait_for'] 151\n" in output
    assert "afterwards: slept expired\n" in output


def test_a_program_on_a_loop_of_looptime_says_the_same(app_says_the_same: Callable[..., str]) -> None:
    output = app_says_the_same("looptime_program.py")
    assert "timeout: expired 7300.0 ['half an hour', 'an hour and a half']\n" in output
    assert "quickly: True\n" in output
