"""What the tests of streams share: asyncio's names and ferrio's, on either loop."""

import asyncio

import ferrio
import pytest


@pytest.fixture(params=["asyncio's", "ferrio's"])
def aio(request):
    """The names under test."""
    return asyncio if request.param == "asyncio's" else ferrio


@pytest.fixture
def reader(aio, loop):
    return aio.StreamReader(loop=loop)
