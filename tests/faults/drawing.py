"""How long tests draw their cases by chance: some cases that are always the same, or as long as `SECONDS` says."""

import itertools
import os
import random
import time


def seeds(count):
    """The seeds 0 to `count`; with SECONDS new ones for so long; with SEED only this one, to see a failure again."""
    if seed := os.environ.get("SEED"):
        yield int(seed)
    elif seconds := os.environ.get("SECONDS"):
        end = time.monotonic() + float(seconds)
        for seed in itertools.count(random.SystemRandom().randrange(1 << 40)):
            if time.monotonic() > end:
                return
            yield seed
    else:
        yield from range(count)


def timeout():
    """For pytest: as long as it may take."""
    return 120 + float(os.environ.get("SECONDS") or 0)
