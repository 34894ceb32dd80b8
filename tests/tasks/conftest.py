"""What the tests of tasks share: asyncio's names and ferrio's, each on its own loop."""

import asyncio

import ferrio
import pytest


@pytest.fixture
def aio(loop_name):
    """The names under test, on the loop under test."""
    return asyncio if loop_name == "asyncio" else ferrio
