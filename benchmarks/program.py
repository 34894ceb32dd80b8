"""Times a program on asyncio's loop and on ferrio's: python -m benchmarks.program app.py [ARGUMENT...]

The output of the first run on ferrio's loop is shown, that of the other runs is not. Times are of whole processes:
the start of the interpreter and the program's imports are in them.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

RUNS = 5
WAYS = {"asyncio": [], "ferrio": ["-m", "ferrio"]}


def run(command: Sequence[str], *, shown: bool) -> tuple[float, float]:
    """Run a program and return its CPU time and its wall time, both in seconds. Raises SystemExit if it fails."""
    started, before = time.perf_counter(), os.times()
    result = subprocess.run(command, stdout=None if shown else subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, os.times()
    if result.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {result.returncode}")
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return cpu, wall


def main() -> None:
    program = sys.argv[1:]
    if not program:
        raise SystemExit(__doc__)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    for repetition in range(RUNS):
        # ferrio first, so that its output is there at once; the order changes with each repetition.
        for name in sorted(WAYS, reverse=repetition % 2 == 0):
            command = [sys.executable, *WAYS[name], *program]
            times[name].append(run(command, shown=repetition == 0 and name == "ferrio"))
    print(f"\nThe whole process, start and imports included, medians of {RUNS} runs:")
    for name, values in times.items():
        cpu, wall = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"  on {name + chr(39) + 's loop':<16} {cpu:.3f} s of CPU time, {wall:.3f} s in all")


if __name__ == "__main__":
    main()
