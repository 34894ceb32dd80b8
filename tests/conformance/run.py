"""Run CPython's own `test.test_asyncio` on ferrio's loop, and fail unless every applicable test passes.

    python tests/conformance/run.py [--accelerate] [--runner PATH] [--jobs N] [--files test_events,…] [--report PREFIX]

With --accelerate, ferrio's types and functions stand under asyncio's names, too.

The tests are the running Python's (its `test` package); the runner that puts another loop under them is not part of
this repository. Exits with 0 if nothing failed, crashed or hung, with 1 if anything did, with 2 if there is no runner.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNNER = ROOT.parent / "shared" / "conformance" / "run_cpython_tests.py"
BAD = ("fail", "timeout", "crash")
# What says nothing with --accelerate: test_graph names the frames of asyncio's Python code that native functions
# replace, and the runner's variant of the tests of get_event_loop() takes Task away on Python 3.14. Both run without.
NOT_ACCELERATED = ("test_graph.", "test_events.Patched_GetEventLoop.")


def main() -> int:
    """Run and report; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runner", type=pathlib.Path, default=RUNNER, help="default: %(default)s")
    parser.add_argument("--jobs", type=int, default=2, help="test files at a time (default: %(default)s)")
    parser.add_argument("--files", help="comma-separated names of test files (default: all)")
    parser.add_argument("--accelerate", action="store_true", help="with ferrio's names under asyncio's, too")
    parser.add_argument(
        "--report", type=pathlib.Path, help="keep the full report as PREFIX.txt and PREFIX.json"
    )
    arguments = parser.parse_args()
    if not arguments.runner.exists():
        print(f"there is no runner at {arguments.runner}; --runner names another", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as directory:
        prefix = (arguments.report or pathlib.Path(directory) / "report").resolve()
        command = [sys.executable, str(arguments.runner), "--python", sys.executable]
        command += ["--loop", "ferrio:new_event_loop", "--jobs", str(arguments.jobs), "--out", str(prefix)]
        if arguments.accelerate:
            command += ["--patch", "ferrio:accelerate"]
        if arguments.files:
            command += ["--files", arguments.files]
        # Elsewhere than here: what is imported must be what is installed.
        subprocess.run(command, check=True, cwd=directory)
        report = json.loads(prefix.with_name(prefix.name + ".json").read_text())
    return summarize(report["files"], NOT_ACCELERATED if arguments.accelerate else ())


def summarize(files: dict[str, dict[str, dict[str, dict[str, str]]]], without: tuple[str, ...]) -> int:
    """Print what did not pass, and the counts, without the tests that begin so; return the exit status."""
    counts: collections.Counter[str] = collections.Counter()
    for file, results in files.items():
        for test, result in sorted(results["tests"].items()):
            if f"{file}.{test}".startswith(without):
                continue
            counts[result["status"]] += 1
            if result["status"] in BAD:
                message = (result.get("msg") or "").strip().splitlines()
                print(f"{result['status']}: {file}.{test}: {message[-1] if message else ''}")
    failed = sum(counts[status] for status in BAD)
    print(f"conformance: {counts['pass']} passed, {failed} failed, {counts['skip']} skipped")
    return 1 if failed or not counts["pass"] else 0


if __name__ == "__main__":
    sys.exit(main())
