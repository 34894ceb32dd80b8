"""The process in which the tests of one file run.

    python worker.py FILE REPORT --skip NAMES... --only NAMES...

Appends a line of JSON to the report when a test begins and when it ends.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import importlib
import json
import signal
import time
import traceback
import unittest
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import applicability
import ferrio
import variants

# In this file asyncio's own classes are meant; only what asks for a new loop gets ferrio's.
ABOUT_STOCK_CLASSES = ("test_unix_events",)


class Loops:
    """Makes ferrio's loops, and counts them."""

    made = 0

    @classmethod
    def new(cls, *_: Any, **__: Any) -> Any:
        cls.made += 1
        return ferrio.new_event_loop()


class LoopClass(type):
    """The class of what stands for asyncio's class of loops."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return Loops.new()

    def __instancecheck__(cls, it: object) -> bool:
        return isinstance(it, ferrio.Loop)


class LoopUnderTest(metaclass=LoopClass):
    """Stands for asyncio's class of loops, and makes ferrio's."""


class Result(unittest.TestResult):
    """Reports each test."""

    def __init__(self, report: Any, file: str) -> None:
        super().__init__()
        self.report = report
        self.file = file
        self.status, self.message = "", ""

    def say(self, **what: Any) -> None:
        self.report.write(json.dumps(what) + "\n")
        self.report.flush()

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.status, self.message = "pass", ""
        self.made, self.begun = Loops.made, time.monotonic()
        self.why_not = applicability.why_not(test)
        self.say(event="begin", test=name_of(test), why_not=self.why_not)

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        self.say(
            event="end",
            test=name_of(test),
            status=self.status,
            message=self.message,
            why_not=self.why_not,
            made_loops=Loops.made - self.made,
            seconds=round(time.monotonic() - self.begun, 2),
        )

    def fails(self, test: Any, error: Any) -> None:
        self.status = "fail"
        self.message = "".join(traceback.format_exception(*error))[-3000:]
        if not hasattr(test, "_testMethodName"):  # What stands before or after the tests of a class.
            self.say(
                event="end", test=str(test), status="fail", message=self.message, why_not=None, made_loops=0
            )

    addError = addFailure = fails

    def addSubTest(self, test: Any, subtest: Any, error: Any) -> None:
        if error is not None:
            self.fails(test, error)

    def addSkip(self, test: Any, reason: str) -> None:
        if not hasattr(test, "_testMethodName"):
            return
        if not self.status:  # Some releases skip without beginning.
            self.startTest(test)
            self.stopTest(test)
        self.status, self.message = "skip", reason

    def addExpectedFailure(self, test: Any, error: Any) -> None:
        self.status = "xfail"

    def addUnexpectedSuccess(self, test: Any) -> None:
        self.status, self.message = "fail", "unexpected success"


def name_of(test: unittest.TestCase) -> str:
    return f"{type(test).__name__}.{test._testMethodName}"


def prepare(file: str, accelerate: bool) -> Any:
    """Puts ferrio's loop, and if wanted its classes, under the tests of a file; returns its module."""
    stock = {
        "Task": asyncio.Task,
        "PyTask": asyncio.tasks._PyTask,  # type: ignore[attr-defined]
        "PyFuture": asyncio.futures._PyFuture,  # type: ignore[attr-defined]
    }
    if accelerate:
        ferrio.accelerate()
    asyncio.unix_events._UnixDefaultEventLoopPolicy._loop_factory = staticmethod(Loops.new)  # type: ignore[attr-defined]
    if file not in ABOUT_STOCK_CLASSES:
        asyncio.SelectorEventLoop = LoopUnderTest  # type: ignore[assignment,misc]
        if hasattr(asyncio, "EventLoop"):
            asyncio.EventLoop = LoopUnderTest  # type: ignore[assignment,misc]
    module = importlib.import_module(f"test.test_asyncio.{file}")
    variants.use_loop(file, module, Loops.new)
    if accelerate:
        variants.use_classes(file, module, stock)
    return module


def tests_in(suite: Any) -> Iterator[unittest.TestCase]:
    for it in suite:
        if isinstance(it, unittest.TestSuite):
            yield from tests_in(it)
        else:
            yield it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("report", type=Path)
    parser.add_argument("--skip", nargs="*", default=[])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--accelerate", action="store_true")
    options = parser.parse_args()
    faulthandler.enable()
    # Where a shell's `&` has it ignored, the tests of Ctrl-C would hang.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warnings.simplefilter("ignore")
    module = prepare(options.file, options.accelerate)
    chosen = unittest.TestSuite()
    with options.report.open("a") as report:
        result = Result(report, options.file)
        for test in tests_in(unittest.defaultTestLoader.loadTestsFromModule(module)):
            name = name_of(test)
            if name in options.skip or (options.only and name not in options.only):
                continue
            if applicability.is_about_stock(f"{options.file}.{name}", options.accelerate):
                result.say(event="end", test=name, status="stock", message="", why_not=None, made_loops=0)
            else:
                result.say(event="plan", test=name)
                chosen.addTest(test)
        chosen.run(result)
        result.say(event="done")


if __name__ == "__main__":
    main()
