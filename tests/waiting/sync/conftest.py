"""Each test runs with asyncio's names and with ferrio's, on either loop."""

import asyncio

import ferrio
import pytest


@pytest.fixture(params=[asyncio, ferrio], ids=["asyncio's names", "ferrio's names"])
def aio(request):
    """The names under test."""
    return request.param
