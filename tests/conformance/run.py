"""Run CPython's own `test.test_asyncio` on ferrio's loop, and fail unless every applicable test passes.

    python tests/conformance/run.py [--accelerate] [--jobs N] [--files test_events,...] [--timeout SECONDS]
        [--report FILE]

With --accelerate, ferrio's types and functions stand under asyncio's names, too.

The tests are the running Python's: its `test` package, which some distributions have in a package of its own
(`libpython3.13-testsuite` on Debian). Each file runs in a process of its own. A test that hangs or ends the process is
reported, and the rest of its file runs in a new process; a test that did not pass is tried once more, alone.

Exits with 0 if nothing failed, crashed or hung, with 1 if anything did, and with 2 if there are no tests.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from applicability import FILES

HERE = Path(__file__).resolve().parent
BAD = ("fail", "hang", "crash")
# How long a file may take to be imported, in seconds.
IMPORT_TIMEOUT = 120

Tests = dict[str, dict[str, Any]]


class File:
    """The run of the tests of one file."""

    def __init__(self, name: str, options: argparse.Namespace, folder: Path) -> None:
        self.name = name
        self.options = options
        self.folder = folder
        self.tests: Tests = {}

    def run(self) -> Tests:
        """Runs all tests, and those that did not pass once more; returns what came of each."""
        while not self.run_process(self.tests, skip=list(self.tests)):
            pass
        for name, test in list(self.tests.items()):
            if test["status"] in BAD:
                again: Tests = {}
                self.run_process(again, only=[name])
                if again.get(name, test)["status"] not in BAD:
                    self.tests[name] = again[name] | {"again": True}
        return self.tests

    def run_process(self, tests: Tests, skip: list[str] | None = None, only: list[str] | None = None) -> bool:
        """Runs one process, and adds what it reports; returns whether nothing is left."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            report, errors = Path(folder) / "report", Path(folder) / "errors"
            report.touch()
            command = [sys.executable, "-X", "faulthandler", str(HERE / "worker.py"), self.name, str(report)]
            command += ["--skip", *skip] if skip else []
            command += ["--only", *only] if only else []
            command += ["--accelerate"] if self.options.accelerate else []
            with errors.open("wb") as output:
                # Elsewhere than here: what is imported must be what is installed.
                process = subprocess.Popen(
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            try:
                planned, running, is_done, end = self.follow(process, report, tests)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            message = errors.read_text(errors="replace")[-3000:]
        if is_done:
            return True
        if running is None:
            name = next((it for it in planned if it not in tests), "the file")
            running = {"test": name, "why_not": None}
        tests[running["test"]] = {
            "status": end,
            "message": message,
            "why_not": running["why_not"],
            "made_loops": 0,
        }
        # Whatever could not even be loaded will not be the next time.
        return not any(it not in tests for it in planned)

    def follow(self, process: Any, report: Path, tests: Tests) -> tuple[list[str], Any, bool, str]:
        """Reads a report until the process ends or hangs.

        Returns:
            the tests that were to run, the one that was running, whether all have, and what is to be said of the one.
        """
        planned: list[str] = []
        running: dict[str, Any] | None = None
        deadline = time.monotonic() + IMPORT_TIMEOUT
        with report.open() as lines:
            while True:
                has_ended = process.poll() is not None
                while line := lines.readline():
                    while not line.endswith("\n"):
                        line += lines.readline()
                    it = json.loads(line)
                    match it.pop("event"):
                        case "plan":
                            planned.append(it["test"])
                        case "begin":
                            running = it
                            # What is not expected to pass does not get as long to hang.
                            limit = (
                                self.options.timeout
                                if it["why_not"] is None
                                else min(15, self.options.timeout)
                            )
                            deadline = time.monotonic() + limit
                        case "end":
                            tests[it.pop("test")] = it
                            running = None
                            deadline = time.monotonic() + self.options.timeout
                        case "done":
                            return planned, None, True, ""
                if has_ended:
                    return planned, running, False, "crash"
                if time.monotonic() > deadline:
                    return planned, running, False, "hang"
                time.sleep(0.02)


def classify(tests: Tests, accelerated: bool) -> None:
    """Says which tests that did not pass are not applicable, and which that did say nothing about ferrio."""
    for test in tests.values():
        if test["status"] in BAD and test["why_not"] is not None:
            test["status"] = "not applicable"
        elif test["status"] == "pass" and not accelerated and not test["made_loops"]:
            test["status"] = "without a loop"


def summarize(files: dict[str, Tests]) -> int:
    """Prints what did not pass, and the counts; returns the exit status."""
    counts: collections.Counter[str] = collections.Counter()
    for file, tests in files.items():
        for name, test in sorted(tests.items()):
            counts[test["status"]] += 1
            if test["status"] in BAD:
                lines = test["message"].strip().splitlines()
                print(f"{test['status']}: {file}.{name}: {lines[-1] if lines else ''}")
            elif test.get("again"):
                print(f"passed only when it was run again: {file}.{name}")
    failed = sum(counts[status] for status in BAD)
    others = ", ".join(
        f"{counts[it]} {it}" for it in ("not applicable", "stock", "without a loop", "xfail") if counts[it]
    )
    print(f"of no account: {others or 'none'}")
    print(f"conformance: {counts['pass']} passed, {failed} failed, {counts['skip']} skipped")
    return 1 if failed or not counts["pass"] else 0


def find_tests() -> Path | None:
    """The folder of the running Python's tests of asyncio."""
    with contextlib.suppress(ImportError):
        if spec := importlib.util.find_spec("test.test_asyncio"):
            return Path(spec.origin or "").parent
    return None


def main() -> int:
    """Run and report; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=2, help="test files at a time (default: %(default)s)")
    parser.add_argument("--files", help="comma-separated names of test files (default: all)")
    parser.add_argument("--timeout", type=float, default=60, help="seconds for a test (default: %(default)s)")
    parser.add_argument("--accelerate", action="store_true", help="with ferrio's names under asyncio's, too")
    parser.add_argument("--report", type=Path, help="keep what came of each test, as JSON")
    options = parser.parse_args()
    folder = find_tests()
    if folder is None:
        print(
            f"{sys.executable} has no package `test` with CPython's own tests, so there is nothing to run.\n"
            "Some distributions have it in a package of its own: on Debian and Ubuntu, "
            f"libpython{sys.version_info[0]}.{sys.version_info[1]}-testsuite.",
            file=sys.stderr,
        )
        return 2
    names = [name for name in FILES if (folder / f"{name}.py").exists()]
    if options.files:
        names = [name for name in names if name in options.files.split(",")]
    files: dict[str, Tests] = {}
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(options.jobs) as pool:
        runs = [File(name, options, Path(directory)) for name in names]
        for name, tests in zip(names, pool.map(File.run, runs), strict=True):
            classify(tests, options.accelerate)
            files[name] = tests
            counts = collections.Counter(test["status"] for test in tests.values())
            print(f"{name}: {', '.join(f'{count} {it}' for it, count in counts.most_common())}", flush=True)
    if options.report:
        options.report.write_text(json.dumps(files, indent=1))
    return summarize(files)


if __name__ == "__main__":
    sys.exit(main())
