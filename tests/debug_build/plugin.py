"""A pytest plugin for debug builds of CPython: `make debug` runs the tests with it.

A debug build has assertions and counts all references. Under this plugin the garbage collector also runs at every
opportunity while a test runs, and the interpreter's count of references is compared around each test on ferrio. A test
after which there are more references is repeated: objects that are made once, such as caches, are there by then. A test
that leaves references behind each time fails. Recycled objects are not counted as the interpreter does it, so
`make debug` turns that trick off.
"""

from __future__ import annotations

import contextlib
import gc
import math
import sys
import warnings
from collections.abc import Iterator

import pytest
from _pytest.runner import runtestprotocol

# How often a test is repeated at most until it leaves no reference behind.
REPETITIONS = 40
# References more than before that are no leak: the interpreter's own caches change by a few at any time.
TOLERANCE = 8
# Seconds that a test may take; a debug build that collects garbage all the time is many times slower.
TIMEOUT = 600


def pytest_configure() -> None:
    if not hasattr(sys, "gettotalrefcount"):
        raise pytest.UsageError("this plugin needs a debug build of CPython, such as Debian's python3.14-dbg")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # multidict, which aiohttp uses, crashes debug builds whatever the loop: PyObject_GC_Track of an object half made.
    without = [item for item in items if "aiohttp" not in item.nodeid]
    config.hook.pytest_deselected(items=[item for item in items if "aiohttp" in item.nodeid])
    items[:] = without
    for item in items:
        # In front of the time limits that the tests and conftest.py set.
        item.add_marker(pytest.mark.timeout(TIMEOUT), append=False)


@pytest.fixture(autouse=True)
def _collect_all_the_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect the youngest generation whenever two containers more were allocated than freed while a test runs."""
    threshold = gc.get_threshold()
    if request.node.get_closest_marker("many_objects") is None:
        gc.set_threshold(1)
    yield
    gc.set_threshold(*threshold)


def references() -> int:
    with warnings.catch_warnings(action="ignore"):
        # The cache of looked-up attributes keeps the names that it was asked for.
        sys._clear_type_cache()
    gc.collect()
    return sys.gettotalrefcount()  # type: ignore[attr-defined, no-any-return]


def tolerance(item: pytest.Item) -> float:
    """Return the number of references that a test may leave behind; there is no limit for asyncio's loop."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    if parameters.get("loop_name") == "asyncio":
        return math.inf
    return TOLERANCE


@contextlib.contextmanager
def forgetful_fixtures(item: pytest.Item) -> Iterator[None]:
    """Let fixtures that outlive the test forget what the fixtures made from them asked of them at their end.

    pytest adds a finalizer to a session's fixture each time that a test's fixture is made from it.
    """
    definitions = [it for them in item._fixtureinfo.name2fixturedefs.values() for it in them]  # type: ignore[attr-defined]
    made = [definition for definition in definitions if definition.cached_result is not None]
    known = [(definition._finalizers, len(definition._finalizers)) for definition in made]
    yield
    for finalizers, count in known:
        del finalizers[count:]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a test, again if it leaves references behind, and report the last run."""
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    growths = []
    while True:
        before = references()
        with forgetful_fixtures(item):
            reports = runtestprotocol(item, log=False, nextitem=item.parent)
        growths.append(references() - before)
        settled = growths[-1] <= tolerance(item) or any(report.failed or report.skipped for report in reports)
        if settled or len(growths) > REPETITIONS:
            break
        item._initrequest()  # type: ignore[attr-defined]
    if not settled:
        call = next(report for report in reports if report.when == "call")
        call.outcome = "failed"
        call.longrepr = f"references left behind, run by run: {growths}"
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    item.session._setupstate.teardown_exact(nextitem)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
