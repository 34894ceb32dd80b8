"""The command line: `python -m benchmarks --help`."""

import argparse
import os
import shlex
import sys
import tempfile
from pathlib import Path

from benchmarks import plots, tools
from benchmarks.interleave import Run
from benchmarks.peers import PEERS
from benchmarks.report import report
from benchmarks.suite import matching
from benchmarks.worker import Options


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="CPU time per operation of asyncio's event loops, side by side.",
    )
    parser.add_argument("--peers", default=",".join(PEERS), help="separated by commas (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="PATTERN", help="a regular expression for group/name")
    parser.add_argument(
        "--repeat", type=int, default=5, metavar="N", help="repetitions (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=0.2, help="CPU time of a measurement (default: %(default)s)"
    )
    parser.add_argument(
        "--python",
        nargs="+",
        default=[sys.executable],
        help="the Pythons to measure on, one after the other (default: the one that runs this)",
    )
    parser.add_argument("--cpu", type=int, help="the core to measure on (default: the last)")
    parser.add_argument("--no-gc", action="store_true", help="without the garbage collector")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and end")
    parser.add_argument("--out", type=Path, help="write the report to this file, too")
    parser.add_argument(
        "--plots",
        type=Path,
        metavar="FOLDER",
        help="write the plots of the first Python's results there, too",
    )
    options = parser.parse_args()
    if unknown := set(options.peers.split(",")) - set(PEERS):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    return options


def cores(wanted: int | None) -> tuple[int | None, int | None]:
    """Return the cores for the measurement and the load, or None where a process cannot be pinned to a core."""
    if not hasattr(os, "sched_setaffinity"):
        return None, None
    available = sorted(os.sched_getaffinity(0))
    measured = available[-1] if wanted is None else wanted
    return measured, next((cpu for cpu in available if cpu != measured), measured)


def main() -> None:
    options = arguments()
    benchmarks = matching(options.only)
    if options.list or not benchmarks:
        print(*(benchmark.path for benchmark in benchmarks), sep="\n")
        return
    cpu, load_cpu = cores(options.cpu)
    with tempfile.TemporaryDirectory() as folder:
        notes = tools.make(Path(folder)) if any(row.group.startswith("Echo") for row in benchmarks) else []
        told = Options("", options.seconds, folder, not options.no_gc, cpu, load_cpu)
        results = []
        for python in options.python:
            run = Run(python, told, options.peers.split(","))
            for note in notes:
                run.results.note(note)
            results.append(run.repeat(benchmarks, options.repeat))
    text = report(results, f"python -m benchmarks {shlex.join(sys.argv[1:])}".strip())
    print(text)
    if options.out:
        options.out.write_text(text)
    if options.plots:
        print(*plots.write(results[0], options.plots), sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()
