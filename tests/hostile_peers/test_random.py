"""Attacks by chance: the bytes of a TLS client are changed, repeated, left out, cut. A failure says which SEED shows it
again: `make hostile SEED=17`."""

import random

import pytest

from tests.faults.drawing import seeds, timeout
from tests.hostile_peers.victims import GREETING, server


@pytest.mark.timeout(timeout())
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_random_attacks(both, tls):
    for seed in seeds(25):
        draw = random.Random(seed)
        options = {
            "attack": "random_tls" if tls else "random_plain",
            "way": draw.choice(["protocols", "streams"]),
            "how": draw.choice(["end", "reset"]),
            "tls": tls,
            "draw": seed,
        }
        try:
            outcome = both.same(server, amounts=False, **options)
            assert ["answered", GREETING] in outcome["journal"]["good client"]
        except AssertionError as error:
            error.add_note(f"SEED={seed}: {options}")
            raise
