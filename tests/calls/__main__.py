"""Calls everything with random arguments for some time, and reports what differs from asyncio.

python -m tests.calls [SECONDS]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from tests.calls.process import HERE, Worker, examples


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    end = time.monotonic() + seconds
    reported: set[str] = set()
    programs = 0
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(Path(folder))
        while time.monotonic() < end:
            seed = random.randrange(2**32)
            for kind in HERE:
                if (left := end - time.monotonic()) <= 0:
                    break
                answer = worker.ask(kind=kind, examples=examples(kind), seconds=left, seed_=seed)
                programs += examples(kind)
                for difference in [*answer.get("differences", []), answer.get("error")]:
                    # The first lines tell two differences apart, the last is the program.
                    if difference and (head := difference.rpartition("\n")[0]) not in reported:
                        reported.add(head)
                        print(difference, flush=True)
            print(f"{programs} programs, the last with seed {seed}; differences: {len(reported)}", flush=True)
        worker.stop()
    return 1 if reported else 0


if __name__ == "__main__":
    sys.exit(main())
