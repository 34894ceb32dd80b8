"""Every test of subprocesses must leave no child behind, neither a running one nor a zombie."""

import gc

import pytest

from tests.io.process.children import zombies_and_children


@pytest.fixture(autouse=True)
def no_children_left():
    before = zombies_and_children()
    yield
    gc.collect()
    left = zombies_and_children() - before
    assert not left, f"children left: {left}"
